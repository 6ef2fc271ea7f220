"""Openings from a file of games: where the games of a match start, so that engines without chance play different ones.

Game 1 and 2 start from the first opening, with colours changed, game 3 and 4 from the second, and so on; after the last
one the first comes again.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.go.board.record import PLAY, SETUP, GameRecord, is_play, unpack
from casecnn.go.board.state import EMPTY
from casecnn.go.position import IllegalMove, Position
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import read_games


@dataclass(frozen=True)
class Opening:
    """The events with which a game starts, and the game that they are from."""

    source: str
    events: tuple[int, ...]


def read_openings(path: str | os.PathLike[str], size: int, moves: int | None = None) -> list[Opening]:
    """The openings of all games in a file, folder or archive: all that is in them, or their first `moves` moves.

    Raises `InputError` for a game that cannot be read whole, has another board, or starts where engines cannot be led:
    with stones that are taken off, or after two passes. `UsageError` for `moves` below 1.
    """
    if moves is not None:
        whole("opening_moves", moves, 1)
    found = []
    for record in read_games(path):
        if isinstance(record, Failure):
            raise record.error()
        found.append(_opening(record, size, moves))
    if not found:
        raise InputError(f"{os.fspath(path)} holds no game to start from")
    return found


def fingerprint(openings: list[Opening]) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over the openings in their order."""
    digest = hashlib.sha256()
    for opening in openings:
        digest.update(np.array([len(opening.events), *opening.events], "<u4").tobytes())
    return digest.hexdigest()[:16]


def _opening(record: GameRecord, size: int, moves: int | None) -> Opening:
    if record.size != size:
        raise InputError(f"{record.source}: the board (={record.size}x{record.size}) must be {size}x{size}, as `size`")
    played = np.flatnonzero(is_play(record.events))
    if record.cut and (moves is None or moves > len(played)):
        raise InputError(f"{record.source}: {record.cut}")
    stop = len(record.events) if moves is None or moves >= len(played) else int(played[moves])
    events = tuple(int(event) for event in record.events[:stop])
    as_set_up, as_played = Position(size), Position(size)
    try:
        as_set_up.apply(events)
        for event in map(unpack, events):
            if event.kind == PLAY or (event.kind == SETUP and event.colour != EMPTY):
                as_played.play(event.point, event.colour)
    except IllegalMove as error:
        raise InputError(f"{record.source}: {error}") from error
    if not np.array_equal(as_set_up.board, as_played.board):
        raise InputError(f"{record.source}: its set-up stones cannot be played one after the other, as engines need it")
    if as_set_up.passes >= 2:
        raise InputError(f"{record.source}: the game is over, both have passed; `opening_moves` takes fewer moves")
    return Opening(record.source, events)
