"""A policy net on boards of another size than the one that it was trained on.

All layers of the net but the last do the same at every point, whatever the size of the board; only the position bias
belongs to points. On another board a point takes the bias of the net's point that is as far from the same two edges;
on a larger one, points further from an edge than the net's middle take that of the middle. The planes mean the same on
every board. How well the net plays there is another question: it knows the shapes, but has never seen a small board.
"""

from __future__ import annotations

import numpy as np
import torch

from casecnn.go.net.policy import Policy
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.weights.state_dict import fill


def policy_for(policy: Policy, size: int) -> Policy:
    """The same net on a board of `size` lines, from 5 to 25; its weights are copied.

    Raises `UsageError` for another size.
    """
    if size == policy.size:
        return policy
    module = build(policy_net(**{**policy.arguments, "size": size}), init="zeros")
    tensors = dict(policy.module.state_dict())
    bias = tensors["position_bias.bias"]
    near = torch.from_numpy(nearest(size, policy.size)).to(bias.device)
    table = bias.reshape(policy.size, policy.size)[near][:, near]
    tensors["position_bias.bias"] = table.reshape(module.state_dict()["position_bias.bias"].shape)
    name = f"{policy.name} on {size}x{size}"
    fill(module, tensors, name)
    module.to(bias.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Policy(module, name, size, {**policy.arguments, "size": size})


def nearest(size: int, known: int) -> np.ndarray:
    """int64 [size]: for each line of a board the line as far from the nearer edge of a board of `known` lines.

    >>> nearest(5, 9).tolist(), nearest(7, 5).tolist()
    ([0, 1, 2, 7, 8], [0, 1, 2, 2, 2, 3, 4])
    """
    lines = np.arange(size)
    low, high = np.minimum(lines, known // 2), np.minimum(size - 1 - lines, known // 2)
    return np.where(lines <= size - 1 - lines, low, known - 1 - high)
