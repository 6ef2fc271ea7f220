"""What a move leaves at stake: the largest own chain that the opponent can then take, at once or in a ladder.

The net sees liberties and ladders of the position before a move, but not of the position after it. Here the moves that
it likes best are played, and all own chains with one or two liberties are read. Nothing else is: no eyes, no nets, no
race of liberties, no double threats. A move loses `PRICE` nats of log-probability for each stone at stake, which is
what 9-dan players make of it: fitted on 1,503 positions of their games as the weight of the stones beside the
log-probability of the packaged net (conditional logit).
"""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import connected, liberties
from casecnn.go.board.ladders import read
from casecnn.go.board.rules import is_free_of_ko_and_suicide, play
from casecnn.go.board.state import SIZE, new_state, take_stones, to_point
from casecnn.go.board.trials import new_reader
from casecnn.go.position import Position

CANDIDATES = 8  # moves that are looked at
LEAST_SHARE = 1e-3  # of the best move's probability: what a move needs for that
MOST = 20  # stones: more count as this many
PRICE = 0.5  # nats a stone
BUDGET = 400_000  # moves read in ladders for one position, a tenth of a second; beyond it nothing is said


def weigh(position: Position, probabilities: np.ndarray, sensible: np.ndarray) -> np.ndarray:
    """The probabilities [size * size], lower where stones are at stake, for the colour to play; a copy.

    Of the candidates, the best sensible moves, the one that puts least at stake keeps its probability; so do all
    others that are not looked at. `sensible` bool [size * size].
    """
    order = np.argsort(-np.where(sensible, probabilities, 0), kind="stable")[:CANDIDATES]
    moves = order[sensible[order] & (probabilities[order] >= LEAST_SHARE * probabilities[order[0]])]
    if len(moves) < 2:
        return probabilities
    stones = at_stake(position, moves)
    if stones is None:
        return probabilities
    stones = np.minimum(stones, MOST)
    weighed = probabilities.copy()
    weighed[moves] *= np.exp(-PRICE * (stones - stones.min()))
    return weighed


def at_stake(position: Position, moves: np.ndarray) -> np.ndarray | None:
    """How many stones the colour to play has at stake after each of the moves, int64 [n].

    A move is `row * size + column`, legal, no pass. Returns None where there are so many ladders that reading them all
    would take too long.
    """
    stones = np.zeros(len(moves), np.int64)
    done = _at_stake(position.state, position.to_play, np.asarray(moves, np.int64), new_reader(), stones)
    return stones if done else None


@njit(cache=True, nogil=True)
def _can_take(board, info, mark, stack, reader, prey):
    """Whether the opponent, to move, takes the chain at `prey` at once or in a ladder; and the moves read."""
    attacker = 3 - np.int64(board[prey])
    number, a, b = liberties(board, info, mark, stack, prey, np.int64(3))
    if number == 1:
        return is_free_of_ko_and_suicide(board, info, mark, stack, a, attacker), 1
    moves = 0
    if number == 2:
        for q in (a, b):
            if is_free_of_ko_and_suicide(board, info, mark, stack, q, attacker):
                taken, more = read(board, info, mark, stack, reader.frame, reader.taken, reader.near, prey, q)
                moves += more
                if taken:
                    return True, moves
    return False, moves


@njit(cache=True, nogil=True)
def _at_stake(start, colour, candidates, reader, stones):
    """Fill `stones` int64 [n] for the candidates; returns whether the budget was enough."""
    size = np.int64(start.info[SIZE])
    after = new_state(size)
    board, info, mark, stack = after.board, after.info, after.mark, after.stack
    seen = np.zeros(board.shape[0], np.int32)  # the number of the candidate, from 1; reading uses `mark` itself
    read_so_far = 0
    for number in range(len(candidates)):
        take_stones(after, start)
        play(after, to_point(size, candidates[number]), colour)
        for move in range(size * size):
            first = to_point(size, move)
            if board[first] != colour or seen[first] == number + 1:
                continue
            count, _ = connected(board, seen, stack, size + 1, np.int32(number + 1), first)
            if count > stones[number]:
                taken, more = _can_take(board, info, mark, stack, reader, first)
                read_so_far += more
                if taken:
                    stones[number] = count
            if read_so_far > BUDGET:
                return False
    return True
