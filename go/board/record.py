"""A game as data: its events packed in 16 bits each, and what the header says.

An event is ``point | colour << 10 | kind << 12``. A point is ``row * size + column`` with row 0 at the top; a play on
``size * size`` is a pass. Colours are 0 (empty), 1 (black), 2 (white). Kinds:

====  ==========  ==================================================================================
kind  name        meaning
====  ==========  ==================================================================================
0     PLAY        the colour plays on the point (captures and ko follow the rules)
1     SETUP       the colour is put on the point, or the point is cleared (colour 0); no rules apply
2     TO_PLAY     the colour is to play next (the point is 0)
====  ==========  ==================================================================================

This module needs numpy only. It does not check whether the moves are legal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PLAY, SETUP, TO_PLAY = 0, 1, 2
POINT_MASK = 0x3FF
COLOUR_SHIFT, KIND_SHIFT = 10, 12
MIN_SIZE, MAX_SIZE = 2, 25
DEFAULT_KOMI = 7.5


class Event(NamedTuple):
    """One unpacked event."""

    kind: int
    colour: int
    point: int


def pack(kind: int, colour: int, point: int = 0) -> int:
    """The 16-bit form of an event; the caller answers for the ranges (kind 0-2, colour 0-2, point 0-1023)."""
    return point | colour << COLOUR_SHIFT | kind << KIND_SHIFT


def kind_of(event):
    """The kind of an event, or of each of an array of them; compiled code calls it too, like the next two."""
    return event >> KIND_SHIFT


def colour_of(event):
    """The colour of an event, or of each of an array of them."""
    return event >> COLOUR_SHIFT & 3


def point_of(event):
    """The point of an event, or of each of an array of them."""
    return event & POINT_MASK


def unpack(event: int) -> Event:
    """The event behind a 16-bit form; the inverse of `pack`."""
    event = int(event)
    return Event(kind_of(event), colour_of(event), point_of(event))


def is_play(events: np.ndarray) -> np.ndarray:
    """Which of the packed events are plays: uint16 [n] -> bool [n]. Passes are plays."""
    return kind_of(events) == PLAY


@dataclass(frozen=True, eq=False)
class GameRecord:
    """One line of play of one game: the events in order, and the facts of the header.

    ``handicap`` is the number that the header declares, not the number of stones on the board; ``winner`` is 0 where
    the result is unknown, void or a draw. ``source`` names the file (and the game in it) for messages. ``warnings``
    are whole lines about what was odd but could be read. ``cut`` says why a game ends before its file does: an illegal
    move, in one line.
    """

    size: int
    events: np.ndarray  # uint16 [n]
    komi: float = DEFAULT_KOMI
    handicap: int = 0
    result: str = ""
    winner: int = 0
    rules: str = ""
    black: str = ""
    white: str = ""
    source: str = ""
    warnings: tuple[str, ...] = ()
    cut: str = ""

    @property
    def moves(self) -> np.ndarray:
        """The moves played, passes (``size * size``) included: int64 [number of moves]."""
        return point_of(self.events[is_play(self.events)]).astype(np.int64)

    @property
    def colours(self) -> np.ndarray:
        """The colour of each move: uint8 [number of moves]."""
        return colour_of(self.events[is_play(self.events)]).astype(np.uint8)

    def __len__(self) -> int:
        """The number of moves, passes included."""
        return int(is_play(self.events).sum())
