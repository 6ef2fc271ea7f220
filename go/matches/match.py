"""Matches between two GTP engines: games with alternating colours, a folder of SGF files, a table of the result."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import IO, Any

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.matches.client import EngineFailure, EngineRefused, GtpClient
from casecnn.go.matches.game import CRASH, FAILURES, SETUP_LIMIT, MatchGame, Terms, play_game, set_up
from casecnn.go.matches.summary import SIDES, summarise
from casecnn.go.play.game_folder import GameFolder
from casecnn.go.sgf.writer import record_sgf
from casecnn.interruption import Interrupted

MAX_GAMES = 99_999


def match(
    first: str,
    second: str,
    games: int,
    output: str | os.PathLike[str],
    terms: Terms | None = None,
    *,
    judge: str | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Play games 1 to `games` between two engines, given as command lines, and return the summary.

    The games go into the folder `output` (see `casecnn.go.play.game_folder`). The first engine has black in odd ones.
    Games that are there already are not played again. The engines run on from game to game; after a failure both are
    started anew. What they write to stderr goes to first.log and second.log in the folder. `judge` is the command line
    of an engine that scores the games instead (see `casecnn.go.matches.game`). `progress(facts)` is called after each
    game with what games.jsonl says of it.

    Raises `UsageError` for numbers that make no sense and a folder of another match, `InputError` for an engine that
    does not start or refuses the board, and `casecnn.interruption.Interrupted` on Ctrl-C, after writing the summary.
    """
    terms = terms or Terms()
    whole("games", games, 1, MAX_GAMES)
    settings = {
        "command": "match",
        "black": first,
        "white": second,
        "judge": judge,
        "size": terms.size,
        "komi": float(terms.komi),
        "move_time_limit": float(terms.move_time_limit),
        "max_moves": terms.max_moves or 3 * terms.size * terms.size,
    }
    folder = GameFolder(output, settings)
    with contextlib.ExitStack() as stack:
        engines = stack.enter_context(_Engines((first, second), judge, folder, terms))
        try:
            for number in range(1, games + 1):
                if number not in folder.finished:
                    facts = engines.play(number)
                    if progress:
                        progress(facts)
        except KeyboardInterrupt:
            folder.write_summary(summarise(folder, settings, games))
            raise Interrupted(
                f"stopped: {len(folder.finished)} of {games} games are in '{folder.path}'; the same command goes on"
            ) from None
    summary = summarise(folder, settings, games)
    folder.write_summary(summary)
    return summary


class _Engines:
    """The engines of a match, started when they are needed."""

    def __init__(self, commands: tuple[str, str], judge: str | None, folder: GameFolder, terms: Terms) -> None:
        self.commands, self.judge_command, self.folder, self.terms = commands, judge, folder, terms
        self.engines: list[GtpClient] = []
        self.judge: GtpClient | None = None
        self.names = ("", "")

    def __enter__(self) -> _Engines:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def play(self, number: int) -> dict[str, Any]:
        """Play and write down a game."""
        game, first = MatchGame(), BLACK if number % 2 else WHITE
        if self._start(game, first):
            black, white = self.engines if first == BLACK else self.engines[::-1]
            game = play_game(black, white, self.terms, self.judge)
        names = {first: self.names[0], 3 - first: self.names[1]}
        facts = {
            "black": names[BLACK],
            "white": names[WHITE],
            "first": "black" if first == BLACK else "white",
            "result": game.result,
            "winner": SIDES[game.winner != first] if game.winner else "",
            "score": game.score,
            "moves": len(game.events),
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
        self.folder.add(number, text, facts)
        if game.ended in FAILURES:
            self._stop()
        return self.folder.finished[number]

    def _start(self, game: MatchGame, first: int) -> bool:
        """Get both engines ready for a game. An engine that once ran and now fails has lost it: False."""
        fresh = not self.engines
        again = bool(self.folder.finished) and fresh and self.names != ("", "")
        if fresh:
            for command, side in zip(self.commands, SIDES, strict=True):
                with self._log(side) as log:
                    self.engines.append(GtpClient(command, log))
            if self.judge_command and self.judge is None:
                self.judge = GtpClient(self.judge_command)
        for engine, colour in zip(self.engines, (first, 3 - first), strict=True):
            try:
                set_up(engine, self.terms)
            except EngineFailure as error:
                if fresh and not again:
                    raise InputError(f"the engine '{engine.line}' does not start: {error}") from error
                game.ended, game.winner, game.reason = CRASH, 3 - colour, f"before the game: {error}"
                return False
        if self.names == ("", ""):
            first_name, second_name = (_name(engine) for engine in self.engines)
            if first_name == second_name:
                first_name, second_name = f"{first_name} (1)", f"{second_name} (2)"
            self.names = (first_name, second_name)
        return True

    def _log(self, side: str) -> IO[bytes]:
        return open(self.folder.path / f"{side}.log", "ab")

    def _stop(self) -> None:
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
