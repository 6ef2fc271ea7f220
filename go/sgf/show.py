"""`casecnn go show` as a function: the games of a file, or one of them with its variations."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from casecnn.console import warn
from casecnn.errors import InputError, UsageError
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import Game, games
from casecnn.go.sgf.variations import SHOWN, Variation, game_as_dict, game_lines, variations


@dataclass(frozen=True)
class Shown:
    """What there is to show, for `json.dumps` and in lines for people."""

    facts: dict[str, Any]
    text: str


def show_file(file: str | os.PathLike[str], *, game: int | None = None, encoding: str | None = None) -> Shown:
    """The games of a file, folder or archive, a line each; of one game (the only one, or ``game``) its variations.

    Warns of what is odd. Raises InputError for a file without a game that can be read, UsageError for a ``game`` that
    is not there.
    """
    if game is not None and game < 0:
        raise UsageError(f"`game` (={game}) must be at least 0")
    found: list[Game | Failure] = []
    count = 0
    for each in games(file, encoding=encoding):
        if game is None or count == game:
            found.append(each if game is not None or not count else _slim(each))
        count += 1
        if game is not None and count > game:
            break
    if not found:
        if game is not None:
            raise UsageError(f"`game` (={game}) must be below {count}, the number of games in {os.fspath(file)}")
        raise InputError(f"{os.fspath(file)} holds no game")
    if len(found) == 1:
        return _one(found[0], game or 0)
    return _list(found)


def _slim(each: Game | Failure) -> Game | Failure:
    """A game without its tree, which a list does not need."""
    return each if isinstance(each, Failure) else Game(each.record, None)


def _one(found: Game | Failure, number: int) -> Shown:
    if isinstance(found, Failure):
        raise found.error()
    for warning in found.record.warnings:
        warn(f"{found.record.source}: {warning}")
    lines = list(variations(found.tree, found.record.size)) if found.tree is not None else []
    facts = {**game_as_dict(found, number), "variations": [line.as_dict() for line in lines]}
    return Shown(facts, "\n".join([*game_lines(found), "", _table(lines)]))


def _list(found: list[Game | Failure]) -> Shown:
    rows, lines = [], []
    width = len(str(len(found) - 1))
    for number, each in enumerate(found):
        if isinstance(each, Failure):
            rows.append({"game": number, "source": each.source, "error": str(each)})
            lines.append(f"{number:>{width}}  cannot be read: {each}")
            continue
        rows.append(game_as_dict(each, number))
        record = each.record
        players = f"{record.black or 'Black'} - {record.white or 'White'}"
        parts = [f"{record.size}x{record.size}", f"{len(record)} moves", players, record.result, record.cut]
        lines.append(f"{number:>{width}}  " + ", ".join(filter(None, parts)))
    return Shown({"games": rows}, "\n".join([f"{len(found):,} games; `--game N` shows one", *lines]))


def _table(lines: list[Variation]) -> str:
    """A row for each line: the path, where it leaves the lines before it, how long it is, and its first moves."""
    width = min(24, max([4, *(len(line.path) for line in lines)]))
    rows = [f"{'path':<{width}}  from move  moves"]
    for line in lines:
        first = " ".join(line.moves[:SHOWN]) + (" ..." if len(line.moves) > SHOWN else "")
        rows.append(f"{line.path or '0':<{width}}  {line.first:>9}  {line.length:>5}  {first}")
    return "\n".join(rows)
