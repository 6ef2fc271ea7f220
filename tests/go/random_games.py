"""Games of random legal moves, for tests that need games but none in particular."""

from __future__ import annotations

import numpy as np

from casecnn.go.board.record import PLAY, GameRecord, pack
from casecnn.go.data.archive import Archive, pack_records
from casecnn.go.position import Position


def random_game(rng: np.random.Generator, size: int, moves: int) -> GameRecord:
    """A game of `moves` random sensible moves; passes where there are none, and now and then."""
    position = Position(size)
    events = []
    for _ in range(moves):
        choices = np.flatnonzero(position.sensible_moves())
        move = int(rng.choice(choices)) if len(choices) and rng.random() > 0.02 else size * size
        events.append(pack(PLAY, position.to_play, move))
        position.play(move)
    return GameRecord(size, np.array(events, np.uint16), source="a random game")


def random_archive(seed: int = 0, games: int = 6, size: int = 9, moves: int = 40) -> Archive:
    """An archive of random games."""
    rng = np.random.default_rng(seed)
    return pack_records(random_game(rng, size, moves) for _ in range(games))
