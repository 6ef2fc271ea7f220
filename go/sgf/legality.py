"""Replays a record on the compiled rules and says which move is the first that may not be played."""

from __future__ import annotations

import numpy as np

from casecnn.go.board import coordinates, rules
from casecnn.go.board.record import GameRecord, is_play, unpack
from casecnn.go.sgf.header import NotRead


def check_legal(record: GameRecord) -> None:
    """Raises `NotRead` for a record with an illegal move (occupied point, suicide, simple ko); else returns None."""
    if len(record.events) == 0:
        return
    index = int(rules.check_events(record.size, np.ascontiguousarray(record.events)))
    if index < 0:
        return
    number = int(is_play(record.events[: index + 1]).sum())
    event = unpack(record.events[index])
    vertex = coordinates.to_vertex(event.point, record.size)
    player = "Black" if event.colour == 1 else "White"
    raise NotRead("illegal move", f"has an illegal move: move {number}, {player} at {vertex}")
