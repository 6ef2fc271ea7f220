"""AlphaGo's policy network as a declaration on the core's layers. Needs no torch."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from casecnn.errors import InputError, UsageError
from casecnn.go.planes import PLANES
from casecnn.layers import Conv, Flatten, Net, PositionBias, Softmax

DEFAULT = "policy-k64.tygem9d-v3"  # the packaged weights that are used where none are named


def policy_net(k: int = 192, layers: int = 13, size: int = 19) -> Net:
    """Declare the policy network of Silver et al. 2016 (Methods, "Neural network architecture").

    Input 48 x `size` x `size`; a 5x5 convolution with `k` filters, `layers - 2` convolutions 3x3 with `k` filters (the
    paper: 11), zero padding and ReLU; a 1x1 convolution with one filter and a bias of its own for each point; softmax
    over the `size * size` points. The match version has k = 192; the paper also gives 128, 256 and 384.

    >>> net = policy_net()
    >>> net.parameters, net.macs
    (3882793, 1400726208)

    Raises `UsageError` for fewer than 3 layers, fewer than 1 filter, or a size outside 5 to 25.
    """
    if layers < 3:
        raise UsageError(f"`layers` (={layers}) must be at least 3")
    if k < 1:
        raise UsageError(f"`k` (={k}) must be at least 1")
    if not 5 <= size <= 25:
        raise UsageError(f"`size` (={size}) must be from 5 to 25")
    return Net(
        f"policy-k{k}",
        input=(PLANES, size, size),
        layers=(
            Conv("conv1", k, kernel=5, padding=2, activation="relu"),
            *(Conv(f"conv{i}", k, kernel=3, padding=1, activation="relu") for i in range(2, layers)),
            Conv(f"conv{layers}", 1, kernel=1, bias=False),
            PositionBias("position_bias"),
            Flatten("flatten"),
            Softmax("softmax"),
        ),
    )


def arguments_of(
    metadata: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], path: str | os.PathLike[str]
) -> dict[str, int]:
    """What `policy_net` was called with for the weights in a file: from its metadata, or from its tensors' shapes.

    Raises `InputError`, naming `path`, for a file that holds no policy network."""
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


def declared(arguments: Mapping[str, Any], path: str | os.PathLike[str]) -> Net:
    """`policy_net` with arguments that stand in the file `path`; raises `InputError` for others than it takes."""
    try:
        return policy_net(**arguments)
    except TypeError as error:
        raise InputError(
            f"'{os.fspath(path)}': its net's arguments, {dict(arguments)}, are not those of policy_net"
        ) from error


def check_planes(shape: tuple[int, ...], size: int) -> None:
    """Raises `UsageError` for planes of another shape than (N, 48, size, size)."""
    if len(shape) != 4 or shape[1:] != (PLANES, size, size):
        raise UsageError(f"`planes` {shape} must have the shape (N, {PLANES}, {size}, {size})")
