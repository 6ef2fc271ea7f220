"""Many games at once, compiled: planes and moves of a whole batch of boards without the interpreter lock.

Each game has a slot, a row in arrays. What happens in a
slot depends on that slot alone, the random numbers included: they are a function of the game's key and its move number,
so a game comes out the same in any slot of any batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.record import PLAY, pack
from casecnn.go.board.rules import area, play, play_pass
from casecnn.go.board.state import COLOUR, LAST, PASSES, SIZE, State, new_states, state_at, to_point
from casecnn.go.planes.fast import Scratch, new_scratch, write_planes
from casecnn.go.planes.table import PLANES
from casecnn.go.play.ending import NEVER, classify_moves, draw_move, weigh_moves

GOING, BY_PASSES, BY_RESIGNATION, BY_LIMIT = 0, 1, 2, 3
"""How a game stands (`Games.ended`)."""

RESIGN_TURNS = 5
"""Turns of its own in a row that a player must be far behind to resign."""


class Games(NamedTuple):
    """The boards of a batch of n games.

    `states`: the arrays of a `State`, with one dimension more in front, the slot; `seen` uint64 [n, m + 1]: the hashes
    of all arrangements since the start, which superko forbids; `events` uint16 [n, m]: the moves played, as in
    `casecnn.go.board.record`; `counts` int32 [n]: their number; `keys` uint64 [n]: where the random numbers start;
    `behind` int32 [n, 3]: turns in a row far behind, by colour; `ended` uint8 [n]; `planes` uint8 [n, 48, size * size];
    `classes` uint8 [n, size * size]: see `casecnn.go.play.ending`.
    """

    states: State
    seen: np.ndarray
    events: np.ndarray
    counts: np.ndarray
    keys: np.ndarray
    behind: np.ndarray
    ended: np.ndarray
    planes: np.ndarray
    classes: np.ndarray


def new_games(slots: int, size: int, max_moves: int) -> Games:
    """Arrays for `slots` games of at most `max_moves` moves; each slot must be filled with `reset` before use."""
    return Games(
        new_states(size, slots),
        seen=np.zeros((slots, max_moves + 1), np.uint64),
        events=np.zeros((slots, max_moves), np.uint16),
        counts=np.zeros(slots, np.int32),
        keys=np.zeros(slots, np.uint64),
        behind=np.zeros((slots, 3), np.int32),
        ended=np.zeros(slots, np.uint8),
        planes=np.zeros((slots, PLANES, size * size), np.uint8),
        classes=np.zeros((slots, size * size), np.uint8),
    )


def reset(games: Games, slot: int, state: State, key: int) -> None:
    """Start a game in a slot from `state`, which is copied. Superko knows no position before it."""
    for arrays, array in zip(games.states, state, strict=True):
        arrays[slot] = array
    games.seen[slot, 0] = state.zobrist[0]
    games.counts[slot] = 0
    games.keys[slot] = key
    games.behind[slot] = 0
    games.ended[slot] = GOING


@njit(cache=True, nogil=True)
def uniform(key, number):
    """A float from [0, 1) that is a fixed function of two uint64: the finalizer of SplitMix64."""
    z = key + number * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def write_batch(games, slots, scratch, target):
    """Compute the planes and the classes of the moves for the games in `slots` int64 [k].

    `target` int32 [size * size] is the identity.
    """
    for slot in slots:
        state = state_at(games.states, slot)
        write_planes(state, scratch, target, games.planes[slot])
        classify_moves(state, games.planes[slot], games.classes[slot])


@njit(cache=True, nogil=True)
def _repeats(games, slot, point, colour):
    """Whether the arrangement after a move has been on the board before (positional superko)."""
    board, turn_of, info, zobrist, mark, stack = state_at(games.states, slot)
    after = State(board.copy(), turn_of.copy(), info.copy(), zobrist.copy(), mark.copy(), stack)
    play(after, point, colour)
    hash_after = after.zobrist[0]
    for i in range(games.counts[slot] + 1):
        if games.seen[slot, i] == hash_after:
            return True
    return False


@njit(cache=True, nogil=True)
def _resigns(games, slot, state, komi, resign):
    """Count the turns far behind, and say whether the side to play resigns now."""
    size = state.info[SIZE]
    colour = state.info[COLOUR]
    black, white = area(state)
    lead = black - white - komi
    if colour == 2:
        lead = -lead
    if lead <= -resign and 2 * games.counts[slot] >= size * size:
        games.behind[slot, colour] += 1
    else:
        games.behind[slot, colour] = 0
    return games.behind[slot, colour] >= RESIGN_TURNS


@njit(cache=True, nogil=True)
def move_batch(games, slots, probabilities, temperature, opening_moves, komi, resign):
    """Play one move in each of `slots` int64 [k] by `probabilities` float32 [k, size * size], after `write_batch`.

    The rule is that of `casecnn.go.play.ending`, with positional superko. From move `opening_moves` on the best move is
    played instead of a drawn one. A player who is behind by `resign` points or more, as the board stands, on
    `RESIGN_TURNS` turns of its own in a row, from half as many moves as the board has points on, resigns; infinity:
    never. `games.ended` says which games are over; `games.states` keeps who is to play (after a resignation, who did).
    """
    points = probabilities.shape[1]
    limit = games.events.shape[1]
    weights = np.empty(points, np.float64)
    for row in range(slots.shape[0]):
        slot = slots[row]
        state = state_at(games.states, slot)
        info = state.info
        colour = np.int64(info[COLOUR])
        size = np.int64(info[SIZE])
        number = games.counts[slot]
        if resign < np.inf and _resigns(games, slot, state, komi, resign):
            games.ended[slot] = BY_RESIGNATION
            continue
        heat = temperature if number < opening_moves else 0.0
        passed = info[PASSES] > 0 and info[LAST] == 0
        move = -1
        attempt = 0
        while weigh_moves(probabilities[row], games.classes[slot], passed, heat, weights):
            u = uniform(games.keys[slot], np.uint64((number << 10) + attempt))
            move = draw_move(weights, heat, u)
            if not _repeats(games, slot, to_point(size, move), colour):
                break
            games.classes[slot, move] = NEVER
            attempt += 1
            move = -1
        if move < 0:
            move = points
            play_pass(state, colour)
        else:
            play(state, to_point(size, move), colour)
        games.events[slot, number] = pack(PLAY, colour, move)
        games.counts[slot] = number + 1
        games.seen[slot, number + 1] = state.zobrist[0]
        if info[PASSES] >= 2:
            games.ended[slot] = BY_PASSES
        elif number + 1 == limit:
            games.ended[slot] = BY_LIMIT


def scratch_of(threads: int) -> list[Scratch]:
    """Working memory for `write_batch`, one for each thread."""
    return [new_scratch() for _ in range(threads)]


def score(games: Games, slot: int, komi: float) -> float:
    """Area score of the game in a slot as the board stands: black minus white minus komi."""
    black, white = area(state_at(games.states, slot))
    return float(black - white - komi)
