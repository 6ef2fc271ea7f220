"""Matches between two GTP engines: games with alternating colours, a folder of SGF files, a table of the result."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable
from typing import IO, Any

from casecnn.errors import InputError, UsageError
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.gtp.client import Engine, EngineFailure, EngineRefused
from casecnn.go.gtp.match_game import CRASH, FAILURES, SETUP_LIMIT, MatchGame, Terms, play_game, set_up
from casecnn.go.play.game_folder import GameFolder
from casecnn.go.sgf.game import read_game
from casecnn.go.sgf.writer import record_sgf
from casecnn.interruption import Interrupted
from casecnn.statistics import wilson_interval

MAX_GAMES = 99_999
SIDES = ("first", "second")


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
    """Play games 1 to `games` between two engines into the folder `output` and return the summary.

    The engines are given as command lines; the first has black in the odd games. `casecnn.go.play.game_folder` says
    what the folder holds. Games that are there already are not played again. The engines run on from game to game;
    after a failure both are started anew. What they write to stderr goes to first.log and second.log in the folder.
    `judge` is the command line of an engine that scores the games instead (see `casecnn.go.gtp.match_game`).
    `progress(facts)` is called after each game with what games.jsonl says of it.

    Raises `UsageError` for numbers that make no sense and a folder of another match, `InputError` for an engine that
    does not start or refuses the board, and `casecnn.interruption.Interrupted` on Ctrl-C, after writing the summary.
    """
    terms = terms or Terms()
    if not 1 <= games <= MAX_GAMES:
        raise UsageError(f"`games` (={games}) must be from 1 to {MAX_GAMES}")
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
        players = stack.enter_context(_Players((first, second), judge, folder, terms))
        try:
            for number in range(1, games + 1):
                if number not in folder.finished:
                    facts = players.play(number)
                    if progress:
                        progress(facts)
        except KeyboardInterrupt:
            folder.write_summary(_summary(folder, settings, games))
            raise Interrupted(
                f"stopped: {len(folder.finished)} of {games} games are in '{folder.path}'; the same command goes on"
            ) from None
    summary = _summary(folder, settings, games)
    folder.write_summary(summary)
    return summary


class _Players:
    """The engines of a match, started when they are needed."""

    def __init__(self, commands: tuple[str, str], judge: str | None, folder: GameFolder, terms: Terms) -> None:
        self.commands, self.judge_command, self.folder, self.terms = commands, judge, folder, terms
        self.engines: list[Engine] = []
        self.judge: Engine | None = None
        self.names = ("", "")

    def __enter__(self) -> _Players:
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
                    self.engines.append(Engine(command, log))
            if self.judge_command and self.judge is None:
                self.judge = Engine(self.judge_command)
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


def _name(engine: Engine) -> str:
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


def _summary(folder: GameFolder, settings: dict[str, Any], planned: int) -> dict[str, Any]:
    facts = [folder.finished[number] for number in sorted(folder.finished)]
    lengths = [fact["moves"] for fact in facts]
    return {
        "output": str(folder.path),
        "games": len(facts),
        "planned": planned,
        "size": settings["size"],
        "komi": settings["komi"],
        "scored_by": "the judge" if settings["judge"] else "area, without the stones that both engines call dead",
        "engines": [_engine(side, settings, facts) for side in SIDES],
        "draws": sum(not fact["winner"] for fact in facts),
        "ended": dict(Counter(fact["ended"] for fact in facts).most_common()),
        "disputed": sum(fact["disputed"] for fact in facts),
        "different_games": _different(folder),
        "moves": {
            "mean": sum(lengths) / max(1, len(facts)),
            "shortest": min(lengths, default=0),
            "longest": max(lengths, default=0),
        },
    }


def _engine(side: str, settings: dict[str, Any], facts: list[dict[str, Any]]) -> dict[str, Any]:
    """What became of one engine: wins by colour, the share with a draw as half a win, failures, speed."""
    black = [fact for fact in facts if (fact["first"] == "black") == (side == "first")]
    white = [fact for fact in facts if (fact["first"] == "white") == (side == "first")]
    wins = sum(fact["winner"] == side for fact in facts)
    points = wins + sum(not fact["winner"] for fact in facts) / 2
    failures = Counter(fact["ended"] for fact in facts if fact["ended"] in FAILURES and fact["winner"] != side)
    moves = sum(fact["genmoves"][side] for fact in facts)
    seconds = sum(fact["seconds"][side] for fact in facts)
    return {
        "name": (black[0]["black"] if black else white[0]["white"] if white else ""),
        "command": settings["black" if side == "first" else "white"],
        "wins": wins,
        "wins_as_black": sum(fact["winner"] == side for fact in black),
        "wins_as_white": sum(fact["winner"] == side for fact in white),
        "games_as_black": len(black),
        "games_as_white": len(white),
        "win_rate": points / len(facts) if facts else None,
        "interval": [round(bound, 4) for bound in wilson_interval(points, len(facts))],
        "failures": {kind: failures[kind] for kind in FAILURES},
        "moves_per_second": round(moves / seconds, 3) if seconds else None,
        "slowest_move": max((fact["slowest"][side] for fact in facts), default=0.0),
    }


def _different(folder: GameFolder) -> int:
    """How many games differ in their moves: engines without chance play the same game again and again."""
    found = (read_game(folder.sgf_path(number)) for number in folder.finished)
    return len({record.events.tobytes() for record in found})


def table(summary: dict[str, Any]) -> str:
    """The summary as lines of text."""
    rows = [("engine", "wins", "win rate", "95 % interval", "as black", "as white", "moves/s", "slowest", "failures")]
    for engine in summary["engines"]:
        low, high = engine["interval"]
        rate, speed = engine["win_rate"], engine["moves_per_second"]
        failures = ", ".join(f"{kind} {count}" for kind, count in engine["failures"].items() if count)
        rows.append(
            (
                engine["name"],
                str(engine["wins"]),
                "-" if rate is None else f"{100 * rate:.1f} %",
                f"{100 * low:.1f} to {100 * high:.1f} %",
                f"{engine['wins_as_black']} of {engine['games_as_black']}",
                f"{engine['wins_as_white']} of {engine['games_as_white']}",
                "-" if speed is None else f"{speed:.1f}",
                f"{engine['slowest_move']:.2f} s",
                failures or "none",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    ended = ", ".join(f"{what} {count}" for what, count in summary["ended"].items())
    moves = summary["moves"]
    lines += [
        "",
        f"{summary['games']} games ({summary['different_games']} different) on {summary['size']}x{summary['size']},"
        f" komi {summary['komi']:g}, in {summary['output']}; draws {summary['draws']}",
        f"ended by: {ended or 'nothing'}; {moves['mean']:.0f} moves a game,"
        f" from {moves['shortest']} to {moves['longest']}",
        f"scored by {summary['scored_by']}; {summary['disputed']} disputed",
    ]
    return "\n".join(lines)
