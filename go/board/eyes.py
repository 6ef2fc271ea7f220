"""True eyes: points that a player never fills."""

from __future__ import annotations

from casecnn.compiled import njit
from casecnn.go.board.state import EMPTY, SIZE, STAMP, WALL


@njit(cache=True, nogil=True)
def is_eyeish(board, stride, point, colour):
    """Whether `point` is empty and all its neighbours are stones of `colour`."""
    if board[point] != EMPTY:
        return False
    for d in (-1, 1, -stride, stride):
        c = board[point + d]
        if c != colour and c != WALL:
            return False
    return True


@njit(cache=True, nogil=True)
def _bad_diagonals(board, mark, stamp, stride, point, colour):
    """Whether `point` has too many bad diagonals; empty points with `mark == stamp` are taken for eyes."""
    allowed = 1
    for d in (-1, 1, -stride, stride):
        if board[point + d] == WALL:
            allowed = 0
    bad = 0
    for d in (-stride - 1, -stride + 1, stride - 1, stride + 1):
        c = board[point + d]
        if c == 3 - colour or (c == EMPTY and mark[point + d] != stamp):
            bad += 1
    return bad > allowed


@njit(cache=True, nogil=True)
def is_eye(board, info, mark, stack, point, colour):
    """Whether `point` is a true eye of `colour`: surrounded by its stones, with few bad diagonals.

    At most one diagonal may be bad in the middle, and none at the edge. Bad is an opponent's stone or an empty point
    that is no true eye itself. Eyes that lean on each other count (the greatest solution of that definition).
    """
    stride = info[SIZE] + 1
    if not is_eyeish(board, stride, point, colour):
        return False
    # Points linked by diagonals decide about each other: collect them, then strike those that fail until none does.
    info[STAMP] += 2
    stamp = info[STAMP]
    mark[point] = stamp
    stack[0] = point
    n = 1
    i = 0
    while i < n:
        for d in (-stride - 1, -stride + 1, stride - 1, stride + 1):
            q = stack[i] + d
            if mark[q] != stamp:
                mark[q] = stamp - 1  # looked at: whoever keeps the answer must know what it stands on
                if is_eyeish(board, stride, q, colour):
                    mark[q] = stamp
                    stack[n] = q
                    n += 1
        i += 1
    changed = True
    while changed:
        changed = False
        for i in range(n):
            p = stack[i]
            if mark[p] == stamp and _bad_diagonals(board, mark, stamp, stride, p, colour):
                mark[p] = stamp - 1
                changed = True
    return mark[point] == stamp
