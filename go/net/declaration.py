"""Which policy network a file of weights is for, and what the net takes. Needs no torch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from casecnn.errors import InputError, UsageError
from casecnn.go.planes.table import PLANES
from casecnn.layers import Net
from casecnn.nets.policy import policy_net
from casecnn.nets.value import FORK
from casecnn.weights.state_dict import Loaded

DEFAULT = "policy-k64.tygem9d-v3"  # the packaged weights that are used where none are named


def arguments_of(
    metadata: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], path: str | os.PathLike[str]
) -> dict[str, int]:
    """What `policy_net` was called with for the weights in a file: from its metadata, or from its tensors' shapes.

    Raises `InputError`, naming `path`, for a file that holds no policy network.
    """
    if metadata:
        arguments = metadata.get("arguments") if metadata.get("net", "policy_net") == "policy_net" else None
    elif "conv1.weight" in shapes and "position_bias.bias" in shapes:
        k, points = shapes["conv1.weight"][0], math.prod(shapes["position_bias.bias"])
        arguments = {"k": k, "layers": len(shapes) // 2, "size": math.isqrt(points)}
    else:
        arguments = None
    if not isinstance(arguments, dict):
        raise InputError(
            f"'{os.fspath(path)}' holds no policy network: neither its metadata nor its tensors are those of one"
        )
    return arguments


def policy_alone(loaded: Loaded) -> Loaded:
    """The policy network of a file that holds one with a value branch; any other file as it is."""
    arguments = loaded.metadata.get("arguments")
    if loaded.metadata.get("net") != "policy_value_net" or not isinstance(arguments, dict):
        return loaded
    plain = {name: arguments[name] for name in ("k", "layers", "size") if name in arguments}
    tensors = {name.removeprefix(FORK): tensor for name, tensor in loaded.tensors.items()}
    try:
        names = {row.name for row in policy_net(**plain).rows}
    except TypeError:
        return loaded
    kept = {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[0] in names}
    return Loaded(kept, {**loaded.metadata, "net": "policy_net", "arguments": plain})


def declared(arguments: Mapping[str, Any], path: str | os.PathLike[str]) -> Net:
    """`policy_net` with arguments that stand in the file `path`; raises `InputError` for others than it takes."""
    try:
        return policy_net(**arguments)
    except TypeError as error:
        raise InputError(
            f"'{os.fspath(path)}': its net's arguments, {dict(arguments)}, are not those of a policy net"
        ) from error


def check_planes(shape: tuple[int, ...], size: int) -> None:
    """Raises `UsageError` for planes of another shape than (N, 48, size, size)."""
    if len(shape) != 4 or shape[1:] != (PLANES, size, size):
        raise UsageError(f"`planes` {shape} must have the shape (N, {PLANES}, {size}, {size})")
