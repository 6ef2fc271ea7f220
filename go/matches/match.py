"""Matches between two GTP engines: games with alternating colours, a folder of SGF files, a table of the result."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Generator
from typing import Any

from casecnn.checks import whole
from casecnn.errors import CasecnnError, UsageError
from casecnn.go.matches.engines import Engines
from casecnn.go.matches.game import Terms
from casecnn.go.matches.openings import fingerprint, read_openings
from casecnn.go.matches.summary import summarise
from casecnn.go.play.game_folder import GameFolder
from casecnn.interruption import Interrupted

MAX_GAMES = 99_999
MAX_WORKERS = 256

Played = tuple[int, bytes, dict[str, Any]]
"""The number of a game, its SGF text, and the facts of it."""


def match(
    first: str,
    second: str,
    games: int,
    output: str | os.PathLike[str],
    terms: Terms | None = None,
    *,
    judge: str | None = None,
    openings: str | os.PathLike[str] | None = None,
    opening_moves: int | None = None,
    alternate: bool = True,
    workers: int = 1,
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Play games 1 to `games` between two engines, given as command lines, and return the summary.

    The games go into the folder `output` (see `casecnn.go.play.game_folder`). The first engine has black in odd ones,
    or in all where they do not `alternate`. Games that are there already are not played again. The engines run on from
    game to game; after a failure both are started anew. What they write to stderr goes to first.log and second.log in
    the folder. `judge` is the command line of an engine that scores the games instead (see
    `casecnn.go.matches.game`). `openings` is a file of games in which those of the match start (see
    `casecnn.go.matches.openings`), after the first `opening_moves` moves of each or all. `workers` games are played at
    once, each by engines of its own. `progress(facts)` is called after each game with what games.jsonl says of it.

    Raises `UsageError` for numbers that make no sense and a folder of another match, `InputError` for an engine that
    does not start or refuses the board, for openings that cannot be read, and `casecnn.interruption.Interrupted` on
    Ctrl-C, after writing the summary.
    """
    terms = terms or Terms()
    whole("games", games, 1, MAX_GAMES)
    whole("workers", workers, 1, MAX_WORKERS)
    if openings is not None and terms.handicap:
        raise UsageError(f"`handicap` (={terms.handicap}) must be left out where `openings` are given")
    if opening_moves is not None and openings is None:
        raise UsageError(f"`opening_moves` (={opening_moves}) needs `openings`")
    starts = [] if openings is None else read_openings(openings, terms.size, opening_moves)
    settings = {
        "command": "match",
        "black": first,
        "white": second,
        "judge": judge,
        "size": terms.size,
        "komi": float(terms.komi),
        "move_time_limit": float(terms.move_time_limit),
        "max_moves": terms.max_moves or 3 * terms.size * terms.size,
        "handicap": terms.handicap or None,
        "main_time": terms.main_time,
        "openings": fingerprint(starts) if starts else None,
        "alternate": None if alternate else False,
    }
    folder = GameFolder(output, settings)
    missing = [number for number in range(1, games + 1) if number not in folder.finished]
    with contextlib.ExitStack() as stack:
        pairs = [
            stack.enter_context(Engines((first, second), judge, folder.path, terms, starts, alternate))
            for _ in range(max(1, min(workers, len(missing))))
        ]
        played = _one_by_one(pairs[0], missing) if len(pairs) == 1 else _at_once(pairs, missing)
        try:
            for number, text, facts in played:
                folder.add(number, text, facts)
                if progress:
                    progress(folder.finished[number])
        except KeyboardInterrupt:
            folder.write_summary(summarise(folder, settings, games))
            raise Interrupted(
                f"stopped: {len(folder.finished)} of {games} games are in '{folder.path}'; the same command goes on"
            ) from None
        finally:
            played.close()
    summary = summarise(folder, settings, games)
    folder.write_summary(summary)
    return summary


def _one_by_one(engines: Engines, numbers: list[int]) -> Generator[Played]:
    for number in numbers:
        yield (number, *engines.play(number))


def _at_once(pairs: list[Engines], numbers: list[int]) -> Generator[Played]:
    """The games as they end, each pair of engines in a thread of its own; closing it ends all engines at once."""
    waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    for number in [*numbers, *[None for _ in pairs]]:
        waiting.put(number)
    results: queue.Queue[Played | CasecnnError | OSError] = queue.Queue()

    def work(engines: Engines) -> None:
        while not engines.stopped and (number := waiting.get()) is not None:
            try:
                found: Played | CasecnnError | OSError = (number, *engines.play(number))
            except (CasecnnError, OSError) as error:
                found = error
            if not engines.stopped:
                results.put(found)

    threads = [threading.Thread(target=work, args=(pair,), daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    try:
        for _ in numbers:
            found = results.get()
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        for pair in pairs:
            pair.stop()
        for thread in threads:
            thread.join()
