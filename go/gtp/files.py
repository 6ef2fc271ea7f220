"""Games from and into files: loadsgf and printsgf."""

from __future__ import annotations

import os

import numpy as np

from casecnn.errors import CasecnnError, InputError
from casecnn.files import atomic_write
from casecnn.go.board.record import is_play
from casecnn.go.board.rulesets import DEFAULT, ruleset
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import WORD, GtpError, Parameter
from casecnn.go.position import Position
from casecnn.go.sgf.game import check_whole, read_game
from casecnn.go.sgf.writer import record_sgf


class Files:
    """The commands of this module for an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """The table of commands."""
        return {
            "loadsgf": Handler(self.loadsgf, (Parameter("file", WORD.read, many=True),)),
            "printsgf": Handler(self.printsgf, (Parameter("file", WORD.read, optional=True, many=True),)),
        }

    def loadsgf(self, words: list[str]) -> str:
        """Load a game up to the position before a move number, the first being 1; without a number all of it.

        Komi and, where they are known, the rules are taken over. A name with spaces is put together again.
        """
        number = None
        if len(words) > 1 and words[-1].isascii() and words[-1].isdigit():
            number = int(words.pop()[:9])
        name = " ".join(words)
        if name == "-":
            raise GtpError("cannot load file: the standard input is taken by the controller")
        if os.path.isdir(name):
            raise GtpError(f"cannot load file: '{name}' is a folder")
        engine = self.engine
        try:
            record = read_game(name)
            if number is None or number - 1 > len(record):
                check_whole(record)
            moves = len(record) if number is None else min(max(number - 1, 0), len(record))
            position = Position.from_record(record, moves)
            try:
                engine.take_net(record.size)
            except CasecnnError as error:
                raise InputError(f"a game on {record.size}x{record.size}, {error}") from error
        except CasecnnError as error:
            raise GtpError(f"cannot load file: {error}") from error
        played = np.flatnonzero(is_play(record.events))
        events = record.events[: played[moves] if moves < len(played) else None].tolist()
        engine.komi = record.komi
        engine.begin(position, events, record.handicap)
        found = ruleset(record.rules) or DEFAULT
        engine.take_rules(engine.rules if found is DEFAULT else found)
        return ""

    def printsgf(self, words: list[str] | None = None) -> str:
        """The game so far as SGF, or written to a file."""
        text = record_sgf(self.engine.record())
        if not words:
            return text.decode("utf-8")
        try:
            with atomic_write(" ".join(words)) as stream:
                stream.write(text)
        except (CasecnnError, OSError) as error:
            raise GtpError(f"cannot save file: {error}") from error
        return ""
