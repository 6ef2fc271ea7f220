"""Queries of KataGo's analysis protocol: from a line of JSON to positions that are to be analysed.

Source: KataGo, "KataGo Parallel Analysis Engine". Fields that are known there but mean nothing here (those of its
search) are taken and not followed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from casecnn.errors import CasecnnError, UsageError
from casecnn.go.board.coordinates import from_row_column, from_vertex
from casecnn.go.board.katago_rules import ruleset_of, with_field
from casecnn.go.board.rulesets import Ruleset
from casecnn.go.board.sizes import oblong
from casecnn.go.board.state import BLACK, MAX_SIZE, MIN_SIZE, WHITE
from casecnn.go.position import IllegalMove, Position

COLOURS = {"b": BLACK, "black": BLACK, "w": WHITE, "white": WHITE}
PERSPECTIVES = ("BLACK", "WHITE", "SIDETOMOVE")
MOST_KOMI = 150
MOST_VISITS = 10**9
_KNOWN = {
    *("id", "moves", "initialStones", "initialPlayer", "rules", "komi", "whiteHandicapBonus", "boardXSize"),
    *("boardYSize", "analyzeTurns", "maxVisits", "rootPolicyTemperature", "rootFpuReductionMax", "analysisPVLen"),
    *("includeOwnership", "includeOwnershipStdev", "includeMovesOwnership", "includeMovesOwnershipStdev"),
    *("includePolicy", "includePVVisits", "includeNoResultValue", "avoidMoves", "allowMoves", "overrideSettings"),
    *("reportDuringSearchEvery", "priority", "priorities"),
}
_POINT = re.compile(r"\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")


class QueryError(Exception):
    """A query that cannot be followed: the message, and the field that it is about."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Turn:
    """One position of a query, by its number of moves, and how urgent it is."""

    number: int
    position: Position
    priority: int = 0


@dataclass(frozen=True)
class Query:
    """What a query asks for. Moves are `row * size + column`, a pass is `size * size`."""

    id: str
    turns: tuple[Turn, ...]
    rules: Ruleset
    max_visits: int | None = None
    max_time: float | None = None
    ownership: bool = False
    moves_ownership: bool = False
    policy: bool = False
    pv_visits: bool = False
    report_every: float | None = None  # seconds
    perspective: str = "BLACK"
    avoid: Mapping[int, frozenset[int]] = field(default_factory=dict)  # by colour
    allow: Mapping[int, frozenset[int]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()  # fields that the protocol does not know


def read_object(line: str) -> dict[str, Any]:
    """The object on a line, which has an id; raises `QueryError`."""
    try:
        found = json.loads(line.strip())
    except (ValueError, RecursionError) as error:
        raise QueryError(f"Could not parse input line as json request: {error}") from error
    if not isinstance(found, dict):
        raise QueryError("Input line was valid json but was not an object, ignoring")
    if not isinstance(found.get("id"), str):
        raise QueryError('Request must have a string "id" field')
    return found


def read_query(found: Mapping[str, Any]) -> Query:
    """The query behind an object; raises `QueryError` for a field that is missing or makes no sense."""
    size = _size(found)
    rules = _rules(found)
    moves = _stones(found, "moves", size, required=True)
    positions = _positions(found, size, rules, moves)
    turns = _turns(found, len(moves))
    priorities = _priorities(found, len(turns))
    settings = found.get("overrideSettings", {})
    if not isinstance(settings, dict):
        raise QueryError("Must be an object", "overrideSettings")
    perspective = settings.get("reportAnalysisWinratesAs", "BLACK")
    if perspective not in PERSPECTIVES:
        raise QueryError(f"reportAnalysisWinratesAs must be one of {', '.join(PERSPECTIVES)}", "overrideSettings")
    visits = found.get("maxVisits", settings.get("maxVisits"))
    if visits is not None and not (_is_whole(visits) and 1 <= visits <= MOST_VISITS):
        raise QueryError(f"Must be an integer from 1 to {MOST_VISITS}", "maxVisits")
    return Query(
        id=found["id"],
        turns=tuple(Turn(n, positions[n], priority) for n, priority in zip(turns, priorities, strict=True)),
        rules=rules,
        max_visits=visits,
        max_time=_positive(settings, "maxTime", "overrideSettings"),
        ownership=_flag(found, "includeOwnership"),
        moves_ownership=_flag(found, "includeMovesOwnership"),
        policy=_flag(found, "includePolicy"),
        pv_visits=_flag(found, "includePVVisits"),
        report_every=_positive(found, "reportDuringSearchEvery", "reportDuringSearchEvery"),
        perspective=perspective,
        avoid=_restrictions(found, "avoidMoves", size),
        allow=_restrictions(found, "allowMoves", size),
        unused=tuple(name for name in found if name not in _KNOWN),
    )


def _size(found: Mapping[str, Any]) -> int:
    for name in ("boardXSize", "boardYSize"):
        if not (_is_whole(found.get(name)) and MIN_SIZE <= found[name] <= MAX_SIZE):
            raise QueryError(f"Must provide an integer from {MIN_SIZE} to {MAX_SIZE}", name)
    if problem := oblong(found["boardXSize"], found["boardYSize"]):
        raise QueryError(f"Must be the same as boardXSize: {problem}", "boardYSize")
    return found["boardXSize"]


def _rules(found: Mapping[str, Any]) -> Ruleset:
    if not isinstance(found.get("rules"), (str, dict)):
        raise QueryError("Must specify rules string or JSON object", "rules")
    try:
        rules = ruleset_of(found["rules"])
    except UsageError as error:
        raise QueryError(f"Could not parse rules: {error}", "rules") from error
    if "whiteHandicapBonus" in found:
        try:
            rules = with_field(rules, "whiteHandicapBonus", str(found["whiteHandicapBonus"]))
        except UsageError as error:
            raise QueryError(str(error), "whiteHandicapBonus") from error
    return rules


def _positions(
    found: Mapping[str, Any], size: int, rules: Ruleset, moves: list[tuple[int, int]]
) -> dict[int, Position]:
    """The positions after each number of moves that is wanted, with the right player to move."""
    komi = found.get("komi", 6.5 if rules.territory else 7.5)
    if not _is_number(komi) or not abs(komi) <= MOST_KOMI:
        raise QueryError(f"Must be a number from -{MOST_KOMI} to {MOST_KOMI}", "komi")
    position = Position(size, komi, rules.superko, rules.suicide)
    stones = _stones(found, "initialStones", size)
    for colour, move in stones:
        if move == size * size or position.board.flat[move] not in (0, colour):
            raise QueryError("Illegal stones: a pass, or two stones on one point", "initialStones")
        position.set_stone(move, colour)
    handicap = sum(colour == BLACK for colour, _ in stones) if all(c == BLACK for c, _ in stones) else 0
    position.komi += rules.bonus(handicap)
    player = found.get("initialPlayer")
    if player is not None and (not isinstance(player, str) or player.lower() not in COLOURS):
        raise QueryError('Must be "b" or "w"', "initialPlayer")
    if player is not None:
        position.set_to_play(COLOURS[player.lower()])
    elif moves:
        position.set_to_play(moves[0][0])
    wanted = set(_turns(found, len(moves)))
    positions = {0: position.copy()} if 0 in wanted else {}
    for number, (colour, move) in enumerate(moves):
        try:
            position.play(move, colour)
        except IllegalMove as error:
            raise QueryError(f"Illegal move {number}: {found['moves'][number][1]}", "moves") from error
        if number + 1 in wanted:
            positions[number + 1] = position.copy()
            if number + 1 < len(moves):
                positions[number + 1].set_to_play(moves[number + 1][0])
    return positions


def _turns(found: Mapping[str, Any], moves: int) -> list[int]:
    turns = found.get("analyzeTurns", [moves])
    if not isinstance(turns, list) or not all(_is_whole(turn) and turn >= 0 for turn in turns):
        raise QueryError("Must specify an array of integers", "analyzeTurns")
    if any(turn > moves for turn in turns):
        raise QueryError("Invalid turn number, could be less than 0 or more than number of moves", "analyzeTurns")
    return turns


def _priorities(found: Mapping[str, Any], turns: int) -> list[int]:
    if "priorities" in found:
        given = found["priorities"]
        if not isinstance(given, list) or len(given) != turns or not all(map(_is_whole, given)):
            raise QueryError("Must be of same length as analyzeTurns", "priorities")
        return given
    if not _is_whole(found.get("priority", 0)):
        raise QueryError("Must be an integer", "priority")
    return [found.get("priority", 0)] * turns


def _stones(found: Mapping[str, Any], name: str, size: int, required: bool = False) -> list[tuple[int, int]]:
    given = found.get(name, None if required else [])
    if not isinstance(given, list):
        raise QueryError("Must specify an array of [player,location] tuples", name)
    stones = []
    for pair in given:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):
            raise QueryError("Must specify an array of [player,location] tuples", name)
        if pair[0].lower() not in COLOURS:
            raise QueryError(f"Could not parse player: {pair[0][:20]}", name)
        stones.append((COLOURS[pair[0].lower()], _location(pair[1], size, name)))
    return stones


def _location(text: Any, size: int, name: str) -> int:
    """A vertex as in GTP, or "(x,y)" counted from 0 at the top left."""
    try:
        if found := _POINT.fullmatch(str(text)):
            return from_row_column(int(found[2]), int(found[1]), size)
        return from_vertex(str(text), size)
    except CasecnnError as error:
        raise QueryError(f"Could not parse location: {str(text)[:20]}", name) from error


def _restrictions(found: Mapping[str, Any], name: str, size: int) -> dict[int, frozenset[int]]:
    """Moves by colour that `avoidMoves` or `allowMoves` name, whatever their depth."""
    given = found.get(name, [])
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise QueryError("Must be a list of dicts with subfields 'moves', 'player', 'untilDepth'", name)
    moves: dict[int, frozenset[int]] = {}
    for row in given:
        player, listed = row.get("player"), row.get("moves")
        depth = row.get("untilDepth")
        if not isinstance(player, str) or player.lower() not in COLOURS or not isinstance(listed, list):
            raise QueryError("Must be a list of dicts with subfields 'moves', 'player', 'untilDepth'", name)
        if not (_is_whole(depth) and depth >= 1):
            raise QueryError("untilDepth must be a positive integer", name)
        colour = COLOURS[player.lower()]
        moves[colour] = moves.get(colour, frozenset()) | {_location(move, size, name) for move in listed}
    return moves


def _flag(found: Mapping[str, Any], name: str) -> bool:
    value = found.get(name, False)
    if not isinstance(value, bool):
        raise QueryError("Must be a boolean", name)
    return value


def _positive(found: Mapping[str, Any], name: str, about: str) -> float | None:
    value = found.get(name)
    if value is not None and not (_is_number(value) and value > 0):
        raise QueryError(f"{name}: must be a number above 0", about)
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
