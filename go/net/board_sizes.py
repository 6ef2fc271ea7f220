"""A policy net on boards of another size than the one that it was trained on.

All layers of the net but the last do the same at every point, whatever the size of the board; only the position bias
belongs to points. On another board a point takes the bias of the net's point that is as far from the same two edges;
on a larger one, points further from an edge than the net's middle take that of the middle. The planes mean the same on
every board. How well the net plays there is another question: it knows the shapes, but has never seen a small board.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.sizes import check_board
from casecnn.go.net.move_policy import MovePolicy

P = TypeVar("P", bound=MovePolicy)


class NetsBySize:
    """A net and what `resize(size)` makes of it for boards of other sizes, each made once."""

    def __init__(self, policy: MovePolicy, resize: Callable[[int], MovePolicy] | None = None) -> None:
        self._first, self._resize = policy, resize
        self._made = {policy.size: policy}

    def of(self, size: int) -> MovePolicy:
        """The net for a size; raises `CasecnnError` where there is none."""
        if size not in self._made:
            if self._resize is None:
                known = self._first.size
                raise InputError(f"the net {self._first.name} plays on {known}x{known}")
            self._made[size] = self._resize(size)
        return self._made[size]


def policy_for(policy: P, size: int, source: str = "") -> P:
    """The same net on a board of `size` lines; its weights are copied.

    Raises what `check_fits` raises, or, without a `source` to name, `UsageError` for a size that is not from 5 to 25.
    """
    if size == policy.size:
        return policy
    if source or not hasattr(policy, "on_board"):
        check_fits(policy, size, source or "the position")
    return policy.on_board(size)  # type: ignore[attr-defined, no-any-return]


def check_fits(policy: MovePolicy, size: int, source: str) -> None:
    """Raises `InputError`, naming `source`, for a board that is not from 5x5 to 25x25, or not one for the policy."""
    check_board(size, source)
    if size != policy.size and not hasattr(policy, "on_board"):
        raise InputError(
            f"{source}: the board (={size}x{size}) must be {policy.size}x{policy.size}, the size that the weights"
            f" '{policy.name}' know"
        )


def note(policy: MovePolicy, size: int) -> str:
    """What to tell a user about a net on a board of `size` lines; empty if it was trained on that size."""
    trained = getattr(policy, "trained_on", policy.size)
    if trained == size:
        return ""
    name = policy.name.removesuffix(f" on {size}x{size}")
    return f"the weights '{name}' were trained on {trained}x{trained} and are weaker on {size}x{size}"


def resize_bias(bias: np.ndarray, known: int, size: int) -> np.ndarray:
    """The position bias [known * known] of a board for another one: [size * size]."""
    near = nearest(size, known)
    return bias.reshape(known, known)[near][:, near].reshape(-1)


def nearest(size: int, known: int) -> np.ndarray:
    """int64 [size]: for each line of a board the line as far from the nearer edge of a board of `known` lines.

    >>> nearest(5, 9).tolist(), nearest(7, 5).tolist()
    ([0, 1, 2, 7, 8], [0, 1, 2, 2, 2, 3, 4])
    """
    lines = np.arange(size)
    low, high = np.minimum(lines, known // 2), np.minimum(size - 1 - lines, known // 2)
    return np.where(lines <= size - 1 - lines, low, known - 1 - high)
