"""The rules of Go, compiled by numba: captures, ko, suicide, passes, area scoring, Zobrist hashes.

The board is one flat array of bytes with a wall around it, so that the four neighbours of a point are always
`p - 1`, `p + 1`, `p - stride`, `p + stride` with `stride = size + 1`. Index 0 is always wall and stands for "none".
A *point* is an index into that array; a *move* is `row * size + column`, and `size * size` is the pass.

All functions here are `nogil` and cached on disk; they take plain arrays and check nothing beyond what they say.
`casecnn.go.position.Position` is the friendly class on top.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

from casecnn.stale import forget_stale

forget_stale(Path(__file__).parents[1])  # functions of other folders call these

EMPTY, BLACK, WHITE, WALL = 0, 1, 2, 3
MIN_SIZE, MAX_SIZE = 5, 25

# Kinds of events in a game record: see casecnn.go.board.record.
PLAY, SETUP, TO_PLAY = 0, 1, 2

# Slots of State.info.
SIZE, COLOUR, KO, KO_COLOUR, TURN, LAST, PASSES, TAKEN_BLACK, TAKEN_WHITE, STAMP = range(10)

# `turn_of` of a stone that was set up and not played: older than any turn.
SET_UP = -1_000_000

_ZOBRIST = np.random.default_rng(20160128).integers(0, 2**64, (3, (MAX_SIZE + 2) * (MAX_SIZE + 1) + 1), dtype=np.uint64)


class State(NamedTuple):
    """A position as arrays. `board` uint8 [P]: 0 empty, 1 black, 2 white, 3 wall; `turn_of` int32 [P]: the turn at
    which the stone was played; `info` int32 [10]: see the slot names; `zobrist` uint64 [1]: hash of the stones;
    `mark` int32 [P] and `stack` int32 [P] are scratch space. P = (size + 2) * (size + 1) + 1.
    """

    board: np.ndarray
    turn_of: np.ndarray
    info: np.ndarray
    zobrist: np.ndarray
    mark: np.ndarray
    stack: np.ndarray


@njit(cache=True, nogil=True)
def new_state(size):
    """Return the `State` of an empty `size` x `size` board, black to play. Does not check the size."""
    stride = size + 1
    n = (size + 2) * stride + 1
    board = np.full(n, WALL, np.uint8)
    for row in range(size):
        for column in range(size):
            board[(row + 1) * stride + column + 1] = EMPTY
    info = np.zeros(10, np.int32)
    info[SIZE] = size
    info[COLOUR] = BLACK
    return State(
        board,
        np.full(n, SET_UP, np.int32),
        info,
        np.zeros(1, np.uint64),
        np.zeros(n, np.int32),
        np.zeros(n, np.int32),
    )


@njit(cache=True, nogil=True)
def take_stones(state, start):
    """Copy all but `turn_of` and the hash from `start`, a state of the same size."""
    for p in range(start.board.shape[0]):
        state.board[p] = start.board[p]
    stamp = state.info[STAMP]  # belongs to `mark`
    for i in range(start.info.shape[0]):
        state.info[i] = start.info[i]
    state.info[STAMP] = stamp


def copy_state(state: State) -> State:
    """Return a copy that shares no array with `state`."""
    return State(*(array.copy() for array in state))


@njit(cache=True, nogil=True)
def to_point(size, move):
    """The point (index into the walled board) of a move that is not a pass."""
    return move + size + 2 + move // size


@njit(cache=True, nogil=True)
def to_move(size, point):
    """The move `row * size + column` of a point on the board."""
    stride = size + 1
    return (point // stride - 1) * size + point % stride - 1


@njit(cache=True, nogil=True)
def has_liberty_besides(board, info, mark, stack, start, excluded):
    """Whether the chain of the stone at `start` has a liberty other than the point `excluded`.

    The compiled inner functions take the arrays of `State` one by one: unpacking the tuple in each costs more than
    the work itself.
    """
    info[STAMP] += 1
    stamp = info[STAMP]
    stride = info[SIZE] + 1
    colour = board[start]
    mark[start] = stamp
    stack[0] = start
    top = 1
    while top:
        top -= 1
        p = stack[top]
        for d in (-1, 1, -stride, stride):
            q = p + d
            c = board[q]
            if c == EMPTY:
                if q != excluded:
                    return True
            elif c == colour and mark[q] != stamp:
                mark[q] = stamp
                stack[top] = q
                top += 1
    return False


@njit(cache=True, nogil=True)
def _remove_chain(state, start):
    """Take the chain at `start` off the board and return its number of stones."""
    board, stack = state.board, state.stack
    stride = state.info[SIZE] + 1
    colour = board[start]
    board[start] = EMPTY
    state.zobrist[0] ^= _ZOBRIST[colour, start]
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
                state.zobrist[0] ^= _ZOBRIST[colour, q]
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
def play(state, point, colour):
    """Put a stone of `colour` on an empty point, take off what it captures (or itself, if it is suicide), and
    return the number of stones taken from the opponent. The move must be legal; that is not checked.
    """
    board, info, mark, stack = state.board, state.info, state.mark, state.stack
    stride = info[SIZE] + 1
    other = 3 - colour
    board[point] = colour
    state.zobrist[0] ^= _ZOBRIST[colour, point]
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
        state.zobrist[0] ^= _ZOBRIST[old, point]
    board[point] = colour
    if colour != EMPTY:
        state.zobrist[0] ^= _ZOBRIST[colour, point]
    state.turn_of[point] = SET_UP
    state.info[KO] = 0


@njit(cache=True, nogil=True)
def apply_event(state, event):
    """Apply one event of a game record. Return False, and change nothing, where it is an illegal move (simple ko,
    no suicide).
    """
    size = np.int64(state.info[SIZE])
    move = np.int64(event & 1023)
    colour = np.int64((event >> 10) & 3)
    kind = np.int64(event >> 12)
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
        if not is_legal(state, point, colour, np.bool_(False)):
            return False
        play(state, point, colour)
    return True


@njit(cache=True, nogil=True)
def check_events(size, events):
    """Replay `events` (uint16 [n]) and return the index of the first that is illegal, or -1."""
    state = new_state(size)
    for i in range(events.shape[0]):
        if not apply_event(state, events[i]):
            return i
    return -1


@njit(cache=True, nogil=True)
def area(state):
    """Return (black, white): stones plus the empty points that reach only that colour. Dead stones are not removed."""
    board, mark, stack, info = state.board, state.mark, state.stack, state.info
    size = info[SIZE]
    stride = size + 1
    info[STAMP] += 1
    stamp = info[STAMP]
    score = np.zeros(4, np.int64)
    for move in range(size * size):
        start = to_point(size, move)
        if board[start] != EMPTY:
            score[board[start]] += 1
        elif mark[start] != stamp:
            mark[start] = stamp
            stack[0] = start
            top = 1
            count = 0
            reached = 0
            while top:
                top -= 1
                p = stack[top]
                count += 1
                for d in (-1, 1, -stride, stride):
                    q = p + d
                    c = board[q]
                    if c == EMPTY:
                        if mark[q] != stamp:
                            mark[q] = stamp
                            stack[top] = q
                            top += 1
                    elif c != WALL:
                        reached |= c
            score[reached] += count
    return score[BLACK], score[WHITE]


def board_of(state: State) -> np.ndarray:
    """uint8 [size, size], a copy: 0 empty, 1 black, 2 white."""
    size = int(state.info[SIZE])
    return state.board[:-1].reshape(size + 2, size + 1)[1:-1, 1:].copy()


def warm_up(*more: Callable[[], object]) -> None:
    """Load or compile the engine, and what `more` calls. If that takes a second of CPU time, as on the first run ever,
    say so on stderr.
    """
    from casecnn.go.planes.fast import game_features

    done = threading.Event()
    start = time.process_time()

    def watch() -> None:
        while not done.wait(0.2):
            if time.process_time() - start > 1.0:  # not wall time: on a busy machine loading alone may take a second
                message = "casecnn: compiling the Go engine for this machine, once (about 20 seconds) ..."
                print(message, file=sys.stderr, flush=True)
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        check_events(MIN_SIZE, np.zeros(0, np.uint16))
        game_features(MIN_SIZE, np.array([BLACK << 10], np.uint16))
        for call in more:
            call()
    finally:
        done.set()
