"""The 48 feature planes written as their definitions, one short function a feature.

This is the reference implementation: the fast one (`casecnn.go.planes.fast`) is tested against it and shares no code
with it. It is some hundred times slower.

Source of the planes: Silver et al., Nature 529 (2016), Extended Data Table 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.record import PLAY, SETUP, unpack
from casecnn.go.planes.plain_ladders import captures_in_ladder, escapes_ladder, plausible_escapes
from casecnn.go.planes.plain_rules import BLACK, EMPTY, Outcome, Point, Situation
from casecnn.go.planes.table import FEATURES, OFFSETS, PLANES

# Features. Each function gives {point: plane of the feature that is 1 there}; a point left out is 0 in all of them.

Legal = dict[Point, Outcome]
Ages = dict[Point, "int | None"]
Planes = dict[Point, int]


def stone_colour(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """0 own stone, 1 opponent stone, 2 empty."""
    own = {point: 0 if colour == situation.to_play else 1 for point, colour in situation.stones.items()}
    return {point: 2 for point in situation.empty_points()} | own


def ones(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """0 on the whole board."""
    return {point: 0 for point in [*situation.stones, *situation.empty_points()]}


def turns_since(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """On stones: turns since the stone was played, less one; 7 for more, and for stones that were set up."""
    return {point: 7 if age is None else min(age, 8) - 1 for point, age in ages.items()}


def liberties(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """On stones: liberties of the chain, less one; 7 for more."""
    counts = {point: len(situation.chain(point).liberties) for point in situation.stones}
    counts = {point: count for point, count in counts.items() if count}  # set-up chains may have none
    return {point: min(count, 8) - 1 for point, count in counts.items()}


def capture_size(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """At legal points: stones captured; 7 for more."""
    return {point: min(len(move.captured), 7) for point, move in legal.items()}


def self_atari_size(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """At legal points that leave the new chain one liberty: size of the chain, less one; 7 for more."""
    atari = {point: move.chain for point, move in legal.items() if len(move.chain.liberties) == 1}
    return {point: min(len(chain.stones), 8) - 1 for point, chain in atari.items()}


def liberties_after_move(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """At legal points: liberties of the new chain, less one; 7 for more."""
    return {point: min(len(move.chain.liberties), 8) - 1 for point, move in legal.items()}


def ladder_capture(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """0 at legal points that capture a chain with two liberties in a ladder."""
    caught: Planes = {}
    for point in legal:
        for chain in situation.chains_beside([point], situation.opponent):
            if len(chain.liberties) == 2 and captures_in_ladder(situation, point, min(chain.stones)):
                caught[point] = 0
    return caught


def ladder_escape(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """0 at plausible escapes of own chains in atari that work."""
    saved: Planes = {}
    for prey in (point for point, colour in situation.stones.items() if colour == situation.to_play):
        chain = situation.chain(prey)
        if len(chain.liberties) == 1 and prey == min(chain.stones):
            saved |= {
                point: 0 for point in plausible_escapes(situation, prey) if escapes_ladder(situation, point, prey)
            }
    return saved


def sensibleness(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """0 at legal points that are no true eyes of the player."""
    return {point: 0 for point in set(legal) - situation.true_eyes()}


def zeros(situation: Situation, ages: Ages, legal: Legal) -> Planes:
    """Nowhere."""
    return {}


FUNCTIONS: dict[str, Callable[[Situation, Ages, Legal], Planes]] = {
    "stone colour": stone_colour,
    "ones": ones,
    "turns since": turns_since,
    "liberties": liberties,
    "capture size": capture_size,
    "self-atari size": self_atari_size,
    "liberties after move": liberties_after_move,
    "ladder capture": ladder_capture,
    "ladder escape": ladder_escape,
    "sensibleness": sensibleness,
    "zeros": zeros,
}


def situation_features(situation: Situation, ages: Ages) -> np.ndarray:
    """The planes of a situation, uint8 [48, size, size]; `ages` has an entry for every stone (see `features_plain`)."""
    outcomes = {point: situation.play(point) for point in situation.empty_points()}
    legal = {point: outcome for point, outcome in outcomes.items() if outcome is not None}
    planes = np.zeros((PLANES, situation.size, situation.size), dtype=np.uint8)
    for feature in FEATURES:
        for (row, column), plane in FUNCTIONS[feature.name](situation, ages, legal).items():
            planes[OFFSETS[feature.name]][plane, row, column] = 1
    return planes


def features_plain(
    size: int,
    board: Sequence[Sequence[int]] | np.ndarray,
    to_play: int,
    ko: int | None = None,
    stone_age: Sequence[Sequence[int | None]] | None = None,
) -> np.ndarray:
    """The 48 feature planes of a position: uint8 [48, size, size], values 0 and 1.

    `board[row][column]` is 0 (empty), 1 (black) or 2 (white) and every chain on it has a liberty. `to_play` is 1 or 2.
    `ko` is the move (row * size + column) that a simple ko forbids to that player. `stone_age[row][column]` counts the
    turns since the stone was played, 1 for the last move; None means a set-up stone, as all are if it is left out.
    Superko is not looked at, and nothing is checked.
    """
    points = [(row, column) for row in range(size) for column in range(size) if board[row][column]]
    stones = {(row, column): int(board[row][column]) for row, column in points}
    ages = {(row, column): stone_age[row][column] if stone_age is not None else None for row, column in points}
    return situation_features(Situation(size, stones, to_play, None if ko is None else divmod(ko, size)), ages)


def features_plain_game(size: int, events: Iterable[int]) -> Iterator[np.ndarray]:
    """The planes before each play of a game, passes included, one uint8 [48, size, size] after the other.

    `events` are packed as in `casecnn.go.board.record`. The colour of a play is the player whose planes
    are given; out of turn it is not bound by the ko. Setting up ends a ko. Raises InputError at an illegal move.
    """
    situation = Situation(size, {}, BLACK)
    turn_of: dict[Point, int | None] = {}
    turn = 1
    for kind, colour, move in map(unpack, events):
        point = divmod(move, size)
        if kind == SETUP:
            others = {stone: other for stone, other in situation.stones.items() if stone != point}
            situation = replace(situation, stones=others if colour == EMPTY else {**others, point: colour}, ko=None)
            turn_of[point] = None
        if kind != PLAY:
            continue
        if colour != situation.to_play:
            situation = replace(situation, to_play=colour, ko=None)
        ages = {stone: None if (at := turn_of[stone]) is None else turn - at for stone in situation.stones}
        yield situation_features(situation, ages)
        if point == (size, 0):
            situation = replace(situation, to_play=situation.opponent, ko=None)
        else:
            outcome = situation.play(point)
            if outcome is None:
                raise InputError(f"move {turn} (row {point[0]}, column {point[1]}) is illegal: taken, ko or suicide")
            situation = outcome.situation
            turn_of[point] = turn
        turn += 1
