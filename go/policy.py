"""A trained policy network, ready to use: from a name or a file to move probabilities."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch
from torch import nn

from casecnn.build import build
from casecnn.errors import InputError, UsageError
from casecnn.go.inference import move_probabilities
from casecnn.go.net import policy_net
from casecnn.precision import choose_device
from casecnn.weights import fill, load, packaged, resolve

DEFAULT = "policy-k64.tygem9d-v1"


class Policy:
    """A policy network with its weights. `name` says which, `size` is its board, `module` gives logits."""

    def __init__(self, module: nn.Module, name: str, size: int, arguments: dict[str, Any] | None = None) -> None:
        self.module = module.eval()
        self.name = name
        self.size = size
        self.arguments = dict(arguments or {})

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """Softmax over all points: uint8 [N, 48, size, size] to float32 [N, size * size].

        With `symmetries` the mean of the probabilities over the board's eight symmetries. Does not look at legality.
        Raises `UsageError` for planes of another shape."""
        expected = (48, self.size, self.size)
        if planes.ndim != 4 or planes.shape[1:] != expected:
            raise UsageError(f"`planes` {planes.shape} must have the shape (N, {', '.join(map(str, expected))})")
        return move_probabilities(self.module, planes, symmetries).cpu().numpy()


def load_policy(which: str | os.PathLike[str] | None = None, device: str = "auto") -> Policy:
    """Load a policy network: the packaged default, the name of packaged weights, or a file that training wrote.

    >>> load_policy().size
    19

    Raises `UsageError` for an unknown name or device, `InputError` for a file that is missing, damaged, or no policy
    network."""
    found = resolve(DEFAULT if which is None else which, packaged("casecnn.go"))
    loaded = load(found.path, float32=True)
    arguments = loaded.metadata.get("arguments") if loaded.metadata else _arguments_of(loaded.tensors)
    if loaded.metadata.get("net", "policy_net") != "policy_net" or not isinstance(arguments, dict):
        raise InputError(
            f"'{found.path}' holds no policy network: neither its metadata nor its tensors are those of one"
        )
    try:
        net = policy_net(**arguments)
    except TypeError as error:
        raise InputError(f"'{found.path}': its net's arguments, {arguments}, are not those of policy_net") from error
    module = build(net, init="zeros")
    fill(module, loaded.tensors, found.path)
    module.to(choose_device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    name = found.record.name if found.record else found.path.name
    return Policy(module, name, net.input[1], arguments)


def _arguments_of(tensors: dict[str, torch.Tensor]) -> dict[str, int] | None:
    """What `policy_net` was called with, from a state dict without metadata; None if it is none of a policy network."""
    first, bias = tensors.get("conv1.weight"), tensors.get("position_bias.bias")
    if first is None or bias is None:
        return None
    return {"k": len(first), "layers": len(tensors) // 2, "size": math.isqrt(bias.numel())}
