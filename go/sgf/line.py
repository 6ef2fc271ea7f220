"""One line of play through a game tree: its nodes, and the record of the moves and set-up stones on it.

Source: SGF FF[4] (GM[1]). What the header means is in `casecnn.go.sgf.header`. Comments, marks, times and other
annotations are not kept.
"""

from __future__ import annotations

import numpy as np
from sgfmill import sgf_grammar

from casecnn.errors import InputError, UsageError
from casecnn.go.board import coordinates
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, GameRecord, pack, unpack
from casecnn.go.sgf.failure import NotRead
from casecnn.go.sgf.header import Header, read_header

MAX_EVENTS = 100_000
_COLOURS = {"B": 1, "W": 2}
_SETUP = {"AE": 0, "AB": 1, "AW": 2}
_SET_UP_NAMES = {"AE", "AB", "AW", "PL"}
_PLAYERS = {b"B": 1, b"W": 2, b"1": 1, b"2": 2, b"BLACK": 1, b"WHITE": 2}

Nodes = list[dict[str, list[bytes]]]


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
    """The record of a line of nodes. Whether the moves are legal is not looked at.

    A move beside the board ends the record before it (`GameRecord.cut`), and so do stones set up beside the board
    after a move; raises `NotRead` for what cannot be read at all.

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
    cut = ""
    try:
        for node in nodes:
            if not _SET_UP_NAMES.isdisjoint(node):
                _set_up(node, header.size, events)
            for name, values in node.items():
                colour = _COLOURS.get(name)
                if colour is None:
                    continue
                move = table.get(values[0])
                if move is None or len(values) > 1:
                    move = _odd_move(moves + 1, name, values, header)
                moves += 1
                if first < 0:
                    first = len(events)
                events.append(pack(PLAY, colour, move))
            if len(events) > MAX_EVENTS:
                raise _too_many_events()
    except NotRead as problem:
        if problem.reason != "off the board" or not (moves or (events and _is_move(node))):
            raise
        what = str(problem).removeprefix("has ")
        cut = f"{what}; the game is read up to move {moves}"
        header.warnings.append(cut)
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
        cut=cut,
    )


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


def _is_move(node: dict[str, list[bytes]]) -> bool:
    return not _COLOURS.keys().isdisjoint(node)


def _odd_move(number: int, name: str, values: list[bytes], header: Header) -> int:
    """The move of a property that has several values, of which the first counts, or stray blanks.

    Raises `NotRead` where it is no move on the board.
    """
    size = header.size
    shown = "".join(f"{value[:10].decode('ascii', 'replace')!r}"[1:-1].join("[]") for value in values[:3])
    value = values[0].strip(b"\xef\xbb\xbf\0 \t\r\n")
    move = coordinates.sgf_moves(size).get(value)
    if move is None:
        move = _as_vertex(value, size)
        if move not in (None, size * size):
            header.warnings.append(f"move {number} {name}{shown} is no SGF point; read as people write points")
    if move is None:
        raise NotRead("off the board", f"has move {number} {name}{shown}, which is not on the {size}x{size} board")
    if any(value.strip() != values[0].strip() for value in values):
        header.warnings.append(f"move {number} has several points, {name}{shown}; the first is taken")
    return move


def _as_vertex(value: bytes, size: int) -> int | None:
    """The move of a value that is written as in GTP: ``Q16``, ``pass``."""
    try:
        return coordinates.from_vertex(value.decode("ascii", "replace"), size)
    except InputError:
        return None


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
