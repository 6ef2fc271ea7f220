"""Ladders, read to the end on the board itself with play and undo.

The search follows one chain, the prey. The attacker moves when the prey has two liberties and may play either; the
defender moves when it has one and may extend there or take an attacking chain that touches the prey and is in atari
(legal moves only, own true eyes never). Three liberties are an escape, one after the defender's move is a capture.
Reading stops after `MAX_PLIES` moves in a row or `MAX_MOVES` moves in all; then the prey counts as escaped.
A ladder from corner to corner takes 58 plies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from casecnn.go.rules import (
    EMPTY,
    KO,
    KO_COLOUR,
    MAX_SIZE,
    SIZE,
    STAMP,
    WALL,
    is_legal,
)

MAX_PLIES = 400
MAX_MOVES = 20_000

_POINTS = (MAX_SIZE + 2) * (MAX_SIZE + 1) + 1


class Reader(NamedTuple):
    """Scratch space of the search. `move`, `ko`, `ko_colour`, `tried`, `count`, `taken_end` int32 [plies + 1]: the
    frames; `option` int32 [plies + 1, 64]: the moves to try; `taken` int32 [n]: stones captured, for undo;
    `near` int32 [P]: attacking stones seen; `seen` int32 [P] and `liberty` int32 [3]: scratch."""

    move: np.ndarray
    ko: np.ndarray
    ko_colour: np.ndarray
    tried: np.ndarray
    count: np.ndarray
    taken_end: np.ndarray
    option: np.ndarray
    taken: np.ndarray
    near: np.ndarray
    seen: np.ndarray
    liberty: np.ndarray


@njit(cache=True, nogil=True)
def new_reader():
    """Return scratch space for `captures` and `escapes`, usable for boards of any size."""
    n = MAX_PLIES + 2
    return Reader(
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
        np.zeros((n, 64), np.int32),
        np.zeros(n + _POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(3, np.int32),
    )


@njit(cache=True, nogil=True)
def _liberties(state, start, limit, liberty):
    """Count the liberties of the chain at `start`, stopping at `limit` (at most 3); the first go into `liberty`."""
    board, mark, stack = state.board, state.mark, state.stack
    state.info[STAMP] += 1
    stamp = state.info[STAMP]
    stride = state.info[SIZE] + 1
    colour = board[start]
    mark[start] = stamp
    stack[0] = start
    top = 1
    found = 0
    while top:
        top -= 1
        p = stack[top]
        for d in (-1, 1, -stride, stride):
            q = p + d
            if mark[q] == stamp:
                continue
            c = board[q]
            if c == EMPTY:
                mark[q] = stamp
                liberty[found] = q
                found += 1
                if found == limit:
                    return found
            elif c == colour:
                mark[q] = stamp
                stack[top] = q
                top += 1
    return found


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
def is_eye(state, point, colour):
    """Whether `point` is a true eye of `colour`: surrounded by its stones, with at most one bad diagonal in the middle
    and none at the edge; bad is an opponent's stone or an empty point that is no true eye itself.

    Eyes that lean on each other count (the greatest solution of that definition)."""
    board, mark, stack = state.board, state.mark, state.stack
    stride = state.info[SIZE] + 1
    if not is_eyeish(board, stride, point, colour):
        return False
    # Points linked by diagonals decide about each other: collect them, then strike those that fail until none does.
    state.info[STAMP] += 1
    stamp = state.info[STAMP]
    mark[point] = stamp
    stack[0] = point
    n = 1
    i = 0
    while i < n:
        for d in (-stride - 1, -stride + 1, stride - 1, stride + 1):
            q = stack[i] + d
            if mark[q] != stamp and is_eyeish(board, stride, q, colour):
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
                mark[p] = 0
                changed = True
    return mark[point] == stamp


@njit(cache=True, nogil=True)
def _bad_diagonals(board, mark, stamp, stride, point, colour):
    """Whether `point` has too many bad diagonals; empty points with `mark == stamp` are taken for eyes."""
    allowed = 1
    for d in (-1, 1, -stride, stride):
        if board[point + d] == WALL:
            allowed = 0
    bad = 0
    for d in (-stride - 1, -stride + 1, stride - 1, stride + 1):
        q = point + d
        c = board[q]
        if c == 3 - colour or (c == EMPTY and mark[q] != stamp):
            bad += 1
    return bad > allowed


@njit(cache=True, nogil=True)
def escape_options(state, reader, prey, option):
    """Write the defender's plausible moves for the chain at `prey`, which is in atari, into `option` and return their
    number: its last liberty first, then captures of touching chains in atari; legal and no own true eye."""
    board, mark, stack, info = state.board, state.mark, state.stack, state.info
    near, liberty = reader.near, reader.liberty
    stride = info[SIZE] + 1
    colour = board[prey]
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
                option[count] = q
                count += 1
            elif c == colour:
                stack[top] = q
                top += 1
            else:
                near[attackers] = q
                attackers += 1
    for i in range(attackers):
        if count < option.shape[0] and _liberties(state, near[i], 2, liberty) == 1:
            q = liberty[0]
            known = False
            for j in range(count):
                known |= option[j] == q
            if not known:
                option[count] = q
                count += 1
    kept = 0
    for i in range(count):
        q = option[i]
        if is_legal(state, q, colour, False) and not is_eye(state, q, colour):
            option[kept] = q
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _do(state, reader, ply, point, colour):
    """Play for reading only: board and ko change; what is needed to undo goes into frame `ply`."""
    board, info, taken = state.board, state.info, reader.taken
    stride = info[SIZE] + 1
    other = 3 - colour
    end = reader.taken_end[ply - 1] if ply else 0
    first = end
    reader.move[ply] = point
    reader.ko[ply] = info[KO]
    reader.ko_colour[ply] = info[KO_COLOUR]
    board[point] = colour
    alone = True
    free = 0
    for d in (-1, 1, -stride, stride):
        q = point + d
        c = board[q]
        if c == other:
            if _liberties(state, q, 1, reader.liberty) == 0:
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
    reader.taken_end[ply] = end


@njit(cache=True, nogil=True)
def _undo(state, reader, ply):
    """Undo `_do` of frame `ply`."""
    board = state.board
    point = reader.move[ply]
    other = 3 - board[point]
    board[point] = EMPTY
    for i in range(reader.taken_end[ply - 1] if ply else 0, reader.taken_end[ply]):
        board[reader.taken[i]] = other
    state.info[KO] = reader.ko[ply]
    state.info[KO_COLOUR] = reader.ko_colour[ply]


@njit(cache=True, nogil=True)
def _fill_options(state, reader, ply, prey, attacking):
    """Fill frame `ply` with the moves to try there."""
    option = reader.option[ply]
    reader.tried[ply] = 0
    if not attacking:
        reader.count[ply] = escape_options(state, reader, prey, option)
        return
    liberty = reader.liberty
    stride = state.info[SIZE] + 1
    attacker = 3 - state.board[prey]
    _liberties(state, prey, 2, liberty)
    a, b = liberty[0], liberty[1]
    # Try first the point where the defender would gain most: the other order seldom works.
    room = 0
    for d in (-1, 1, -stride, stride):
        room += (state.board[b + d] == EMPTY) - (state.board[a + d] == EMPTY)
    if room > 0:
        a, b = b, a
    count = 0
    for q in (a, b):
        if is_legal(state, q, attacker, False):
            option[count] = q
            count += 1
    reader.count[ply] = count


@njit(cache=True, nogil=True)
def read(state, reader, prey, first, attacking):
    """Whether the prey is captured after the move `first`, by the attacker if `attacking` (the prey has two liberties)
    or by the defender (it has one). Returns (captured, moves read); the board is as before."""
    defender = state.board[prey]
    attacker = 3 - defender
    _do(state, reader, 0, first, attacker if attacking else defender)
    moves = 1
    ply = 1  # frames 0 .. ply - 1 are played
    fresh = True
    while True:
        attacks = attacking == (ply % 2 == 0)  # who moves at frame `ply`
        leaf = False
        captured = False
        if fresh:
            liberties = _liberties(state, prey, 3 if attacks else 2, reader.liberty)
            if liberties == (2 if attacks else 1) and ply < MAX_PLIES and moves < MAX_MOVES:
                _fill_options(state, reader, ply, prey, attacks)
            else:
                leaf = True
                captured = liberties < (2 if attacks else 1)
        if not leaf:
            i = reader.tried[ply]
            if i < reader.count[ply]:
                reader.tried[ply] = i + 1
                _do(state, reader, ply, reader.option[ply, i], attacker if attacks else defender)
                moves += 1
                ply += 1
                fresh = True
                continue
            captured = not attacks  # nothing left to try: the mover failed
        # The node at frame `ply` is decided: pass the result up to the first mover who wants another one.
        while True:
            ply -= 1
            _undo(state, reader, ply)
            if ply == 0:
                return captured, moves
            if captured != (attacking == (ply % 2 == 0)):
                break
        fresh = False
