"""Finished games played through again, for one player's turns: what it saw, what it could choose, what it chose.

A game is kept as its moves, 16 bits each; its planes, some thousand times as much, are made when the gradient wants
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.record import colour_of, point_of
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import BLACK, COLOUR, LAST, PASSES, WHITE, new_state
from casecnn.go.board.symmetry import targets
from casecnn.go.planes.fast import new_scratch, write_planes
from casecnn.go.planes.table import PLANES
from casecnn.go.play.ending import classify_moves
from casecnn.go.play.game import PlayedGame


class Turns(NamedTuple):
    """The turns at which a player had a choice, game after game; a pass is no choice (see `casecnn.go.play.ending`).

    `planes` uint8 [n, 48, size, size]; `classes` uint8 [n, size * size]: NEVER, OPEN, OWN or OTHER for each point;
    `passed` bool [n]: whether the opponent had just passed; `moves` int64 [n]; `games` int64 [n]: which of the games.
    """

    planes: np.ndarray
    classes: np.ndarray
    passed: np.ndarray
    moves: np.ndarray
    games: np.ndarray


@njit(cache=True, nogil=True)
def _replay(events, begins, colours, target, size, turns):
    """Fill `turns`; return -1, or the index of a game with a move that cannot be played."""
    planes, classes, passed, moves, games = turns
    scratch = new_scratch()
    row = 0
    for game in range(colours.shape[0]):
        state = new_state(size)
        for i in range(begins[game], begins[game + 1]):
            event = events[i]
            move = point_of(event)
            if colour_of(event) == colours[game] and move < size * size:
                info = state.info
                info[COLOUR] = colours[game]
                write_planes(state, scratch, target, planes[row])
                classify_moves(state, planes[row], classes[row])
                passed[row] = info[PASSES] > 0 and info[LAST] == 0
                moves[row] = move
                games[row] = game
                row += 1
            if not apply_event(state, event):
                return game
    return -1


def turns_of(games: Sequence[PlayedGame]) -> Turns:
    """The turns of the first player, who has white in the games that are `swapped`, in games from an empty board."""
    size = games[0].size
    points = size * size
    colours = np.array([WHITE if game.swapped else BLACK for game in games], np.uint8)
    begins = np.cumsum([0, *(len(game.events) for game in games)])
    events = np.concatenate([game.events for game in games])
    own = (colour_of(events) == np.repeat(colours, np.diff(begins))) & (point_of(events) < points)
    count = int(np.count_nonzero(own))
    turns = Turns(
        np.empty((count, PLANES, points), np.uint8),
        np.empty((count, points), np.uint8),
        np.empty(count, np.bool_),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
    )
    bad = _replay(events, begins, colours, targets(size)[0], size, tuple(turns))
    assert bad < 0, f"game {games[bad].number} holds an illegal move"
    return turns._replace(planes=turns.planes.reshape(count, PLANES, size, size))
