"""Uniformly random games from a position to its end, compiled: who owns which point, and by how much.

Both sides play any legal point (simple ko, no suicide) with the same probability, except simple eyes of their own, and
pass when nothing else is left. That is no way to play Go, but many such games tell well which chains of an all but
finished board are dead: the classic estimate of Monte Carlo Go (Brügmann 1993), in use for scoring ever since. It knows
nothing of seki, of ladders or of shapes, and it is worth little while most of the board is open.

Numbers are drawn from a generator of the function's own, so that the same seed always gives the same games.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.eyes import is_eyeish
from casecnn.go.board.rules import is_free_of_ko_and_suicide, play, play_pass
from casecnn.go.board.state import BLACK, COLOUR, EMPTY, SIZE, WHITE, State, new_state, take_stones, to_point


class Outcome(NamedTuple):
    """What random games say.

    `ownership` float64 [size * size]: from 1 (always Black's in the end) to -1 (always White's); `score` mean of black
    minus white points on the board, komi not counted.
    """

    ownership: np.ndarray
    score: float


def play_out(state: State, colour: int, games: int, seed: int = 0) -> Outcome:
    """Play `games` random games from a position, `colour` to move first. Does not change the position.

    A game ends with two passes, or after three times as many moves as the board has points.
    """
    owned, score = _play_out(state, colour, games, np.uint64(seed))
    return Outcome(owned / games, score / games)


@njit(cache=True, nogil=True)
def _random(generator):
    """The next number of a SplitMix64 generator (Steele, Lea and Flood 2014), uint64 [1]."""
    generator[0] += np.uint64(0x9E3779B97F4A7C15)
    z = generator[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _is_simple_eye(board, stride, point, colour):
    """Surrounded by own stones, at most one enemy diagonal in the middle of the board and none at its edge."""
    if not is_eyeish(board, stride, point, colour):
        return False
    room = 1
    for d in (-1, 1, -stride, stride):
        if board[point + d] != colour:
            room = 0
    enemies = 0
    for d in (-stride - 1, -stride + 1, stride - 1, stride + 1):
        enemies += board[point + d] == 3 - colour
    return enemies <= room


@njit(cache=True, nogil=True)
def _find_empty(board, size, empty):
    count = 0
    for move in range(size * size):
        point = to_point(size, move)
        if board[point] == EMPTY:
            empty[count] = point
            count += 1
    return count


@njit(cache=True, nogil=True)
def _play_out(start, colour, games, seed):
    size = np.int64(start.info[SIZE])
    stride = size + 1
    state = new_state(size)
    board, info, mark, stack = state.board, state.info, state.mark, state.stack
    generator = np.full(1, seed, np.uint64)
    empty = np.zeros(size * size, np.int32)
    owned = np.zeros(size * size, np.int64)
    score = 0
    for _ in range(games):
        take_stones(state, start)
        info[COLOUR] = colour
        count = _find_empty(board, size, empty)
        passes = 0
        for _ in range(3 * size * size):
            mover = np.int64(info[COLOUR])
            chosen = -1
            if count:
                first = np.int64(_random(generator) % np.uint64(count))
                for i in range(count):
                    k = first + i if first + i < count else first + i - count
                    point = np.int64(empty[k])
                    if not _is_simple_eye(board, stride, point, mover) and is_free_of_ko_and_suicide(
                        board, info, mark, stack, point, mover
                    ):
                        chosen = k
                        break
            if chosen < 0:
                play_pass(state, mover)
                passes += 1
                if passes == 2:
                    break
                continue
            passes = 0
            point = np.int64(empty[chosen])
            count -= 1
            empty[chosen] = empty[count]
            if play(state, point, mover):
                count = _find_empty(board, size, empty)
        for move in range(size * size):
            point = to_point(size, move)
            owner = board[point]
            if owner == EMPTY:
                black = 0
                white = 0
                for d in (-1, 1, -stride, stride):
                    black += board[point + d] == BLACK
                    white += board[point + d] == WHITE
                if black and not white:
                    owner = BLACK
                elif white and not black:
                    owner = WHITE
            sign = 1 if owner == BLACK else -1 if owner == WHITE else 0
            owned[move] += sign
            score += sign
    return owned, score
