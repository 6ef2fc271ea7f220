"""Ladders, read to the end on the board itself with play and undo.

The search follows one chain, the prey. The attacker moves when the prey has two liberties and may play either; the
defender moves when it has one and may extend there or take an attacking chain that touches the prey and is in atari
(legal moves only, own true eyes never). Three liberties are an escape, one after the defender's move is a capture.
Reading stops after `MAX_PLIES` moves in a row or `MAX_MOVES` moves in all; then the prey counts as escaped.
A ladder from corner to corner takes 58 plies.

The functions take the arrays of `casecnn.go.board.state.State` and of `casecnn.go.board.trials.Reader` one by one, for
speed; see `casecnn.go.board.chains`.
"""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import connected, liberties, next_stamp
from casecnn.go.board.eyes import is_eye
from casecnn.go.board.rules import is_free_of_ko_and_suicide
from casecnn.go.board.state import EMPTY, SIZE
from casecnn.go.board.trials import (
    COUNT,
    MAX_OPTIONS,
    MAX_PLIES,
    OPTION,
    TRIED,
    play_trial,
    undo_trial,
)

MAX_MOVES = 20_000


@njit(cache=True, nogil=True)
def escape_options(board, info, mark, stack, frame, near, ply, prey):
    """Write the defender's plausible moves into frame `ply` and return their number.

    The chain at `prey` is in atari. Its last liberty comes first, then captures of touching chains in atari. All moves
    are legal and fill no own true eye.
    """
    stride = info[SIZE] + 1
    colour = np.int64(board[prey])
    stamp = next_stamp(info)
    stones, _ = connected(board, mark, stack, stride, stamp, prey)
    attackers = 0
    count = 0
    for i in range(stones):
        for d in (-1, 1, -stride, stride):
            q = stack[i] + d
            if mark[q] == stamp:
                continue
            mark[q] = stamp
            if board[q] == EMPTY:
                frame[ply, OPTION + count] = q
                count += 1
            elif board[q] == 3 - colour:
                near[attackers] = q
                attackers += 1
    for i in range(attackers):
        number, q, _ = liberties(board, info, mark, stack, np.int64(near[i]), np.int64(2))
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
def _room(board, stride, point):
    """The number of empty neighbours of a point."""
    room = 0
    for d in (-1, 1, -stride, stride):
        room += board[point + d] == EMPTY
    return room


@njit(cache=True, nogil=True)
def _attacks(board, info, mark, stack, frame, ply, attacker, a, b):
    """Fill frame `ply` with the attacker's legal moves among the prey's liberties `a` and `b`.

    First comes the point where the defender would gain most, since the other order seldom works.
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
    """Whether the prey is captured after the move `first`.

    The attacker makes that move if the prey has two liberties, the defender if it has one. Returns (captured, moves
    read); the board is as before.
    """
    stride = info[SIZE] + 1
    defender = np.int64(board[prey])
    attacker = 3 - defender
    attacking = liberties(board, info, mark, stack, prey, np.int64(2))[0] == 2
    play_trial(board, info, mark, stack, frame, taken, np.int64(0), first, attacker if attacking else defender)
    moves = 1
    ply = np.int64(1)  # frames 0 .. ply - 1 are played
    fresh = True
    while True:
        attacks = attacking == (ply % 2 == 0)  # who moves at frame `ply`
        leaf = False
        captured = False
        if fresh:
            number, a, b = liberties(board, info, mark, stack, prey, np.int64(3 if attacks else 2))
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
                play_trial(board, info, mark, stack, frame, taken, ply, point, attacker if attacks else defender)
                moves += 1
                ply += 1
                fresh = True
                continue
            captured = not attacks  # nothing left to try: the mover failed
        # The node at frame `ply` is decided: pass the result up to the first mover who wants another one.
        while True:
            ply -= 1
            undo_trial(board, info, frame, taken, ply)
            if ply == 0:
                return captured, moves
            if captured != (attacking == (ply % 2 == 0)):
                break
        fresh = False
