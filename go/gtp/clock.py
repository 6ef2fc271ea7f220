"""The engine's clock: how long a move may take by the settings, by what the controller tells, and by its own count.

Sources: GTP version 2 draft 2 (`time_settings`, `time_left`), kgsGtp (`kgs-time_settings`), KataGo's GTP extensions
(`kata-time_settings`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.protocol import COLOUR, NUMBER, WHOLE, WORD, WORDS, GtpError

SHARE = 0.7  # of what there is for a move: the controller's clock goes on while the move is on its way
KINDS = {"none": 0, "absolute": 1, "byoyomi": 3, "canadian": 3, "fischer": 2, "fischer-capped": 4}
"""Kinds of time settings, each with the number of values that follow."""


class Clock:
    """The time of both players. `main` seconds for the game, then `extra` seconds for each move."""

    def __init__(self) -> None:
        self.main, self.extra = math.inf, 0.0
        self.most = math.inf  # for one move
        self.told: dict[int, tuple[float, int]] = {}  # by colour: seconds left, and for how many moves (0: all)
        self.used = {BLACK: 0.0, WHITE: 0.0}
        self.periods = False  # whether `told` counts periods of a time for one move each

    def start(self) -> None:
        """Start a new game with the same settings."""
        self.told = {}
        self.used = {BLACK: 0.0, WHITE: 0.0}

    def set(self, main: float, extra: float = 0.0, most: float = math.inf, periods: bool = False) -> None:
        """Take over settings, for a new game."""
        self.main, self.extra, self.most, self.periods = main, extra, most, periods
        self.start()

    @contextmanager
    def running(self, colour: int) -> Iterator[None]:
        """Count the time of a move."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.used[colour] += time.monotonic() - begin

    def seconds_for_move(self, colour: int, own_moves_left: int) -> float:
        """How long a move may take; infinite where no limit is known."""
        if colour in self.told:  # by the controller, whose clock counts
            left, moves = self.told[colour]
            if self.periods and moves:
                moves = 1
            limit = left / (moves or own_moves_left)
            if not moves:
                limit += self.extra
        else:
            limit = max(0.0, self.main - self.used[colour]) / own_moves_left + self.extra
        return SHARE * min(limit, self.most)

    def handlers(self) -> dict[str, Handler]:
        """The commands about time."""
        return {
            "time_settings": Handler(self.time_settings, (WHOLE, WHOLE, WHOLE)),
            "time_left": Handler(self.time_left, (COLOUR, WHOLE, WHOLE)),
            "kgs-time_settings": Handler(self.kgs_time_settings, (WORD, WORDS)),
            "kata-time_settings": Handler(self.kata_time_settings, (WORD, WORDS)),
            "kata-list_time_settings": Handler(lambda: " ".join(KINDS)),
        }

    def time_settings(self, main: int, byo_yomi: int, stones: int) -> str:
        """Main time, then `byo_yomi` seconds for `stones` moves; no limit where there are seconds for no stones."""
        if byo_yomi and not stones:
            self.set(math.inf)
        else:
            self.set(main, byo_yomi / stones if stones else 0.0)
        return ""

    def time_left(self, colour: int, seconds: int, stones: int) -> str:
        """Note how many seconds are left to a colour, for `stones` moves, or for all if that is 0."""
        self.told[colour] = (seconds, stones)
        return ""

    def kgs_time_settings(self, kind: str, words: list[str]) -> str:
        """Kinds none, absolute MAIN, byoyomi MAIN PERIOD PERIODS, canadian MAIN PERIOD STONES."""
        whole = all(word.isascii() and word.isdigit() for word in words)
        if kind not in KINDS or kind.startswith("fischer") or len(words) != KINDS[kind] or not whole:
            raise GtpError("syntax error: kgs-time_settings takes none, or absolute, byoyomi or canadian and numbers")
        return self.kata_time_settings(kind, words)

    def kata_time_settings(self, kind: str, words: list[str]) -> str:
        """As kgs_time_settings, and fischer MAIN INCREMENT, fischer-capped MAIN INCREMENT MOST-MAIN MOST-FOR-A-MOVE."""
        try:
            values = [NUMBER.read(word, 0) for word in words]
        except ValueError:
            values = [-1.0]
        if kind not in KINDS or len(values) != KINDS[kind] or min(values, default=0) < 0:
            names = ", ".join(KINDS)
            raise GtpError(f"syntax error: the kinds of time settings are {names}, each with its numbers")
        if kind == "none":
            self.set(math.inf)
        elif kind == "absolute":
            self.set(values[0])
        elif kind == "byoyomi":
            self.set(values[0], values[1], periods=True)
        elif kind == "canadian":
            self.set(values[0], values[1] / values[2] if values[2] else 0.0)
        elif kind == "fischer":
            self.set(values[0], values[1])
        else:
            self.set(values[0], values[1], values[3])
        return ""
