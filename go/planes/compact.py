"""A position in one byte a point: all that a GPU needs to make the 48 planes (`casecnn.go.planes.on_gpu`).

====  ==========================================================================================
bits  meaning
====  ==========================================================================================
0, 1  0 empty, 1 own stone, 2 opponent's stone, 3 empty and forbidden to the side to play by ko
2-4   on stones: turns since it was played, less one; 7 for more, and for stones that were set up
5     a move here captures in a ladder
6     a move here escapes from a ladder
====  ==========================================================================================

Ladders are read here because they are long searches of very different length; the other planes look at chains and
their neighbours only.
"""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.state import COLOUR, EMPTY, KO, KO_COLOUR, SIZE, TURN, State
from casecnn.go.board.symmetry import targets
from casecnn.go.planes.chain_table import find_chains, new_scratch
from casecnn.go.planes.ladder_planes import write_ladders

OWN, OPPONENT, FORBIDDEN = 1, 2, 3
AGE_SHIFT, CAPTURE_SHIFT, ESCAPE_SHIFT = 2, 5, 6


@njit(cache=True, nogil=True)
def write_compact(state, scratch, target, ladders, out):
    """Fill `out` uint8 [size * size] with the position for the side to play.

    `target` int32 [size * size] says where each move goes, as for `casecnn.go.planes.fast.write_planes`; `ladders`
    uint8 [2, size * size] is working memory.
    """
    board, turn_of, info = state.board, state.turn_of, state.info
    size = info[SIZE]
    stride = size + 1
    colour = np.int64(info[COLOUR])
    forbidden = info[KO] if info[KO_COLOUR] == colour else 0
    ladders[:] = 0
    chains = find_chains(board, info, state.mark, scratch.chain, scratch.table, scratch.stones, scratch.liberty)
    write_ladders(state, scratch, chains, target, ladders[0], ladders[1], False)
    move = 0
    for row in range(1, size + 1):
        for p in range(row * stride + 1, row * stride + 1 + size):
            t = target[move]
            move += 1
            value = ladders[0, t] << CAPTURE_SHIFT | ladders[1, t] << ESCAPE_SHIFT
            if board[p] != EMPTY:
                value |= OWN if board[p] == colour else OPPONENT
                value |= (min(info[TURN] - turn_of[p], 8) - 1) << AGE_SHIFT
            elif p == forbidden:
                value |= FORBIDDEN
            out[t] = value


def compact_state(state: State, symmetry: int = 0) -> np.ndarray:
    """Return uint8 [size * size]: the position for the side to play, under a symmetry (0 to 7)."""
    points = int(state.info[SIZE]) ** 2
    out = np.empty(points, np.uint8)
    target = targets(int(state.info[SIZE]))[symmetry]
    write_compact(state, new_scratch(), target, np.empty((2, points), np.uint8), out)
    return out
