"""What gives move probabilities: the interface of a policy net, and a policy without a net."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from casecnn.go.board.state import MIN_SIZE


class MovePolicy(Protocol):
    """What games and engines ask of a net: `casecnn.go.net.policy.Policy` has it."""

    name: str
    size: int

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """float32 [N, size * size] for planes uint8 [N, 48, size, size]."""
        ...


class UniformPolicy:
    """A policy without a net for small boards: every point is as likely as any other."""

    name, size = "even chances", MIN_SIZE

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """float32 [N, size * size] for planes uint8 [N, 48, size, size]."""
        return np.full((len(planes), self.size**2), 1 / self.size**2, np.float32)


def on_cpu(policy: MovePolicy) -> bool:
    """Whether a policy computes on the CPU, as one without a net does."""
    module = getattr(policy, "module", None)
    return module is None or next(module.parameters()).device.type == "cpu"


def for_games(policy: MovePolicy) -> MovePolicy:
    """A policy in the form that is fastest for games whose moves are drawn, where it has one of its own."""
    return getattr(policy, "for_games", policy)
