"""Chains and regions of a walled board (`casecnn.go.board.state`): what is connected, and the liberties of a chain.

The compiled functions take the arrays of `State` one by one: unpacking the tuple in each costs more than the work
itself. Their points, colours and numbers are int64: numba would compile a function again for every other type, and for
every constant.
"""

from __future__ import annotations

from casecnn.compiled import njit
from casecnn.go.board.state import EMPTY, SIZE, STAMP, WALL


@njit(cache=True, nogil=True)
def next_stamp(info):
    """Return a number that no point of `mark` has yet."""
    info[STAMP] += 1
    return info[STAMP]


@njit(cache=True, nogil=True)
def connected(board, mark, stack, stride, stamp, start):
    """Collect the points connected to `start` that hold the same: a chain of stones, or a region of empty points.

    They are the first points of `stack`, and `mark` has `stamp` there. Returns their number, and the colours of the
    stones beside them: 0 none, 1 black, 2 white, 3 both.
    """
    content = board[start]
    mark[start] = stamp
    stack[0] = start
    count = 1
    beside = 0
    i = 0
    while i < count:
        p = stack[i]
        i += 1
        for d in (-1, 1, -stride, stride):
            c = board[p + d]
            if c != content:
                if c != WALL:
                    beside |= c
            elif mark[p + d] != stamp:
                mark[p + d] = stamp
                stack[count] = p + d
                count += 1
    return count, beside


@njit(cache=True, nogil=True)
def liberties(board, info, mark, stack, start, limit):
    """Count the liberties of the chain at `start` up to `limit`; return (number, the first, the second)."""
    stamp = next_stamp(info)
    stride = info[SIZE] + 1
    colour = board[start]
    mark[start] = stamp
    stack[0] = start
    top = 1
    found, a, b = 0, 0, 0
    while top:
        top -= 1
        p = stack[top]
        for d in (-1, 1, -stride, stride):
            q = p + d
            c = board[q]
            if c == EMPTY:
                if mark[q] != stamp:
                    mark[q] = stamp
                    found += 1
                    if found == 1:
                        a = q
                    elif found == 2:
                        b = q
                    if found == limit:
                        return found, a, b
            elif c == colour and mark[q] != stamp:
                mark[q] = stamp
                stack[top] = q
                top += 1
    return found, a, b


@njit(cache=True, nogil=True)
def has_liberty_besides(board, info, mark, stack, start, excluded):
    """Whether the chain of the stone at `start` has a liberty other than the point `excluded`; 0 excludes none.

    `liberties` could say it, too, but most calls end at the first neighbour, and this is what games consist of.
    """
    stamp = next_stamp(info)
    stride = info[SIZE] + 1
    colour = board[start]
    mark[start] = stamp
    stack[0] = start
    top = 1
    while top:
        top -= 1
        p = stack[top]
        for d in (-1, 1, -stride, stride):
            c = board[p + d]
            if c == EMPTY and p + d != excluded:
                return True
            if c == colour and mark[p + d] != stamp:
                mark[p + d] = stamp
                stack[top] = p + d
                top += 1
    return False
