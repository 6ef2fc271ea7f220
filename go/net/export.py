"""A policy network as an ONNX model."""

from __future__ import annotations

import os
from typing import Any

from casecnn.export.model import Batch, net_model
from casecnn.go.net.declaration import DEFAULT, arguments_of, declared
from casecnn.go.planes.table import PLANE_NAMES
from casecnn.weights.state_dict import load, packaged, resolve


def onnx_model(which: str | os.PathLike[str] | None = None, *, batch: Batch = "dynamic", opset: int = 17) -> Any:
    """Return the onnx.ModelProto of a policy network: the packaged default, packaged weights by name, or a file.

    The input is float32 [batch, 48, size, size], the feature planes as `Position.features` gives them (0 or 1, row 0 at
    the top); the outputs are "logits" and "probabilities", float32 [batch, size * size], a move being
    row * size + column. The metadata name the planes. Raises what `casecnn.go.load_policy` raises, and `UsageError`
    where onnx is not installed.
    """
    found = resolve(DEFAULT if which is None else which, packaged("casecnn.go"))
    loaded = load(found.path, float32=True)
    arrays = {name: tensor.numpy() for name, tensor in loaded.tensors.items()}
    net = declared(arguments_of(loaded.metadata, {name: a.shape for name, a in arrays.items()}, found.path), found.path)
    metadata = {
        "application": "casecnn go",
        "net": net.name,
        "weights": found.record.name if found.record else found.path.name,
        "input": "feature planes of Silver et al. 2016, Extended Data Table 2, values 0 and 1, for the player to move",
        "planes": list(PLANE_NAMES),
        "board_size": net.input[1],
        "output": "a move is row * board_size + column, row 0 at the top",
    }
    return net_model(net, arrays, metadata=metadata, batch=batch, opset=opset)
