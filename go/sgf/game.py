"""Games from files: each with the record of one line of play and the tree that it was taken from, in one reading.

The files that are accepted are in `casecnn.go.sgf.sources`, encodings in `casecnn.go.sgf.charset`, what a line of play
is in `casecnn.go.sgf.line`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sgfmill.sgf_grammar import Coarse_game_tree

from casecnn.errors import InputError, UsageError
from casecnn.go.board.record import GameRecord
from casecnn.go.sgf import charset, servers
from casecnn.go.sgf.collection import GameTree, game_trees
from casecnn.go.sgf.failure import Failure, NotRead
from casecnn.go.sgf.legality import legal_part
from casecnn.go.sgf.line import MAX_EVENTS, Nodes, line_of, parse_path, record_of
from casecnn.go.sgf.sources import Text, texts

__all__ = [
    "MAX_EVENTS", "Game", "Nodes", "games", "line_of", "open_game", "parse_path", "read_game", "read_games",
    "record_of",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Game:
    """A game of a file: the record along one line of play, and the whole tree that the file holds.

    ``path`` chose the line (see `casecnn.go.sgf.line.parse_path`); the values of the tree are text in ``encoding``:
    UTF-8 (which ASCII is), or Latin-1 for bytes whose encoding is not known. ``file`` is the path that was given. The
    tree is None where a reader of many games has let it go.
    """

    record: GameRecord
    tree: Coarse_game_tree | None
    path: tuple[int, ...] = ()
    encoding: str = "utf-8"
    file: str = ""


def games(
    path: str | os.PathLike[str] | bytes,
    *,
    path_spec: str | None = None,
    check: bool = True,
    encoding: str | None = None,
) -> Iterator[Game | Failure]:
    """All games of a file, folder or archive in order, with a `Failure` in the place of each that cannot be read.

    ``path`` is a file of games (also packed), a folder of such files (sorted, with its subfolders), "-" for standard
    input, or the bytes of a file. ``path_spec`` selects the line of play of every game (see `parse_path`); ``check``
    replays the moves by the rules that the game names, and ends the record before an illegal one (`GameRecord.cut`).
    ``encoding`` overrides what a file declares or looks like. Raises `InputError` only where ``path`` itself cannot be
    opened, `UsageError` for a malformed ``path_spec`` or an unknown ``encoding``. Not done: nothing is kept in memory
    but the text of one file.
    """
    line = parse_path(path_spec)
    codec = None if encoding is None else charset.text_codec(encoding) and encoding
    name = "<data>" if isinstance(path, bytes) else os.fspath(path)
    for text in texts(path):
        if isinstance(text, Failure):
            yield text
            continue
        for found in _trees(text, codec):
            yield found if isinstance(found, Failure) else _game(*found, line, check, name)


def open_game(
    path: str | os.PathLike[str] | bytes,
    *,
    game: int | None = None,
    path_spec: str | None = None,
    encoding: str | None = None,
) -> Game:
    """One game of a file, with every move checked; the other arguments are those of `games`.

    ``game`` counts from 0 over all games of the file, broken ones too. None is the first, with a warning where there
    are others. Raises `InputError`, one line, for a file or game that cannot be read, or a game or variation that is
    not there.
    """
    if game is not None and game < 0:
        raise UsageError(f"`game` (={game}) must be at least 0")
    count = 0
    found: Game | Failure | None = None
    for each in games(path, path_spec=path_spec, encoding=encoding):
        if count == (game or 0):
            found = each
            if game is not None:
                break
        elif found is not None:
            count += 1
            break
        count += 1
    if found is None:
        name = "the data" if isinstance(path, bytes) else os.fspath(path)
        raise InputError(f"`game` (={game}) must be below {count}, the number of games in {name}")
    if isinstance(found, Failure):
        raise found.error()
    return _with_others(found) if game is None and count > 1 else found


def read_games(
    path: str | os.PathLike[str] | bytes,
    *,
    path_spec: str | None = None,
    check: bool = True,
    encoding: str | None = None,
) -> Iterator[GameRecord | Failure]:
    """The records alone of all games of a file, folder or archive; see `games`."""
    for found in games(path, path_spec=path_spec, check=check, encoding=encoding):
        yield found if isinstance(found, Failure) else found.record


def read_game(
    path: str | os.PathLike[str] | bytes,
    *,
    game: int | None = None,
    path_spec: str | None = None,
    encoding: str | None = None,
) -> GameRecord:
    """The record of one game of a file; see `open_game`.

    >>> record = read_game(b"(;SZ[9]KM[6.5];B[ee];W[cc];B[ee])")
    >>> len(record), record.komi
    (2, 6.5)
    >>> record.warnings
    ('illegal move 3, Black at E5: the point is not empty; the game is read up to move 2',)
    """
    return open_game(path, game=game, path_spec=path_spec, encoding=encoding).record


def check_whole(record: GameRecord) -> None:
    """Raises `InputError` for a record that ends before its file does."""
    if record.cut:
        raise InputError(f"{record.source}: {record.cut}")


def _trees(text: Text, encoding: str | None) -> Iterator[tuple[GameTree, charset.Decoded] | Failure]:
    """The trees of a text, and how each was decoded."""
    decoded = charset.decode_games(text.data, encoding)
    kind = servers.is_server_format(decoded.text)
    found = [servers.server_game(kind, decoded.text, text.name)] if kind else game_trees(decoded.text, text.name)
    for tree in found:
        yield tree if isinstance(tree, Failure) else (tree, decoded.at(tree.start))


def _game(found: GameTree, decoded: charset.Decoded, line: tuple[int, ...], check: bool, file: str) -> Game | Failure:
    """The game of a tree, or why it is none."""
    warnings = (*decoded.warnings, *found.warnings)
    try:
        record = record_of(line_of(found.tree, line), found.name, decoded.encoding, warnings)
        if check:
            record = legal_part(record)
    except NotRead as problem:
        return Failure(found.name, problem.reason, str(problem))
    encoding = "latin-1" if decoded.encoding == "latin-1" else "utf-8"
    return Game(record, found.tree, line, encoding, file)


def _with_others(game: Game) -> Game:
    """The game, with a warning that it is the first of several."""
    record = game.record
    warning = "the first of several games is taken; `--game 1` takes the next one, `casecnn go show` lists them"
    return replace(game, record=replace(record, warnings=(*record.warnings, warning)))
