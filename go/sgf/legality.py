"""Replays a record by the rules that it names, and says which move is the first that may not be played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from casecnn.go.board import coordinates, rules, rulesets
from casecnn.go.board.record import PLAY, GameRecord, is_play, unpack
from casecnn.go.board.state import BLACK, EMPTY, KO, KO_COLOUR, WHITE, new_state, to_point
from casecnn.go.sgf.header import NotRead


def check_legal(record: GameRecord) -> None:
    """Raises `NotRead` for a record with an illegal move, by the rules of `casecnn.go.board.rulesets`."""
    index = first_illegal(record)
    if index >= 0:
        raise NotRead("illegal move", f"has an illegal move: {_words(record, index)}")


def legal_part(record: GameRecord) -> GameRecord:
    """The record itself, or the part of it before its first illegal move, with `cut` and a warning that name the move.

    >>> from casecnn.go.sgf.game import read_game
    >>> record = read_game(b"(;SZ[9];B[ee];W[ee];B[cc])")
    >>> len(record), record.cut
    (1, 'illegal move 2, White at E5: the point is not empty; the game is read up to move 1')
    """
    index = first_illegal(record)
    if index < 0:
        return record
    before = int(is_play(record.events[:index]).sum())
    cut = f"illegal {_words(record, index)}; the game is read up to move {before}"
    return replace(record, events=record.events[:index], cut=cut, warnings=(*record.warnings, cut))


def first_illegal(record: GameRecord) -> int:
    """Where the first illegal move stands among the events, or -1."""
    if len(record.events) == 0:
        return -1
    by = rulesets.ruleset(record.rules) or rulesets.DEFAULT
    index = int(rules.check_events(record.size, np.ascontiguousarray(record.events), by.suicide))
    if not by.superko:
        return index
    repeated = _first_repetition(record, by.superko == "situational")
    return min(index, repeated) if index >= 0 and repeated >= 0 else max(index, repeated)


def _first_repetition(record: GameRecord, situational: bool) -> int:
    """The first move that makes an earlier position again, or -1; what is set up starts anew, passes repeat nothing."""
    state = new_state(record.size)
    seen: set[tuple[int, int]] = {(0, WHITE if situational else 0)}
    for index, event in enumerate(record.events):
        if not rules.apply_event(state, event):
            return -1
        kind, colour, point = unpack(event)
        situation = (int(state.zobrist[0]), colour if situational else 0)
        if kind != PLAY:
            seen = {(situation[0], WHITE), (situation[0], BLACK)} if situational else {situation}
        elif point < record.size**2 and situation in seen:
            return index
        else:
            seen.add(situation)
    return -1


def _words(record: GameRecord, index: int) -> str:
    """Number, player, point and rule of an illegal move: "move 5, Black at Q16: the point is not empty"."""
    number = int(is_play(record.events[: index + 1]).sum())
    event = unpack(record.events[index])
    vertex = coordinates.to_vertex(event.point, record.size)
    player = "Black" if event.colour == BLACK else "White"
    return f"move {number}, {player} at {vertex}: {_reason(record, index)}"


def _reason(record: GameRecord, index: int) -> str:
    state = new_state(record.size)
    for event in record.events[:index]:
        rules.apply_event(state, event)
    _, colour, move = unpack(record.events[index])
    point = to_point(record.size, move)
    if state.board[point] != EMPTY:
        return "the point is not empty"
    if point == state.info[KO] and colour == state.info[KO_COLOUR]:
        return "the ko may not be retaken at once"
    if rules.is_legal(state, point, colour, np.bool_(False)) or rules.takes_itself(state, point, colour):
        by = rulesets.ruleset(record.rules) or rulesets.DEFAULT
        if by.superko and (by.suicide or rules.is_legal(state, point, colour, np.bool_(False))):
            return "superko: the position was on the board before"
    return "suicide is not allowed"
