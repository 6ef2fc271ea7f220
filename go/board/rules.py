"""The rules of Go, compiled by numba: captures, ko, suicide, passes, area scoring, Zobrist hashes.

They change or look at the arrays of a `casecnn.go.board.state.State`.
"""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from casecnn.compiled import njit
from casecnn.go.board.chains import connected, has_liberty_besides, next_stamp
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, colour_of, kind_of, pack, point_of
from casecnn.go.board.state import (
    BLACK,
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    LAST,
    PASSES,
    SET_UP,
    SIZE,
    TAKEN_BLACK,
    TAKEN_WHITE,
    TURN,
    WALL,
    WHITE,
    ZOBRIST,
    new_state,
    to_point,
)

for codec in (pack, kind_of, colour_of, point_of):
    register_jitable(codec)  # so that compiled functions call them


@njit(cache=True, nogil=True)
def _remove_chain(state, start):
    """Take the chain at `start` off the board and return its number of stones."""
    board, stack = state.board, state.stack
    stride = state.info[SIZE] + 1
    colour = board[start]
    board[start] = EMPTY
    state.zobrist[0] ^= ZOBRIST[colour, start]
    stack[0] = start
    top = 1
    count = 0
    while top:
        top -= 1
        p = stack[top]
        count += 1
        for d in (-1, 1, -stride, stride):
            q = p + d
            if board[q] == colour:
                board[q] = EMPTY
                state.zobrist[0] ^= ZOBRIST[colour, q]
                stack[top] = q
                top += 1
    return count


@njit(cache=True, nogil=True)
def is_free_of_ko_and_suicide(board, info, mark, stack, point, colour):
    """Whether `colour` may play at the empty `point` under simple ko with suicide forbidden."""
    if point == info[KO] and colour == info[KO_COLOUR]:
        return False
    stride = info[SIZE] + 1
    for d in (-1, 1, -stride, stride):
        if board[point + d] == EMPTY:
            return True
    for d in (-1, 1, -stride, stride):
        c = board[point + d]
        if c != WALL and has_liberty_besides(board, info, mark, stack, point + d, point) == (c == colour):
            return True
    return False


@njit(cache=True, nogil=True)
def is_legal(state, point, colour, suicide):
    """Whether `colour` may play at `point`: empty, not forbidden by simple ko, and not suicide unless `suicide`.

    Superko is not looked at.
    """
    board, info = state.board, state.info
    if board[point] != EMPTY:
        return False
    if suicide:
        return point != info[KO] or colour != info[KO_COLOUR]
    return is_free_of_ko_and_suicide(board, info, state.mark, state.stack, point, colour)


@njit(cache=True, nogil=True)
def takes_itself(state, point, colour):
    """Whether a stone of `colour` at `point` is suicide together with a chain of its own, which some rules allow."""
    if not is_legal(state, point, colour, np.bool_(True)) or is_legal(state, point, colour, np.bool_(False)):
        return False
    stride = state.info[SIZE] + 1
    for d in (-1, 1, -stride, stride):
        if state.board[point + d] == colour:
            return True
    return False


@njit(cache=True, nogil=True)
def play(state, point, colour):
    """Put a stone of `colour` on an empty point and take off what it captures, or itself if it is suicide.

    Returns the number of stones taken from the opponent. The move must be legal; that is not checked.
    """
    board, info, mark, stack = state.board, state.info, state.mark, state.stack
    stride = info[SIZE] + 1
    other = 3 - colour
    board[point] = colour
    state.zobrist[0] ^= ZOBRIST[colour, point]
    state.turn_of[point] = info[TURN]
    taken = 0
    last_taken = 0
    alone = True
    free = 0
    for d in (-1, 1, -stride, stride):
        q = point + d
        c = board[q]
        if c == other:
            if not has_liberty_besides(board, info, mark, stack, q, np.int64(0)):
                taken += _remove_chain(state, q)
                last_taken = q
                free += 1
        elif c == EMPTY:
            free += 1
        elif c == colour:
            alone = False
    if taken:
        info[TAKEN_BLACK if other == BLACK else TAKEN_WHITE] += taken
    elif free == 0 and not has_liberty_besides(board, info, mark, stack, point, np.int64(0)):
        info[TAKEN_BLACK if colour == BLACK else TAKEN_WHITE] += _remove_chain(state, point)
    info[KO] = 0
    if taken == 1 and alone and free == 1:
        info[KO] = last_taken
        info[KO_COLOUR] = other
    info[TURN] += 1
    info[LAST] = point
    info[PASSES] = 0
    info[COLOUR] = other
    return taken


@njit(cache=True, nogil=True)
def play_pass(state, colour):
    """`colour` passes: a turn goes by, a ko is over."""
    info = state.info
    info[KO] = 0
    info[TURN] += 1
    info[LAST] = 0
    info[PASSES] += 1
    info[COLOUR] = 3 - colour


@njit(cache=True, nogil=True)
def set_stone(state, point, colour):
    """Set up a stone of `colour` (or clear the point with 0). No turn goes by and nothing is captured."""
    board = state.board
    old = board[point]
    if old != EMPTY:
        state.zobrist[0] ^= ZOBRIST[old, point]
    board[point] = colour
    if colour != EMPTY:
        state.zobrist[0] ^= ZOBRIST[colour, point]
    state.turn_of[point] = SET_UP
    state.info[KO] = 0


@njit(cache=True, nogil=True)
def apply_event(state, event):
    """Apply one event of a game record.

    Returns False, and changes nothing, where it is an illegal move by any rules: simple ko holds, and a single stone
    may not take itself off, but several may (see `check_events`).
    """
    size = np.int64(state.info[SIZE])
    kind = np.int64(kind_of(event))
    colour = np.int64(colour_of(event))
    move = np.int64(point_of(event))
    if kind == TO_PLAY:
        state.info[COLOUR] = colour
    elif kind == SETUP:
        if move >= size * size:
            return False
        set_stone(state, to_point(size, move), colour)
    elif move == size * size:
        play_pass(state, colour)
    else:
        if move > size * size or colour == EMPTY or colour == WALL:
            return False
        point = to_point(size, move)
        if not is_legal(state, point, colour, np.bool_(False)) and not takes_itself(state, point, colour):
            return False
        play(state, point, colour)
    return True


@njit(cache=True, nogil=True)
def check_events(size, events, suicide=False):
    """Replay `events` (uint16 [n]) and return the index of the first that is illegal, or -1.

    With `suicide` a move may take off its own chain of two or more stones.
    """
    state = new_state(size)
    for i in range(events.shape[0]):
        if not apply_event(state, events[i]):
            return i
        if not suicide and kind_of(events[i]) == PLAY and state.info[LAST] and state.board[state.info[LAST]] == EMPTY:
            return i
    return -1


@njit(cache=True, nogil=True)
def area(state):
    """Return (black, white): stones plus the empty points that reach only that colour. Dead stones are not removed."""
    board, mark, info = state.board, state.mark, state.info
    size = info[SIZE]
    stamp = next_stamp(info)
    score = np.zeros(4, np.int64)
    for move in range(size * size):
        point = to_point(size, move)
        if board[point] != EMPTY:
            score[board[point]] += 1
        elif mark[point] != stamp:
            count, beside = connected(board, mark, state.stack, size + 1, stamp, point)
            score[beside] += count
    return score[BLACK], score[WHITE]
