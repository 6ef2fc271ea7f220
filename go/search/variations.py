"""How the game may go on after a move: both sides play what the policy finds most probable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.planes.table import OFFSETS
from casecnn.go.position import Position

LENGTH = 6
"""Moves of a variation, the first one included."""

_SENSIBLE = OFFSETS["sensibleness"].start


def variations(policy: MovePolicy, position: Position, moves: Sequence[int], length: int = LENGTH) -> list[list[int]]:
    """The most probable continuation after each of `moves` (passes are `size * size`), `length` moves with it.

    The net sees all positions of one depth at once, without symmetries. A variation ends before a position in which
    only a pass is left. Does not change the position.
    """
    lines = [[move] for move in moves]
    boards = [position.copy() for _ in moves]
    for board, move in zip(boards, moves, strict=True):
        board.play(move)
    going = list(range(len(moves)))
    for _ in range(length - 1):
        planes = [boards[i].features() for i in going]
        going = [i for i, seen in zip(going, planes, strict=True) if seen[_SENSIBLE].any()]
        planes = [seen for seen in planes if seen[_SENSIBLE].any()]
        if not going:
            break
        found = policy.probabilities(np.stack(planes), symmetries=False)
        for i, seen, probabilities in zip(going, planes, found, strict=True):
            move = int(np.where(seen[_SENSIBLE].reshape(-1), probabilities, -1.0).argmax())
            boards[i].play(move)
            lines[i].append(move)
    return lines
