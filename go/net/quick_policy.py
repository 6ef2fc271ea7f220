"""The policy network without torch, for a few positions on the CPU: they are computed sooner than torch is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.symmetry import SYMMETRIES, targets, transform
from casecnn.go.net.board_sizes import resize_bias
from casecnn.go.net.declaration import DEFAULT, arguments_of, check_planes, declared
from casecnn.layers import Net
from casecnn.nets.policy import policy_net
from casecnn.numpy_net import NumpyNet
from casecnn.weights.safetensors_file import read_arrays
from casecnn.weights.state_dict import packaged, resolve


class QuickPolicy:
    """A policy network with its weights, as `casecnn.go.net.policy.Policy`, in float32 on the CPU."""

    def __init__(self, net: Net, arrays: Mapping[str, np.ndarray], name: str) -> None:
        self.net = NumpyNet(net, arrays)
        self.arrays = arrays
        self.name = name
        self.size = self.trained_on = net.input[1]

    def on_board(self, size: int) -> QuickPolicy:
        """The same net on a board of another size (see `casecnn.go.net.board_sizes`)."""
        bias = self.arrays["position_bias.bias"]
        arrays = {**self.arrays, "position_bias.bias": resize_bias(bias, self.size, size).reshape(-1, size, size)}
        arguments = arguments_of({}, {name: array.shape for name, array in arrays.items()}, self.name)
        policy = QuickPolicy(policy_net(**arguments), arrays, f"{self.name} on {size}x{size}")
        policy.trained_on = self.trained_on
        return policy

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """As `casecnn.go.net.policy.Policy.probabilities`: uint8 [N, 48, size, size] to float32 [N, size * size].

        Raises `UsageError` for planes of another shape.
        """
        check_planes(planes.shape, self.size)
        if not symmetries:
            return _softmax(self.net(planes))
        table = targets(self.size)
        views = [_softmax(self.net(transform(planes, s)))[:, table[s]] for s in range(SYMMETRIES)]
        return np.mean(views, axis=0)


def load_quick_policy(which: str | os.PathLike[str] | None = None) -> QuickPolicy | None:
    """The net of a name or a file, or the packaged one; None where torch is needed to read it or to say what is wrong.

    Raises what `casecnn.weights.state_dict.resolve` raises for a name or a file that is not there.
    """
    found = resolve(DEFAULT if which is None else which, packaged("casecnn.go"))
    try:
        arrays, metadata = read_arrays(found.path)
        arguments = arguments_of(metadata, {name: array.shape for name, array in arrays.items()}, found.path)
        net = declared(arguments, found.path)
        return QuickPolicy(net, arrays, found.record.name if found.record else found.path.name)
    except InputError:
        return None


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
