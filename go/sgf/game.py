"""SGF games to game records: one line of play with set-up stones, handicap and who is to play.

Source: SGF FF[4] (GM[1]). The files that are accepted are in `casecnn.go.sgf.sources`, encodings in
`casecnn.go.sgf.charset`, what the header means in `casecnn.go.sgf.header`. Comments, marks, times and other annotations
are not kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from sgfmill import sgf_grammar

from casecnn.errors import InputError, UsageError
from casecnn.go.board import coordinates
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, GameRecord, pack, unpack
from casecnn.go.sgf import charset
from casecnn.go.sgf.collection import game_trees
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.header import Header, NotRead, read_header
from casecnn.go.sgf.legality import check_legal
from casecnn.go.sgf.sources import texts

MAX_EVENTS = 100_000
_COLOURS = {"B": 1, "W": 2}
_SETUP = {"AE": 0, "AB": 1, "AW": 2}
_SET_UP_NAMES = {"AE", "AB", "AW", "PL"}
_PLAYERS = {b"B": 1, b"W": 2, b"1": 1, b"2": 2, b"BLACK": 1, b"WHITE": 2}

Nodes = list[dict[str, list[bytes]]]


def read_games(
    path: str | os.PathLike[str] | bytes, *, path_spec: str | None = None, check: bool = True
) -> Iterator[GameRecord | Failure]:
    """All games of a file, folder or archive in order, with a `Failure` in the place of each that cannot be read.

    ``path`` is a ``.sgf``, ``.sgf.gz`` or ``.zip`` file, a folder of such files (sorted, with its subfolders), "-" for
    standard input, or the bytes of a file. ``path_spec`` selects the line of play of every game (see `parse_path`);
    ``check`` replays the moves and turns a game with an illegal one into a `Failure`. Raises `InputError` only where
    ``path`` itself cannot be opened. Not done: nothing is kept in memory but the text of one file.
    """
    line = parse_path(path_spec)
    for text in texts(path):
        if isinstance(text, Failure):
            yield text
        else:
            yield from _games_of(text.data, text.name, line, check)


def read_game(path: str | os.PathLike[str] | bytes, *, game: int = 0, path_spec: str | None = None) -> GameRecord:
    """One game of a file, with every move checked; the arguments are those of `read_games`.

    ``game`` counts from 0 over all games of the file, broken ones too. Raises `InputError`, one line, for a file or
    game that cannot be read, an illegal move or a game or variation that is not there.
    """
    if game < 0:
        raise UsageError(f"`game` (={game}) must be at least 0")
    count = 0
    for found in read_games(path, path_spec=path_spec):
        if count == game:
            if isinstance(found, Failure):
                raise found.error()
            return found
        count += 1
    name = "the data" if isinstance(path, bytes) else os.fspath(path)
    raise InputError(f"`game` (={game}) must be below {count}, the number of games in {name}")


def parse_path(text: str | None) -> tuple[int, ...]:
    """The line of play that a text like ``0.2.1`` selects: the number of the variation at each branching in turn.

    A branching is a place with two or more variations, which are counted from 0 as they stand in the file. Where the
    text ends the first variation is taken, so ``""``, ``0`` and None are the main line, and ``1`` takes the second
    variation at the first branching and the first ones from there on. Raises `UsageError` for any other text.
    """
    if not text:
        return ()
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts) or len(parts) > MAX_EVENTS:
        raise UsageError(f"`path` (={text[:40]!r}) must be variation numbers counted from 0, with dots: 0.2.1")
    return tuple(int(part) for part in parts)


def line_of(tree: sgf_grammar.Coarse_game_tree, path: tuple[int, ...] = ()) -> Nodes:
    """The nodes of the line of a game tree that ``path`` selects; raises `NotRead` where there is no such line."""
    nodes: Nodes = list(tree.sequence)
    branching = 0
    while tree.children:
        choice = 0
        if len(tree.children) > 1:
            choice = path[branching] if branching < len(path) else 0
            branching += 1
            if choice >= len(tree.children):
                last = len(tree.children) - 1
                raise NotRead("no such variation", f"has variations 0 to {last} at branching {branching}, not {choice}")
        tree = tree.children[choice]
        nodes.extend(tree.sequence)
    if any(path[branching:]):
        raise NotRead("no such variation", f"has {branching} branchings on this line, `path` names {len(path)}")
    return nodes


def record_of(nodes: Nodes, source: str = "", encoding: str = "utf-8", warnings: tuple[str, ...] = ()) -> GameRecord:
    """The record of a line of nodes; raises `NotRead`. Whether the moves are legal is not looked at.

    Within a node the stones are set up first and the moves made then. Two moves in a row of one colour stay as they
    are. HA puts no stones on the board (as FF[4] says), only AB does. Who is to play before the first move: the colour
    that moves first; without any move PL, else White where a handicap of two or more is declared or only black stones
    are set up, else Black.
    """
    header = read_header(nodes, encoding)
    table = coordinates.sgf_moves(header.size)
    events: list[int] = []
    moves = 0
    first = -1  # where the first move stands in the events
    for node in nodes:
        if not _SET_UP_NAMES.isdisjoint(node):
            _set_up(node, header.size, events)
        for name, values in node.items():
            colour = _COLOURS.get(name)
            if colour is None:
                continue
            moves += 1
            move = table.get(values[0])
            if move is None or len(values) > 1:
                move = _odd_move(moves, name, values, header.size)
            if first < 0:
                first = len(events)
            events.append(pack(PLAY, colour, move))
        if len(events) > MAX_EVENTS:
            raise _too_many_events()
    if any("" in node for node in nodes[:2]):
        header.warnings.append("properties in lower case are not read")
    _tell_first_player(events, first, header)
    return GameRecord(
        size=header.size,
        events=np.array(events, dtype=np.uint16),
        komi=header.komi,
        handicap=header.handicap,
        result=header.result,
        winner=header.winner,
        rules=header.rules,
        black=header.black,
        white=header.white,
        source=source,
        warnings=(*warnings, *header.warnings),
    )


def _games_of(data: bytes, name: str, path: tuple[int, ...], check: bool) -> Iterator[GameRecord | Failure]:
    text, encoding, warnings = charset.decode(data)
    for source, tree in game_trees(text, name):
        if isinstance(tree, Failure):
            yield tree
            continue
        try:
            record = record_of(line_of(tree, path), source, encoding, warnings)
            if check:
                check_legal(record)
        except NotRead as problem:
            yield Failure(source, problem.reason, str(problem))
        else:
            yield record


def _set_up(node: dict[str, list[bytes]], size: int, events: list[int]) -> None:
    """Appends the events of AE, AB and AW, in the order of the node, then that of PL."""
    for name, values in node.items():
        if name not in _SETUP:
            continue
        for value in values:
            text = value.decode("ascii", "replace").strip()
            if not text:
                continue
            try:
                points = coordinates.from_sgf_points(text, size)
            except InputError:
                message = f"has {name}[{text[:20]}], which is not on the {size}x{size} board"
                raise NotRead("off the board", message) from None
            events.extend(pack(SETUP, _SETUP[name], point) for point in points)
            if len(events) > MAX_EVENTS:
                raise _too_many_events()
    player = _PLAYERS.get(node["PL"][0].strip().upper()) if "PL" in node else None
    if player:
        events.append(pack(TO_PLAY, player))


def _odd_move(number: int, name: str, values: list[bytes], size: int) -> int:
    """The move of a property that has several values or stray blanks; raises `NotRead` where it can't be told."""
    shown = "".join(f"{value[:10].decode('ascii', 'replace')!r}"[1:-1].join("[]") for value in values[:3])
    if any(value.strip() != values[0].strip() for value in values):
        raise NotRead("broken", f"has two points in move {number}: {name}{shown}")
    move = coordinates.sgf_moves(size).get(values[0].strip())
    if move is None:
        raise NotRead("off the board", f"has move {number} {name}{shown}, which is not on the {size}x{size} board")
    return move


def _too_many_events() -> NotRead:
    return NotRead("too large", f"is too large: a game may have {MAX_EVENTS:,} moves and set-up stones")


def _tell_first_player(events: list[int], first: int, header: Header) -> None:
    """Inserts who is to play before the first move, unless that is Black or the last PL before it says the same."""
    before = [unpack(event) for event in (events if first < 0 else events[:first])]
    told = [event.colour for event in before if event.kind == TO_PLAY]
    stones = {event.colour for event in before if event.kind == SETUP and event.colour}
    if first >= 0:
        player = unpack(events[first]).colour
    elif told:
        player = told[-1]
    else:
        player = 2 if header.handicap >= 2 or stones == {1} else 1
    placed = len({event.point for event in before if event.kind == SETUP and event.colour == 1})
    if header.handicap >= 2 and placed != header.handicap and (placed or player == 2):
        header.warnings.append(f"HA is {header.handicap} but {placed} black stones are set up; the board is as set up")
    if player != (told[-1] if told else 1):
        events.insert(len(before), pack(TO_PLAY, player))
