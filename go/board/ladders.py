"""Ladders, read to the end on the board itself with play and undo; and true eyes, which a defender never fills.

The search follows one chain, the prey. The attacker moves when the prey has two liberties and may play either; the
defender moves when it has one and may extend there or take an attacking chain that touches the prey and is in atari
(legal moves only, own true eyes never). Three liberties are an escape, one after the defender's move is a capture.
Reading stops after `MAX_PLIES` moves in a row or `MAX_MOVES` moves in all; then the prey counts as escaped.
A ladder from corner to corner takes 58 plies.

The functions take the arrays of `casecnn.go.board.rules.State` and of `Reader` one by one, for speed. Their points,
colours and numbers are int64: numba would compile a function again for every other type, and for every constant.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from casecnn.go.board.rules import (
    EMPTY,
    KO,
    KO_COLOUR,
    MAX_SIZE,
    SIZE,
    STAMP,
    WALL,
    has_liberty_besides,
    is_free_of_ko_and_suicide,
)

MAX_PLIES = 400
MAX_MOVES = 20_000

# Columns of a frame: the move, the ko before it, options tried and their number, the end of the stones it took; then
# the options themselves. Frame ROOT is free for the caller of `escape_options`.
MOVE, OLD_KO, OLD_KO_COLOUR, TRIED, COUNT, TAKEN_END, OPTION = range(7)
MAX_OPTIONS = 64
ROOT = MAX_PLIES + 1

_POINTS = (MAX_SIZE + 2) * (MAX_SIZE + 1) + 1


class Reader(NamedTuple):
    """Working memory of the search. `frame` int32 [plies, 6 + options]: see the column names; `taken` int32 [n]: stones
    captured on the way, for undo; `near` int32 [P]: attacking stones that touch the prey.
    """

    frame: np.ndarray
    taken: np.ndarray
    near: np.ndarray


@njit(cache=True, nogil=True)
def new_reader():
    """Return working memory for `read`, usable for boards of any size."""
    return Reader(
        np.zeros((ROOT + 1, OPTION + MAX_OPTIONS), np.int32),
        np.zeros(MAX_PLIES + _POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
    )


@njit(cache=True, nogil=True)
def _liberties(board, info, mark, stack, start, limit):
    """Count the liberties of the chain at `start`, stopping at `limit`; return (number, the first, the second)."""
    info[STAMP] += 1
    stamp = info[STAMP]
    stride = info[SIZE] + 1
    colour = board[start]
    mark[start] = stamp
    stack[0] = start
    top = 1
    found = 0
    a = 0
    b = 0
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
    """Whether `point` is a true eye of `colour`: surrounded by its stones, with at most one bad diagonal in the middle
    and none at the edge; bad is an opponent's stone or an empty point that is no true eye itself.

    Eyes that lean on each other count (the greatest solution of that definition).
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


@njit(cache=True, nogil=True)
def escape_options(board, info, mark, stack, frame, near, ply, prey):
    """Write the defender's plausible moves for the chain at `prey`, which is in atari, into frame `ply` and return
    their number: its last liberty first, then captures of touching chains in atari; legal and no own true eye.
    """
    stride = info[SIZE] + 1
    colour = np.int64(board[prey])
    info[STAMP] += 1
    stamp = info[STAMP]
    mark[prey] = stamp
    stack[0] = prey
    top = 1
    attackers = 0
    count = 0
    while top:
        top -= 1
        p = stack[top]
        for d in (-1, 1, -stride, stride):
            q = p + d
            if mark[q] == stamp:
                continue
            c = board[q]
            if c == WALL:
                continue
            mark[q] = stamp
            if c == EMPTY:
                frame[ply, OPTION + count] = q
                count += 1
            elif c == colour:
                stack[top] = q
                top += 1
            else:
                near[attackers] = q
                attackers += 1
    for i in range(attackers):
        number, q, _ = _liberties(board, info, mark, stack, np.int64(near[i]), np.int64(2))
        if number == 1 and count < MAX_OPTIONS:
            known = False
            for j in range(count):
                known |= frame[ply, OPTION + j] == q
            if not known:
                frame[ply, OPTION + count] = q
                count += 1
    kept = 0
    for i in range(count):
        q = np.int64(frame[ply, OPTION + i])
        if is_free_of_ko_and_suicide(board, info, mark, stack, q, colour) and not is_eye(
            board, info, mark, stack, q, colour
        ):
            frame[ply, OPTION + kept] = q
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _do(board, info, mark, stack, frame, taken, ply, point, colour):
    """Play for reading only: board and ko change; what is needed to undo goes into frame `ply`."""
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
def _undo(board, info, frame, taken, ply):
    """Undo `_do` of frame `ply`."""
    point = frame[ply, MOVE]
    other = 3 - board[point]
    board[point] = EMPTY
    for i in range(frame[ply - 1, TAKEN_END] if ply else 0, frame[ply, TAKEN_END]):
        board[taken[i]] = other
    info[KO] = frame[ply, OLD_KO]
    info[KO_COLOUR] = frame[ply, OLD_KO_COLOUR]


@njit(cache=True, nogil=True)
def _room(board, stride, point):
    """The number of empty neighbours of a point."""
    room = 0
    for d in (-1, 1, -stride, stride):
        room += board[point + d] == EMPTY
    return room


@njit(cache=True, nogil=True)
def _attacks(board, info, mark, stack, frame, ply, attacker, a, b):
    """Fill frame `ply` with the attacker's legal moves among the prey's liberties `a` and `b`. First comes the point
    where the defender would gain most, since the other order seldom works.
    """
    stride = info[SIZE] + 1
    if _room(board, stride, b) > _room(board, stride, a):
        a, b = b, a
    count = 0
    for q in (a, b):
        if is_free_of_ko_and_suicide(board, info, mark, stack, q, attacker):
            frame[ply, OPTION + count] = q
            count += 1
    return count


@njit(cache=True, nogil=True)
def read(board, info, mark, stack, frame, taken, near, prey, first):
    """Whether the prey is captured after the move `first`: by the attacker, if the prey has two liberties, or by the
    defender, if it has one. Returns (captured, moves read); the board is as before.
    """
    stride = info[SIZE] + 1
    defender = np.int64(board[prey])
    attacker = 3 - defender
    attacking = _liberties(board, info, mark, stack, prey, np.int64(2))[0] == 2
    _do(board, info, mark, stack, frame, taken, np.int64(0), first, attacker if attacking else defender)
    moves = 1
    ply = np.int64(1)  # frames 0 .. ply - 1 are played
    fresh = True
    while True:
        attacks = attacking == (ply % 2 == 0)  # who moves at frame `ply`
        leaf = False
        captured = False
        if fresh:
            number, a, b = _liberties(board, info, mark, stack, prey, np.int64(3 if attacks else 2))
            frame[ply, TRIED] = 0
            if ply >= MAX_PLIES or moves >= MAX_MOVES or number != (2 if attacks else 1):
                leaf = True
                captured = number < (2 if attacks else 1)
            elif attacks:
                frame[ply, COUNT] = _attacks(board, info, mark, stack, frame, ply, attacker, a, b)
            elif _room(board, stride, a) >= 3:
                leaf = True  # extending gives three liberties
            else:
                frame[ply, COUNT] = escape_options(board, info, mark, stack, frame, near, ply, prey)
        if not leaf:
            i = frame[ply, TRIED]
            if i < frame[ply, COUNT]:
                frame[ply, TRIED] = i + 1
                point = np.int64(frame[ply, OPTION + i])
                _do(board, info, mark, stack, frame, taken, ply, point, attacker if attacks else defender)
                moves += 1
                ply += 1
                fresh = True
                continue
            captured = not attacks  # nothing left to try: the mover failed
        # The node at frame `ply` is decided: pass the result up to the first mover who wants another one.
        while True:
            ply -= 1
            _undo(board, info, frame, taken, ply)
            if ply == 0:
                return captured, moves
            if captured != (attacking == (ply % 2 == 0)):
                break
        fresh = False
