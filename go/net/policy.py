"""A trained policy network, ready to use: from a name or a file to move probabilities."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from casecnn.checks import one_of
from casecnn.go.net.board_sizes import resize_bias
from casecnn.go.net.declaration import DEFAULT, arguments_of, check_planes, declared, policy_alone
from casecnn.go.net.inference import move_probabilities
from casecnn.inference.prepare import prepare
from casecnn.layers import Net
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import choose_device, dtype_for
from casecnn.training.recipe import PRECISIONS
from casecnn.weights.state_dict import Loaded, Resolved, fill, load, packaged, resolve

if TYPE_CHECKING:
    from typing_extensions import Self


class Policy:
    """A policy network with its weights. `name` says which, `size` is its board, `module` gives logits in float32.

    `precision` is that in which it computes probabilities: "float32" or "bfloat16", whose 8 digits change one by 0.01
    where moves are about equally good, and which some devices compute several times as fast.
    """

    declare: ClassVar[Callable[..., Net]] = staticmethod(policy_net)
    """Declares such a net from its arguments."""
    bias: ClassVar[str] = "position_bias.bias"
    """The tensor of the bias that belongs to points."""

    def __init__(
        self,
        module: nn.Module,
        name: str,
        size: int,
        arguments: dict[str, Any] | None = None,
        precision: str = "float32",
    ) -> None:
        self.module = module.eval()
        self.name = name
        self.size = size
        self.arguments = dict(arguments or {})
        self.precision = precision
        self._fast = prepare(module, torch.float32 if precision == "float32" else torch.bfloat16)
        self.trained_on = size

    @classmethod
    def ready(
        cls, net: Net, arguments: dict[str, Any], loaded: Loaded, found: Resolved, device: str, precision: str
    ) -> Self:
        """A declared net with the weights of a file, on a device; see `load_policy`."""
        module = build(net, init="zeros")
        fill(module, loaded.tensors, found.path)
        chosen = choose_device(device)
        module.to(chosen, memory_format=torch.channels_last)  # type: ignore[call-overload]
        name = found.record.name if found.record else found.path.name
        precision = "float32" if dtype_for(precision, chosen) == torch.float32 else "bfloat16"
        return cls(module, name, net.input[1], arguments, precision)

    @cached_property
    def for_games(self) -> Self:
        """The same net in the precision that its device is fastest in, for games whose moves are drawn at random."""
        device = next(self.module.parameters()).device
        if self.precision != "float32" or dtype_for("auto", device) == torch.float32:
            return self
        return type(self)(self.module, self.name, self.size, self.arguments, "bfloat16")

    def on_board(self, size: int) -> Self:
        """The same net on a board of another size (see `casecnn.go.net.board_sizes`); its weights are copied."""
        arguments = {**self.arguments, "size": size}
        module = build(self.declare(**arguments), init="zeros")
        tensors = dict(self.module.state_dict())
        bias = tensors[self.bias]
        resized = resize_bias(bias.detach().float().cpu().numpy(), self.size, size)
        tensors[self.bias] = torch.from_numpy(resized).to(bias).reshape(module.state_dict()[self.bias].shape)
        name = f"{self.name} on {size}x{size}"
        fill(module, tensors, name)
        module.to(bias.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        other = type(self)(module, name, size, arguments, self.precision)
        other.trained_on = self.trained_on
        return other

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """Softmax over all points: uint8 [N, 48, size, size] to float32 [N, size * size].

        With `symmetries` the mean of the probabilities over the board's eight symmetries. Does not look at legality.
        Raises `UsageError` for planes of another shape.
        """
        check_planes(planes.shape, self.size)
        return move_probabilities(self._fast, planes, symmetries).cpu().numpy()


def load_policy(
    which: str | os.PathLike[str] | None = None, device: str = "auto", precision: str = "float32"
) -> Policy:
    """Load a policy network: the packaged default, the name of packaged weights, or a file that training wrote.

    >>> load_policy().size
    19

    `precision` is "float32", "bfloat16", or "auto": bfloat16 where the device is faster with it.

    Of a net with a value branch the policy alone is taken. Raises `UsageError` for an unknown name, device or
    precision, `InputError` for a file that is missing, damaged, or no policy network.
    """
    one_of("precision", precision, PRECISIONS)
    found = resolve(DEFAULT if which is None else which, packaged("casecnn.go"))
    loaded = policy_alone(load(found.path, float32=True))
    arguments = arguments_of(loaded.metadata, {name: tuple(t.shape) for name, t in loaded.tensors.items()}, found.path)
    net = declared(arguments, found.path)
    return Policy.ready(net, arguments, loaded, found, device, precision)
