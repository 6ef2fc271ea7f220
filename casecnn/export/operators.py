"""Each layer of a declaration as ONNX operators: what `casecnn.reference` does, in the words of the ONNX standard.

Every function takes the graph, the layer, its dotted name, the name of its input and the input's shape without the
batch axis, and returns the name of its output. Windows are those of the declared input size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casecnn import layers
from casecnn.export.graph import Graph
from casecnn.layers.engine import Engine
from casecnn.layers.layer import Activation, Layer
from casecnn.layers.pointwise import SCALED_TANH
from casecnn.layers.shapes import Shape, Span, pair

Operator = Callable[[Graph, Any, str, str, Shape], str]
ONNX: Engine[Operator] = Engine("ONNX operator")


@dataclass(frozen=True)
class Value:
    """The output of a layer: its name in the graph and its shape without the batch axis."""

    name: str
    shape: Shape


def add_layers(graph: Graph, chain: Sequence[Layer], path: str, value: Value) -> Value:
    """Add layers that stand one after the other under the dotted name ``path``."""
    for layer in chain:
        name = f"{path}.{layer.name}" if path else layer.name
        output = ONNX.entry(layer)(graph, layer, name, value.name, value.shape)
        value = Value(output, layer.output_shape(value.shape))
    return value


def activate(graph: Graph, activation: Activation, name: str, x: str) -> str:
    """Add the activation of layer ``name``; ``x`` itself where it has none."""
    if activation is None:
        return x
    if activation == "scaled_tanh":
        return _scaled_tanh(graph, name, x)
    operator = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}[activation]
    return graph.add(operator, [x], f"{name}.{activation}")


def _scaled_tanh(graph: Graph, name: str, x: str) -> str:
    amplitude, slope = (np.float32(value) for value in SCALED_TANH)
    x = graph.add("Mul", [x, graph.constant(f"{name}.slope", slope)], f"{name}.scaled")
    x = graph.add("Tanh", [x], f"{name}.tanh")
    return graph.add("Mul", [x, graph.constant(f"{name}.amplitude", amplitude)], f"{name}.scaled_tanh")


def pads(rows: Span, columns: Span) -> list[int]:
    """The padding of both axes as ONNX lists it: all beginnings, then all ends; overhang counts as padding."""
    return [rows.before, columns.before, rows.after + rows.overhang, columns.after + columns.overhang]


@ONNX.runs(layers.Conv)
def _conv(graph: Graph, layer: layers.Conv, name: str, x: str, shape: Shape) -> str:
    inputs = [x, graph.weight(f"{name}.weight"), *([graph.weight(f"{name}.bias")] if layer.bias else [])]
    x = graph.add(
        "Conv",
        inputs,
        name,
        kernel_shape=pair(layer.kernel),
        strides=pair(layer.stride),
        dilations=pair(layer.dilation),
        group=layer.groups,
        pads=pads(*layer.spans(shape[1], shape[2])),
    )
    return activate(graph, layer.activation, name, x)


@ONNX.runs(layers.TableConv)
def _table_conv(graph: Graph, layer: layers.TableConv, name: str, x: str, shape: Shape) -> str:
    """One convolution whose kernels are zero where the table has no connection."""
    graph.weight(f"{name}.weight")  # notices that it is missing
    del graph.initializers[f"{name}.weight"]
    full = np.zeros((len(layer.table), shape[0], *pair(layer.kernel)), np.float32)
    outputs, inputs = (list(maps) for maps in zip(*layer.connections, strict=True))
    full[outputs, inputs] = np.asarray(graph.parameters[f"{name}.weight"], np.float32)
    x = graph.add(
        "Conv",
        [x, graph.constant(f"{name}.weight", full), graph.weight(f"{name}.bias")],
        name,
        kernel_shape=pair(layer.kernel),
        strides=pair(layer.stride),
        pads=pads(*layer.spans(shape[1], shape[2])),
    )
    return activate(graph, layer.activation, name, x)


@ONNX.runs(layers.Linear)
def _linear(graph: Graph, layer: layers.Linear, name: str, x: str, shape: Shape) -> str:
    bias = [graph.weight(f"{name}.bias")] if layer.bias else []
    x = graph.add("Gemm", [x, graph.weight(f"{name}.weight"), *bias], name, transB=1)
    return activate(graph, layer.activation, name, x)


@ONNX.runs(layers.PositionBias)
def _position_bias(graph: Graph, layer: layers.PositionBias, name: str, x: str, shape: Shape) -> str:
    return graph.add("Add", [x, graph.weight(f"{name}.bias")], name)


@ONNX.runs(layers.BatchNorm)
def _batch_norm(graph: Graph, layer: layers.BatchNorm, name: str, x: str, shape: Shape) -> str:
    numbers = [graph.weight(f"{name}.{key}") for key in ("weight", "bias", "running_mean", "running_var")]
    x = graph.add("BatchNormalization", [x, *numbers], name, epsilon=layer.epsilon)
    return activate(graph, layer.activation, name, x)


@ONNX.runs(layers.LocalResponseNorm)
def _local_response_norm(graph: Graph, layer: layers.LocalResponseNorm, name: str, x: str, shape: Shape) -> str:
    """ONNX divides alpha by the window, as torch does; the paper does not."""
    return graph.add("LRN", [x], name, size=layer.n, alpha=layer.alpha * layer.n, beta=layer.beta, bias=layer.k)


@ONNX.runs(layers.MaxPool)
def _max_pool(graph: Graph, layer: layers.MaxPool, name: str, x: str, shape: Shape) -> str:
    around = pads(*layer.spans(shape[1], shape[2]))
    kernel = pair(layer.kernel)
    if any(side >= kernel[axis % 2] for axis, side in enumerate(around)):  # more than ONNX's runtimes allow
        lowest = graph.constant(f"{name}.lowest", np.float32(np.finfo(np.float32).min))
        x, around = _padded(graph, name, x, around, lowest), [0, 0, 0, 0]
    return graph.add("MaxPool", [x], name, kernel_shape=kernel, strides=layer.step, pads=around)


@ONNX.runs(layers.MeanPool)
def _mean_pool(graph: Graph, layer: layers.MeanPool, name: str, x: str, shape: Shape) -> str:
    rows, columns = layer.spans(shape[1], shape[2])
    around = pads(rows, columns)
    if layer.count_padding and any((rows.before, rows.after, columns.before, columns.after)):
        zero = graph.constant(f"{name}.zero", np.float32(0))
        x = _padded(graph, name, x, [rows.before, columns.before, rows.after, columns.after], zero)
        around = [0, 0, rows.overhang, columns.overhang]
    return graph.add(
        "AveragePool", [x], name, kernel_shape=pair(layer.kernel), strides=layer.step, pads=around, count_include_pad=0
    )


def _padded(graph: Graph, name: str, x: str, around: Sequence[int], value: str) -> str:
    top, left, bottom, right = around
    cells = graph.constant(f"{name}.cells", np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
    return graph.add("Pad", [x, cells, value], f"{name}.padded")


@ONNX.runs(layers.AdaptiveMeanPool)
def _adaptive_mean_pool(graph: Graph, layer: layers.AdaptiveMeanPool, name: str, x: str, shape: Shape) -> str:
    """Two products with matrices of means, since windows of unequal size are no pooling of ONNX."""
    rows, columns = (_means(length, layer.size) for length in shape[1:])
    x = graph.add("MatMul", [graph.constant(f"{name}.rows", rows), x], f"{name}.vertical")
    return graph.add("MatMul", [x, graph.constant(f"{name}.columns", columns.T)], name)


def _means(length: int, size: int) -> np.ndarray:
    """[size, length]: row i holds 1/n at the n cells of window i."""
    matrix = np.zeros((size, length), np.float32)
    for i in range(size):
        first, last = i * length // size, -(-(i + 1) * length // size)
        matrix[i, first:last] = 1 / (last - first)
    return matrix


@ONNX.runs(layers.GlobalMeanPool)
def _global_mean_pool(graph: Graph, layer: layers.GlobalMeanPool, name: str, x: str, shape: Shape) -> str:
    return graph.add("Flatten", [graph.add("GlobalAveragePool", [x], f"{name}.means")], name, axis=1)


@ONNX.runs(layers.MaxOverTime)
def _max_over_time(graph: Graph, layer: layers.MaxOverTime, name: str, x: str, shape: Shape) -> str:
    return graph.add("Flatten", [graph.add("GlobalMaxPool", [x], f"{name}.largest")], name, axis=1)


@ONNX.runs(layers.Subsampling)
def _subsampling(graph: Graph, layer: layers.Subsampling, name: str, x: str, shape: Shape) -> str:
    """A sum of each window times a coefficient is a mean times the coefficient and the window's cells."""
    kernel = pair(layer.kernel)
    x = graph.add("AveragePool", [x], f"{name}.means", kernel_shape=kernel, strides=kernel)
    weight, bias = (np.asarray(graph.parameters[f"{name}.{key}"], np.float32) for key in ("weight", "bias"))
    scale = graph.constant(f"{name}.weight", weight.reshape(-1, 1, 1) * np.float32(kernel[0] * kernel[1]))
    x = graph.add("Mul", [x, scale], f"{name}.products")
    x = graph.add("Add", [x, graph.constant(f"{name}.bias", bias.reshape(-1, 1, 1))], name)
    return activate(graph, layer.activation, name, x)


@ONNX.runs(layers.RadialBasis)
def _radial_basis(graph: Graph, layer: layers.RadialBasis, name: str, x: str, shape: Shape) -> str:
    axis = graph.constant(f"{name}.axis", np.array([1], np.int64))
    last = graph.constant(f"{name}.last", np.array([2], np.int64))
    x = graph.add("Unsqueeze", [x, axis], f"{name}.column")
    centres = graph.constant(f"{name}.centres", np.array(layer.centres, np.float32))
    apart = graph.add("Sub", [x, centres], f"{name}.differences")
    squares = graph.add("Mul", [apart, apart], f"{name}.squares")
    distances = graph.add("ReduceSum", [squares, last], f"{name}.distances", keepdims=0)
    return graph.add("Neg", [distances], name)


@ONNX.runs(layers.ReLU, layers.Tanh, layers.Sigmoid)
def _activation(graph: Graph, layer: Layer, name: str, x: str, shape: Shape) -> str:
    return graph.add({"ReLU": "Relu"}.get(layer.kind, layer.kind), [x], name)


@ONNX.runs(layers.ScaledTanh)
def _scaled_tanh_layer(graph: Graph, layer: layers.ScaledTanh, name: str, x: str, shape: Shape) -> str:
    return _scaled_tanh(graph, name, x)


@ONNX.runs(layers.Softmax)
def _softmax(graph: Graph, layer: layers.Softmax, name: str, x: str, shape: Shape) -> str:
    return graph.add("Softmax", [x], name, axis=1)


@ONNX.runs(layers.Flatten)
def _flatten(graph: Graph, layer: layers.Flatten, name: str, x: str, shape: Shape) -> str:
    return graph.add("Flatten", [x], name, axis=1)


@ONNX.runs(layers.Dropout, layers.AuxiliaryHead)
def _nothing(graph: Graph, layer: Layer, name: str, x: str, shape: Shape) -> str:
    """What works in training only leaves no trace."""
    return x


@ONNX.runs(layers.Residual)
def _residual(graph: Graph, layer: layers.Residual, name: str, x: str, shape: Shape) -> str:
    body = add_layers(graph, layer.body, f"{name}.body", Value(x, shape))
    side = add_layers(graph, layer.projection(shape), f"{name}.shortcut", Value(x, shape))
    if side.shape != body.shape:  # option A: every stride-th cell, new channels zero
        side = Value(_subsampled(graph, f"{name}.shortcut", side, body.shape, layer.stride(shape)), body.shape)
    return activate(graph, layer.activation, name, graph.add("Add", [body.name, side.name], name))


def _subsampled(graph: Graph, name: str, side: Value, wanted: Shape, stride: tuple[int, int]) -> str:
    x = side.name
    if stride != (1, 1):
        numbers = {"starts": [0, 0], "ends": side.shape[1:], "axes": [2, 3], "steps": stride}
        inputs = [graph.constant(f"{name}.{key}", np.array(value, np.int64)) for key, value in numbers.items()]
        x = graph.add("Slice", [x, *inputs], f"{name}.subsampled")
    if wanted[0] == side.shape[0]:
        return x
    more = graph.constant(f"{name}.more", np.array([0, 0, 0, 0, 0, wanted[0] - side.shape[0], 0, 0], np.int64))
    return graph.add("Pad", [x, more], name)


@ONNX.runs(layers.Branches)
def _branches(graph: Graph, layer: layers.Branches, name: str, x: str, shape: Shape) -> str:
    parts = [add_layers(graph, branch, name, Value(x, shape)).name for branch in layer.branches]
    return graph.add("Concat", parts, name, axis=1)


@ONNX.runs(layers.Repeat)
def _repeat(graph: Graph, layer: layers.Repeat, name: str, x: str, shape: Shape) -> str:
    value = Value(x, shape)
    for number, chain in enumerate(layer.chains, 1):
        value = add_layers(graph, chain, f"{name}.{number}", value)
    return value.name
