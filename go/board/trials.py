"""Moves tried out on the board itself and taken back: for reading ahead without copies of the board.

A frame holds what taking back one move needs. Nothing but board and ko changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import has_liberty_besides
from casecnn.go.board.state import EMPTY, KO, KO_COLOUR, MOST_POINTS, SIZE

MAX_PLIES = 400

# Columns of a frame: the move, the ko before it, options tried and their number, the end of the stones it took; then
# the options themselves. Frame ROOT is free for the caller of `casecnn.go.board.ladders.escape_options`.
MOVE, OLD_KO, OLD_KO_COLOUR, TRIED, COUNT, TAKEN_END, OPTION = range(7)
MAX_OPTIONS = 64
ROOT = MAX_PLIES + 1


class Reader(NamedTuple):
    """Working memory of the search.

    `frame` int32 [plies, 6 + options]: see the column names; `taken` int32 [n]: stones captured on the way, for undo;
    `near` int32 [P]: attacking stones that touch the prey.
    """

    frame: np.ndarray
    taken: np.ndarray
    near: np.ndarray


@njit(cache=True, nogil=True)
def new_reader():
    """Return working memory for `read`, for boards of any size."""
    return Reader(
        np.zeros((ROOT + 1, OPTION + MAX_OPTIONS), np.int32),
        np.zeros(MAX_PLIES + MOST_POINTS, np.int32),
        np.zeros(MOST_POINTS, np.int32),
    )


@njit(cache=True, nogil=True)
def play_trial(board, info, mark, stack, frame, taken, ply, point, colour):
    """Play for reading only: board and ko change; what is needed to undo goes into frame `ply`.

    The loop over the neighbours is that of `casecnn.go.board.rules.play`, which a shared function would slow down: that
    one keeps hashes and turns, this one the stones to put back, and ladders are read by the million.
    """
    stride = info[SIZE] + 1
    other = 3 - colour
    end = frame[ply - 1, TAKEN_END] if ply else 0
    first = end
    frame[ply, MOVE] = point
    frame[ply, OLD_KO] = info[KO]
    frame[ply, OLD_KO_COLOUR] = info[KO_COLOUR]
    board[point] = colour
    alone = True
    free = 0
    for d in (-1, 1, -stride, stride):
        q = point + d
        c = board[q]
        if c == other:
            if not has_liberty_besides(board, info, mark, stack, q, np.int64(0)):
                free += 1
                begin = end
                board[q] = EMPTY
                taken[end] = q
                end += 1
                while begin < end:
                    p = taken[begin]
                    begin += 1
                    for e in (-1, 1, -stride, stride):
                        if board[p + e] == other:
                            board[p + e] = EMPTY
                            taken[end] = p + e
                            end += 1
        elif c == EMPTY:
            free += 1
        elif c == colour:
            alone = False
    info[KO] = 0
    if end - first == 1 and alone and free == 1:
        info[KO] = taken[first]
        info[KO_COLOUR] = other
    frame[ply, TAKEN_END] = end


@njit(cache=True, nogil=True)
def undo_trial(board, info, frame, taken, ply):
    """Undo `play_trial` of frame `ply`."""
    point = frame[ply, MOVE]
    other = 3 - board[point]
    board[point] = EMPTY
    for i in range(frame[ply - 1, TAKEN_END] if ply else 0, frame[ply, TAKEN_END]):
        board[taken[i]] = other
    info[KO] = frame[ply, OLD_KO]
    info[KO_COLOUR] = frame[ply, OLD_KO_COLOUR]
