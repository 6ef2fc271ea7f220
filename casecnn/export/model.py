"""A declared net and its weights as an ONNX model, with what a program must know to use it as metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.typing import ArrayLike

import casecnn
from casecnn.errors import UsageError
from casecnn.export.graph import DEFAULT_OPSET, Graph
from casecnn.export.operators import Value, add_layers
from casecnn.files import atomic_write
from casecnn.layers import Layer, Net, Softmax

# An IR version that runtimes of the opset's time read; onnx would write its own newest one.
IR_VERSIONS = {13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12}

Batch = int | Literal["dynamic"]


def net_model(
    net: Net,
    parameters: Mapping[str, ArrayLike],
    *,
    metadata: Mapping[str, Any] | None = None,
    batch: Batch = "dynamic",
    opset: int = DEFAULT_OPSET,
) -> Any:
    """Return the onnx.ModelProto of a net with one input, "input", float32 [batch, *net.input].

    ``parameters`` are the arrays of the built module's state dict. The outputs are "logits" and, where a Softmax stands
    last, "probabilities", both float32 [batch, *net.output_shape]. ``metadata`` is stored with the model, as JSON where
    a value is no string. Raises `InputError` for a weight that is missing, `UsageError` where onnx is not installed or
    the opset is not one of 13 to 24.
    """
    graph = Graph(parameters, opset)
    inputs = [tensor("input", (batch, *net.input))]
    outputs = add_net(graph, net, Value("input", net.input), batch)
    return finish(graph, net.name, inputs, outputs, metadata or {})


def add_net(graph: Graph, net: Net, value: Value, batch: Batch) -> list[Any]:
    """Add all layers of a net to a graph; returns its outputs, "logits" and "probabilities"."""
    layers: tuple[Layer, ...] = net.layers
    last = layers[-1] if isinstance(layers[-1], Softmax) else None
    value = add_layers(graph, layers[:-1] if last else layers, "", value)
    return add_outputs(graph, value, batch, softmax=last is not None)


def add_outputs(graph: Graph, value: Value, batch: Batch, softmax: bool = True, sigmoid: bool = False) -> list[Any]:
    """Name a value "logits" and add "probabilities" of it, by softmax or one sigmoid a unit; returns the outputs."""
    graph.add("Identity", [value.name], "logits")
    outputs = [tensor("logits", (batch, *value.shape))]
    if softmax or sigmoid:
        attributes = {} if sigmoid else {"axis": 1}
        graph.add("Sigmoid" if sigmoid else "Softmax", ["logits"], "probabilities", **attributes)
        outputs.append(tensor("probabilities", (batch, *value.shape)))
    return outputs


def tensor(name: str, shape: Sequence[int | str], kind: str = "FLOAT") -> Any:
    """Describe an input or output; the axis "dynamic" is called "batch"."""
    from onnx import TensorProto, helper

    axes = ["batch" if size == "dynamic" else size for size in shape]
    return helper.make_tensor_value_info(name, getattr(TensorProto, kind), axes)


def finish(graph: Graph, name: str, inputs: Sequence[Any], outputs: Sequence[Any], metadata: Mapping[str, Any]) -> Any:
    """Return the checked onnx.ModelProto of a graph."""
    from onnx import checker, helper

    proto = helper.make_graph(graph.nodes, name, list(inputs), list(outputs), list(graph.initializers.values()))
    model = helper.make_model(
        proto,
        producer_name="casecnn",
        producer_version=casecnn.__version__,
        opset_imports=[helper.make_opsetid("", graph.opset)],
        ir_version=IR_VERSIONS[graph.opset],
    )
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in metadata.items()
    }
    helper.set_model_props(model, texts)
    checker.check_model(model, full_check=True)
    return model


def check_ending(path: str | os.PathLike[str]) -> None:
    """Raise `UsageError` unless a file's name ends in .onnx, which is how other programs know what it is."""
    if Path(path).suffix != ".onnx":
        raise UsageError(f"`output` (={os.fspath(path)}) must end in .onnx")


def write(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model, whole or not at all; raises `InputError` where the file cannot be written."""
    content = model.SerializeToString(deterministic=True)
    with atomic_write(path) as stream:
        stream.write(content)
