"""Who owned each point at the end of recorded games: targets for the ownership head of a value net.

A record says by how many points a game was won, not where they were. The end is estimated by random games and reading
(`casecnn.go.search.dead_stones`), counted by territory as on the servers where such records come from and by area, and
kept only where one of the counts is the recorded one: the estimate proves itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.go.board.rulesets import ruleset
from casecnn.go.board.state import BLACK, EMPTY
from casecnn.go.data.archive import Archive
from casecnn.go.position import Position
from casecnn.go.search.dead_stones import estimate_ending
from casecnn.go.search.scoring import score

RANDOM_GAMES = 128
_GROUP = 32


def owner_of(archive: Archive, game: int, seed: int = 0) -> np.ndarray | None:
    """int8 [size * size] of a game's end: 1 Black's, -1 White's, 0 nobody's; None where the count is not the record's.

    Raises `InputError` for a game that is not legal.
    """
    record = archive.game(game)
    position = Position.from_record(record)
    ending = estimate_ending(position, RANDOM_GAMES, seed)
    rules = [found for name in ("Japanese", "Chinese") if (found := ruleset(name))]
    if all(abs(score(position, ending, by, record.handicap) - archive.score[game]) > 0.1 for by in rules):
        return None
    return np.where(ending.owner == EMPTY, 0, np.where(ending.owner == BLACK, 1, -1)).astype(np.int8)


def with_ownership(
    archive: Archive,
    *,
    most: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Archive:
    """The same games with `owned` and `owner` for those that a count ended and whose estimate gives the recorded score.

    `most` bounds the number of counted games that are tried, from the first. `progress(done, total)` is called in
    games. About 30 to 70 ms a game and core. Raises `UsageError` for numbers that make no sense.
    """
    whole("workers", workers, 1)
    counted = np.flatnonzero(np.isfinite(archive.score))[:most]
    owned: list[int] = []
    owners: list[np.ndarray] = []
    for done, (game, owner) in enumerate(_owners(archive, counted, workers), 1):
        if owner is not None:
            owned.append(game)
            owners.append(owner)
        if progress:
            progress(done, len(counted))
    points = np.concatenate(owners) if owners else np.zeros(0, np.int8)
    return replace(archive, owned=np.array(owned, np.int32), owner=points)


def _owners(archive: Archive, games: np.ndarray, workers: int) -> Iterator[tuple[int, np.ndarray | None]]:
    if workers == 1:
        yield from ((int(game), owner_of(archive, int(game))) for game in games)
        return
    groups = [archive_of(archive, games[first : first + _GROUP]) for first in range(0, len(games), _GROUP)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        found = (owner for group in pool.map(_owners_of, groups) for owner in group)
        try:
            yield from zip(games.tolist(), found, strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def archive_of(archive: Archive, games: np.ndarray) -> Archive:
    """A small archive of some games, without ownership. Raises `InputError` for none."""
    if not len(games):
        raise InputError("there must be at least one game")
    parts = [archive.events[archive.offsets[game] : archive.offsets[game + 1]] for game in games]
    offsets = np.append(0, np.cumsum([len(part) for part in parts]))
    nothing = np.zeros(0, np.int32), np.zeros(0, np.int8)
    kept = (np.concatenate(parts), offsets, archive.sizes[games], archive.komi[games], archive.winner[games])
    return Archive(*kept, archive.score[games], *nothing, {}, archive.source)


def _owners_of(archive: Archive) -> list[np.ndarray | None]:
    return [owner_of(archive, game) for game in range(len(archive))]
