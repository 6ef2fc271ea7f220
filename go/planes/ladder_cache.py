"""Ladders kept from one position to the next: most of a board does not change with a move.

Reading a ladder looks at some points only. Where none of them has changed, and no ko is on the board before or after,
reading again would look at the same stones and find the same; so the result is kept with the points that it stands on.
These are all that the search has marked on its way and their neighbours: no function of `casecnn.go.board.ladders`
looks further than one point beyond those that it marks.

The cache belongs to no game: every position is compared with the one before it, whatever that was.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.state import MOST_POINTS

_WORDS = MOST_POINTS // 64 + 1
ESCAPE = 2  # the slot of a chain's escapes; 0 and 1 are for attacks at its first and second liberty
MAX_MOVES_KEPT = 8


class LadderCache(NamedTuple):
    """What was read.

    `board` uint8 [P]: the last position; `valid` uint8 [P, 3]: per first stone of a chain and slot; `region` uint64 [P,
    3, words]: a bit for each point marked; `found` int32 [P, 3, 2 + 8]: for an attack the point and whether it
    captures; for the escapes their number and the points, negative where they fail; `live` int32 [3 P]: the valid ones
    as `3 * stone + slot`; `lengths` int64 [2]: the length of `board`, and of `live`.
    """

    board: np.ndarray
    valid: np.ndarray
    region: np.ndarray
    found: np.ndarray
    live: np.ndarray
    lengths: np.ndarray


@njit(cache=True, nogil=True)
def new_ladder_cache():
    """Return an empty cache for boards of any size."""
    return LadderCache(
        np.zeros(MOST_POINTS, np.uint8),
        np.zeros((MOST_POINTS, 3), np.uint8),
        np.zeros((MOST_POINTS, 3, _WORDS), np.uint64),
        np.zeros((MOST_POINTS, 3, 2 + MAX_MOVES_KEPT), np.int32),
        np.zeros(3 * MOST_POINTS, np.int32),
        np.zeros(2, np.int64),
    )


@njit(cache=True, nogil=True)
def forget_changed(board, stride, last, valid, region, live, lengths):
    """Drop what stands on points that differ from the last position, and take `board` for the last one."""
    points = board.shape[0]
    words = points // 64 + 1
    changed = np.zeros(_WORDS, np.uint64)
    every = lengths[0] != points
    lengths[0] = points
    for p in range(points):
        if board[p] != last[p]:
            last[p] = board[p]
            for q in (p, p - 1, p + 1, p - stride, p + stride):
                if 0 <= q < points:
                    changed[q >> 6] |= np.uint64(1) << np.uint64(q & 63)
    kept = 0
    for i in range(lengths[1]):
        stone, slot = live[i] // 3, live[i] % 3
        stale = every
        for w in range(words):
            stale |= region[stone, slot, w] & changed[w] != 0
        if stale:
            valid[stone, slot] = 0
        else:
            live[kept] = live[i]
            kept += 1
    lengths[1] = kept


@njit(cache=True, nogil=True)
def keep(valid, region, live, lengths, mark, before, stone, slot):
    """Mark a result as valid that stands on all points of `mark` beyond the stamp `before`."""
    points = lengths[0]
    for w in range(points // 64 + 1):
        bits = np.uint64(0)
        for p in range(w * 64, min(w * 64 + 64, points)):
            bits |= np.uint64(mark[p] > before) << np.uint64(p & 63)
        region[stone, slot, w] = bits
    region[stone, slot, stone >> 6] |= np.uint64(1) << np.uint64(stone & 63)
    if not valid[stone, slot]:
        valid[stone, slot] = 1
        live[lengths[1]] = 3 * stone + slot
        lengths[1] += 1
