"""A policy network with a value branch, ready to use: moves, win rate, score lead and ownership in one pass."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import casecnn.torch_net.precision  # noqa: F401  (keeps oneDNN off instructions that this machine only pretends to have)
from casecnn.checks import one_of
from casecnn.errors import InputError
from casecnn.go.board.symmetry import SYMMETRIES, targets
from casecnn.go.net.declaration import check_planes
from casecnn.go.net.outlook import outlook
from casecnn.go.net.policy import Policy
from casecnn.layers import Net
from casecnn.nets.value import policy_value_net
from casecnn.torch_net.build import build
from casecnn.training.recipe import PRECISIONS
from casecnn.weights.state_dict import fill, load, packaged, resolve

DEFAULT = "policy-value-k64.tygem9d-v1"  # the packaged weights that are used where none are named


@dataclass(frozen=True, eq=False)
class Estimates:
    """What a net says about positions, from the view of the side to move. One row a position.

    `probabilities` float32 [N, points]: of moves, over all points, legal or not; `win` float32 [N]: the probability
    that the side to move wins; `lead` float32 [N]: its expected area minus the other's, komi counted, in points;
    `ownership` float32 [N, points]: 1 surely the side to move's, -1 surely the other's.
    """

    probabilities: np.ndarray
    win: np.ndarray
    lead: np.ndarray
    ownership: np.ndarray


class PolicyValue(Policy):
    """A net of `casecnn.nets.value.policy_value_net` with its weights; it is a policy too, and plays as one.

    `module` gives the raw numbers in float32; all else is as for `casecnn.go.net.policy.Policy`.
    """

    declare = staticmethod(policy_value_net)
    bias = "fork.position_bias.bias"

    @classmethod
    def of(cls, net: Net, tensors: Mapping[str, Tensor], name: str = "net", precision: str = "float32") -> PolicyValue:
        """The net with tensors by the names of its state dict; raises `InputError` where they do not fit."""
        module = build(net, init="zeros")
        fill(module, tensors, name)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(module, name, net.input[1], precision=precision)

    def estimate(self, planes: np.ndarray, komi: np.ndarray | float, symmetries: bool = False) -> Estimates:
        """Judge positions: planes uint8 [N, 48, size, size], komi float32 [N] or one number.

        `komi` is what the side to move is given in points: the komi for White, minus the komi for Black. With
        `symmetries` everything is the mean over the board's eight symmetries. Raises `UsageError` for other shapes.
        """
        check_planes(planes.shape, self.size)
        given = torch.as_tensor(np.broadcast_to(np.asarray(komi, np.float32), (len(planes),)).copy())
        device = next(self.module.parameters()).device
        dtype = torch.float32 if self.precision == "float32" else torch.bfloat16
        batch, given, points = torch.from_numpy(planes).to(device), given.to(device), self.size**2
        turns = range(SYMMETRIES if symmetries else 1)
        table = torch.from_numpy(targets(self.size).astype(np.int64)).to(device)
        sums: list[Tensor] = []
        with torch.inference_mode():
            for s in turns:
                turned = torch.rot90(batch.flip(-1) if s >= 4 else batch, s % 4, (-2, -1)) if s else batch
                raw = self._fast(turned.to(dtype, memory_format=torch.channels_last)).float()
                found = outlook(raw[:, points:], given)
                parts = [raw[:, :points].softmax(1), found.logit.sigmoid(), found.lead, found.ownership]
                if s:
                    parts[0], parts[3] = parts[0][:, table[s]], parts[3][:, table[s]]
                sums = [total + part for total, part in zip(sums, parts, strict=True)] if sums else parts
            probabilities, win, lead, ownership = ((total / len(turns)).cpu().numpy() for total in sums)
        return Estimates(probabilities, win, lead, ownership)

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """Softmax over all points: uint8 [N, 48, size, size] to float32 [N, size * size]; as a policy gives it."""
        return self.estimate(planes, 0.0, symmetries).probabilities


def load_policy_value(
    which: str | os.PathLike[str] | None = None, device: str = "auto", precision: str = "float32"
) -> PolicyValue:
    """Load a policy network with a value branch: the packaged default, a name of packaged weights, or a file.

    `precision` is "float32", "bfloat16", or "auto": bfloat16 where the device is faster with it.

    Raises `UsageError` for an unknown name, device or precision, `InputError` for a file that is missing, damaged, or
    has no value branch.
    """
    one_of("precision", precision, PRECISIONS)
    found = resolve(DEFAULT if which is None else which, packaged("casecnn.go"))
    loaded = load(found.path, float32=True)
    arguments = loaded.metadata.get("arguments")
    if loaded.metadata.get("net") != "policy_value_net" or not isinstance(arguments, dict):
        raise InputError(f"'{found.path}' has no value branch, which `casecnn go train` can add to a policy network")
    try:
        net = policy_value_net(**arguments)
    except TypeError as error:
        raise InputError(f"'{found.path}': its net's arguments, {arguments}, are not those of such a net") from error
    return PolicyValue.ready(net, arguments, loaded, found, device, precision)
