"""What a move leaves at stake: own stones that the opponent's best answer takes, or that no move saves after it.

The net sees liberties and ladders in its planes, but not what an answer makes of them: the double atari, the cut after
which two chains are short of liberties. Here each answer beside a chain with few liberties is tried, and ladders are
read after it. Nothing else is: no eyes, no nets, no race of liberties. A move loses `PRICE` nats of log-probability for
each stone at stake, which is what 9-dan players make of it: fitted on 600 positions of their games as the weight of the
stones beside the log-probability of the packaged net (conditional logit), 0.29 on all and 0.35 from move 130 on.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from casecnn.go.ladders import OPTION, ROOT, _liberties, escape_options, new_reader, read
from casecnn.go.position import Position
from casecnn.go.rules import EMPTY, SIZE, STAMP, is_free_of_ko_and_suicide, new_state, play, to_point

CANDIDATES = 8  # moves that are looked at
LEAST_SHARE = 1e-3  # of the best move's probability: what a move needs for that
SHORT = 3  # liberties: the opponent's answers are tried at those of chains with no more
MOST = 20  # stones: more count as this many
PRICE = 0.35  # nats a stone
BUDGET = 400_000  # moves read in ladders for one position, a tenth of a second; beyond it nothing is said


def weigh(position: Position, probabilities: np.ndarray, sensible: np.ndarray) -> np.ndarray:
    """The probabilities [size * size], lower where stones are at stake, for the colour to play; a copy.

    Of the candidates, the best sensible moves, the one that puts least at stake keeps its probability; so do all
    others that are not looked at. `sensible` bool [size * size]."""
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
    """int64 [n]: how many stones the colour to play has at stake after each of the moves (`row * size + column`, legal,
    no pass); None where there are so many ladders that reading them all would take too long."""
    stones = np.zeros(len(moves), np.int64)
    done = _at_stake(position.state, position.to_play, np.asarray(moves, np.int64), new_reader(), stones)
    return stones if done else None


@njit(cache=True, nogil=True)
def _can_take(board, info, mark, stack, reader, prey):
    """Whether the opponent, to move, takes the chain at `prey` at once or in a ladder; and the moves read."""
    attacker = 3 - board[prey]
    number, a, b = _liberties(board, info, mark, stack, prey, 3)
    if number == 1:
        return is_free_of_ko_and_suicide(board, info, mark, stack, a, attacker), 1
    moves = 0
    if number == 2:
        for q in (a, b):
            if is_free_of_ko_and_suicide(board, info, mark, stack, q, attacker):
                taken, more = read(board, info, mark, stack, reader.frame, reader.taken, reader.near, prey, q, True)
                moves += more
                if taken:
                    return True, moves
    return False, moves


@njit(cache=True, nogil=True)
def _can_save(board, info, mark, stack, reader, prey):
    """Whether the chain at `prey`, which can be taken, is safe from ladders after a move of its own side; and the moves
    read. With two liberties it is taken for granted."""
    number, _, _ = _liberties(board, info, mark, stack, prey, 3)
    if number > 1:
        return True, 0
    moves = 0
    options = escape_options(board, info, mark, stack, reader.frame, reader.near, ROOT, prey)
    for i in range(options):
        first = reader.frame[ROOT, OPTION + i]
        taken, more = read(board, info, mark, stack, reader.frame, reader.taken, reader.near, prey, first, False)
        moves += more
        if not taken:
            return True, moves
    return False, moves


@njit(cache=True, nogil=True)
def _lost(board, info, mark, stack, reader, seen, chain, colour):
    """Stones of `colour`, to move, that can be taken, less those of the largest chain that it can save; and the moves
    read. `seen` uint8 and `chain` int32 [P] are scratch space."""
    size = info[SIZE]
    stride = size + 1
    seen[:] = 0
    total = 0
    saved = 0
    moves = 0
    for move in range(size * size):
        start = to_point(size, move)
        if board[start] != colour or seen[start]:
            continue
        seen[start] = 1
        chain[0] = start
        stones = 1
        i = 0
        while i < stones:
            for d in (-1, 1, -stride, stride):
                q = chain[i] + d
                if board[q] == colour and not seen[q]:
                    seen[q] = 1
                    chain[stones] = q
                    stones += 1
            i += 1
        taken, more = _can_take(board, info, mark, stack, reader, start)
        moves += more
        if taken:
            total += stones
            if stones > saved:
                safe, more = _can_save(board, info, mark, stack, reader, start)
                moves += more
                if safe:
                    saved = stones
    return total - saved, moves


@njit(cache=True, nogil=True)
def _copy(source, target):
    """Make one position the same as another of its size."""
    stamp = target.info[STAMP]  # belongs to `mark`
    target.board[:] = source.board
    target.info[:] = source.info
    target.info[STAMP] = stamp


@njit(cache=True, nogil=True)
def _at_stake(start, colour, candidates, reader, stones):
    """Fill `stones` int64 [n] for the candidates; returns whether the budget was enough."""
    size = start.info[SIZE]
    stride = size + 1
    after, answered = new_state(size), new_state(size)
    board, info, mark, stack = after.board, after.info, after.mark, after.stack
    seen = np.zeros(board.shape[0], np.uint8)
    chain = np.zeros(board.shape[0], np.int32)
    answers = np.zeros(board.shape[0], np.uint8)
    moves = 0
    for i in range(len(candidates)):
        _copy(start, after)
        play(after, to_point(size, candidates[i]), colour)
        answers[:] = 0
        for move in range(size * size):
            p = to_point(size, move)
            if board[p] == colour and _liberties(board, info, mark, stack, p, SHORT + 1)[0] <= SHORT:
                for d in (-1, 1, -stride, stride):
                    answers[p + d] = board[p + d] == EMPTY
        for move in range(size * size):
            p = to_point(size, move)
            if answers[p] and is_free_of_ko_and_suicide(board, info, mark, stack, p, 3 - colour):
                _copy(after, answered)
                taken = play(answered, p, 3 - colour)
                lost, more = _lost(
                    answered.board, answered.info, answered.mark, answered.stack, reader, seen, chain, colour
                )
                stones[i] = max(stones[i], taken + lost)
                moves += more
                if moves > BUDGET:
                    return False
    return True
