"""The engines of a match, started when they are needed, and the games that they play one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from casecnn.errors import InputError
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.matches.client import EngineFailure, EngineRefused, GtpClient
from casecnn.go.matches.game import CRASH, FAILURES, REFUSED, SETUP_LIMIT, MatchGame, Terms, play_game, set_up
from casecnn.go.matches.openings import Opening
from casecnn.go.matches.summary import SIDES
from casecnn.go.sgf.writer import record_sgf


class Engines:
    """Two engines and perhaps a judge; what they write to stderr goes to a folder.

    `stop` may be called from another thread: the game in progress is then lost to both.
    """

    def __init__(
        self,
        commands: tuple[str, str],
        judge: str | None,
        folder: Path,
        terms: Terms,
        openings: Sequence[Opening] = (),
        alternate: bool = True,
    ) -> None:
        self.commands, self.judge_command, self.folder, self.terms = commands, judge, folder, terms
        self.openings, self.alternate = openings, alternate
        self.engines: list[GtpClient] = []
        self.judge: GtpClient | None = None
        self.names = ("", "")
        self.stopped = self.started = False

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def stop(self) -> None:
        """End the engines at once."""
        self.stopped = True
        for engine in [*self.engines, *filter(None, [self.judge])]:
            engine.kill()

    def play(self, number: int) -> tuple[bytes, dict[str, Any]]:
        """Play a game; its SGF text, and the facts of it."""
        first = BLACK if number % 2 or not self.alternate else WHITE
        game = MatchGame(self.terms.start())
        if self.openings:
            opening = self.openings[(number - 1) // 2 % len(self.openings)]
            game = MatchGame(opening.events, opening.source)
        if self._start(game, first):
            black, white = self.engines if first == BLACK else self.engines[::-1]
            game = play_game(black, white, self.terms, self.judge, game)
        names = {first: self.names[0], 3 - first: self.names[1]}
        facts = {
            "black": names[BLACK],
            "white": names[WHITE],
            "first": "black" if first == BLACK else "white",
            "result": game.result,
            "winner": SIDES[game.winner != first] if game.winner else "",
            "score": game.score,
            "moves": len(game.events),
            **({"opening": game.opening} if game.opening else {}),
            "ended": game.ended,
            "reason": game.reason,
            "disputed": game.disputed,
            **{
                key: {"first": found[first], "second": found[3 - first]}
                for key, found in (
                    ("seconds", {colour: round(seconds, 6) for colour, seconds in game.seconds.items()}),
                    ("genmoves", game.moves),
                    ("slowest", {colour: round(seconds, 6) for colour, seconds in game.slowest.items()}),
                )
            },
        }
        comment = f"Match game {number}; ended by {game.ended}" + (f": {game.reason}" if game.reason else "") + "."
        if game.disputed:
            comment += " The engines disagree about the dead stones; those that both call dead are taken off."
        text = record_sgf(game.record(self.terms, names[BLACK], names[WHITE]), name=f"Game {number}", comment=comment)
        if game.ended in FAILURES:
            self._close()
        return text, facts

    def _start(self, game: MatchGame, first: int) -> bool:
        """Get both engines ready for a game. An engine that once ran and now fails has lost it: False."""
        fresh = not self.engines
        if fresh:
            for command, side in zip(self.commands, SIDES, strict=True):
                with self._log(side) as log:
                    self.engines.append(GtpClient(command, log))
            if self.judge_command and self.judge is None:
                self.judge = GtpClient(self.judge_command)
        self._name_engines()
        for engine, colour in zip(self.engines, (first, 3 - first), strict=True):
            try:
                set_up(engine, self.terms, game.start)
            except EngineFailure as error:
                refused = isinstance(error, EngineRefused)
                if not self.started and not refused:
                    raise InputError(f"the engine '{engine.line}' does not start: {error}") from error
                kind = REFUSED if refused else CRASH
                game.ended, game.winner, game.reason = kind, 3 - colour, f"before the game: {error}"
                return False
        self.started = True
        return not self.stopped

    def _name_engines(self) -> None:
        if self.names == ("", ""):
            first_name, second_name = (_name(engine) for engine in self.engines)
            if first_name == second_name:
                first_name, second_name = f"{first_name} (1)", f"{second_name} (2)"
            self.names = (first_name, second_name)

    def _log(self, side: str) -> IO[bytes]:
        return open(self.folder / f"{side}.log", "ab")

    def _close(self) -> None:
        for engine in self.engines:
            engine.close()
        self.engines = []
        if self.judge is not None:
            self.judge.close()
            self.judge = None


def _name(engine: GtpClient) -> str:
    """What an engine calls itself, on one line: "GNU Go 3.8"."""
    words = []
    for command in ("name", "version"):
        try:
            words.append(" ".join(engine.ask(command, SETUP_LIMIT).split()))
        except EngineRefused:
            continue
        except EngineFailure as error:
            raise InputError(f"the engine '{engine.line}' does not start: {error}") from error
    return " ".join(filter(None, words))[:80] or engine.line.split()[0]
