"""A position as arrays for compiled code, and the numbering of its points.

The board is one flat array of bytes with a wall around it, so that the four neighbours of a point are always
`p - 1`, `p + 1`, `p - stride`, `p + stride` with `stride = size + 1`. Index 0 is always wall and stands for "none".
A *point* is an index into that array; a *move* is `row * size + column`, and `size * size` is the pass.

All functions here are `nogil` and cached on disk; they take plain arrays and check nothing beyond what they say.
`casecnn.go.position.Position` is the friendly class on top.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from casecnn.compiled import forget_stale, njit

forget_stale(Path(__file__).parents[1])  # functions of other folders call these

EMPTY, BLACK, WHITE, WALL = 0, 1, 2, 3
MIN_SIZE, MAX_SIZE = 5, 25  # of the boards that are played on

MOST_POINTS = (MAX_SIZE + 2) * (MAX_SIZE + 1) + 1  # of a walled board

# Slots of State.info.
SIZE, COLOUR, KO, KO_COLOUR, TURN, LAST, PASSES, TAKEN_BLACK, TAKEN_WHITE, STAMP = range(10)

# `turn_of` of a stone that was set up and not played: older than any turn.
SET_UP = -1_000_000

ZOBRIST = np.random.default_rng(20160128).integers(0, 2**64, (3, MOST_POINTS), dtype=np.uint64)


class State(NamedTuple):
    """A position as arrays, with P = (size + 2) * (size + 1) + 1.

    `board` uint8 [P]: 0 empty, 1 black, 2 white, 3 wall; `turn_of` int32 [P]: the turn at which the stone was played;
    `info` int32 [10]: see the slot names; `zobrist` uint64 [1]: hash of the stones; `mark` int32 [P] and `stack` int32
    [P] are scratch space.
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


def new_states(size: int, number: int) -> State:
    """The states of `number` empty boards: the arrays of a `State` with one dimension more in front."""
    return State(*(np.repeat(array[None], number, axis=0) for array in new_state(size)))


@njit(cache=True, nogil=True)
def state_at(states, i):
    """State `i` of `new_states`, as views."""
    board, turn_of, info, zobrist, mark, stack = states
    return State(board[i], turn_of[i], info[i], zobrist[i], mark[i], stack[i])


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


def board_of(state: State) -> np.ndarray:
    """uint8 [size, size], a copy: 0 empty, 1 black, 2 white."""
    size = int(state.info[SIZE])
    return state.board[:-1].reshape(size + 2, size + 1)[1:-1, 1:].copy()
