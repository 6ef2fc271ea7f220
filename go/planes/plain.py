"""The 48 feature planes written as their definitions: sets of points, chains by flood fill, no cleverness.

This is the judge of the fast version (`casecnn.go.planes.fast`) and shares no code with it: the rules of the game are
written a second time here, from the definitions in `casecnn.go.planes.table`. It is some hundred times slower.

Source of the planes: Silver et al., Nature 529 (2016), Extended Data Table 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.record import PLAY, SETUP, unpack
from casecnn.go.planes.table import FEATURES, OFFSETS, PLANES

EMPTY, BLACK, WHITE = 0, 1, 2
LADDER_PLIES = 400

Point = tuple[int, int]  # row from the top, column from the left


@cache
def neighbours(size: int, point: Point) -> tuple[Point, ...]:
    """The two to four points beside a point."""
    row, column = point
    beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return tuple((r, c) for r, c in beside if 0 <= r < size and 0 <= c < size)


@cache
def diagonals(size: int, point: Point) -> tuple[Point, ...]:
    """The one to four points diagonally next to a point."""
    row, column = point
    across = [(row - 1, column - 1), (row - 1, column + 1), (row + 1, column - 1), (row + 1, column + 1)]
    return tuple((r, c) for r, c in across if 0 <= r < size and 0 <= c < size)


class Chain(NamedTuple):
    """Connected stones of one colour and the empty points beside them."""

    stones: set[Point]
    liberties: set[Point]


@dataclass(frozen=True)
class Situation:
    """Stones on a board, who is to play, and the point that a simple ko forbids to that player.

    `stones` maps the points with a stone to BLACK or WHITE. Nothing is ever changed: a move makes a new situation.
    """

    size: int
    stones: dict[Point, int]
    to_play: int
    ko: Point | None = None

    @property
    def opponent(self) -> int:
        """The colour that is not to play."""
        return BLACK + WHITE - self.to_play

    def empty_points(self) -> list[Point]:
        """All points without a stone, row by row."""
        points = [(row, column) for row in range(self.size) for column in range(self.size)]
        return [point for point in points if point not in self.stones]

    def chain(self, stone: Point) -> Chain:
        """The chain of a stone, by flood fill."""
        colour = self.stones[stone]
        found, liberties, waiting = {stone}, set(), [stone]
        while waiting:
            for point in neighbours(self.size, waiting.pop()):
                if point not in self.stones:
                    liberties.add(point)
                elif self.stones[point] == colour and point not in found:
                    found.add(point)
                    waiting.append(point)
        return Chain(found, liberties)

    def chains_beside(self, points: Iterable[Point], colour: int) -> list[Chain]:
        """Every chain of a colour that touches one of the points, each once."""
        chains: list[Chain] = []
        for point in points:
            for beside in neighbours(self.size, point):
                if self.stones.get(beside) == colour and not any(beside in chain.stones for chain in chains):
                    chains.append(self.chain(beside))
        return chains

    def play(self, point: Point) -> Outcome | None:
        """What a move of the player to play leads to, or None if it is illegal: taken, ko or suicide."""
        if point in self.stones or point == self.ko:
            return None
        after = Situation(self.size, {**self.stones, point: self.to_play}, self.opponent)
        captured: set[Point] = set()
        for chain in after.chains_beside([point], self.opponent):
            if not chain.liberties:
                captured |= chain.stones
        for stone in captured:
            del after.stones[stone]
        chain = after.chain(point)
        if not chain.liberties:
            return None
        if len(captured) == 1 and len(chain.stones) == 1 and len(chain.liberties) == 1:
            after = replace(after, ko=next(iter(captured)))
        return Outcome(after, captured, chain)

    def true_eyes(self) -> set[Point]:
        """The true eyes of the player to play: the largest set of points that satisfies the definition.

        Every neighbour of an eye is an own stone; at most one of its diagonals is bad, at the edge and in the corner
        none. Bad is an opponent stone, and an empty point that is not an eye.
        """
        eyes = {point for point in self.empty_points() if self.is_surrounded(point)}
        while True:
            keep = {point for point in eyes if self._bad_diagonals(point, eyes) <= self._allowed(point)}
            if keep == eyes:
                return eyes
            eyes = keep

    def is_surrounded(self, point: Point) -> bool:
        """Whether every neighbour of a point is a stone of the player to play."""
        return all(self.stones.get(beside) == self.to_play for beside in neighbours(self.size, point))

    def _bad_diagonals(self, point: Point, eyes: set[Point]) -> int:
        around = diagonals(self.size, point)
        return sum(self.stones.get(across) != self.to_play and across not in eyes for across in around)

    def _allowed(self, point: Point) -> int:
        return 1 if len(neighbours(self.size, point)) == 4 else 0


class Outcome(NamedTuple):
    """What a legal move leads to."""

    situation: Situation  # the opponent is to play
    captured: set[Point]
    chain: Chain  # the chain of the new stone


# Ladders. `prey` is a stone of the chain that is hunted: the same chain in every ply.


def captures_in_ladder(situation: Situation, point: Point, prey: Point, plies: int = LADDER_PLIES) -> bool:
    """Whether the player captures the opponent's chain at `prey`, which has two liberties, by a move at one of them."""
    move = situation.play(point)
    if move is None or plies == 0 or len(move.situation.chain(prey).liberties) >= 2:
        return False
    for escape in plausible_escapes(move.situation, prey):
        if escapes_ladder(move.situation, escape, prey, plies - 1):
            return False
    return True


def escapes_ladder(situation: Situation, point: Point, prey: Point, plies: int = LADDER_PLIES) -> bool:
    """Whether the player saves the own chain at `prey`, which is in atari, by a move at a plausible escape."""
    if plies == 0:
        return True
    move = situation.play(point)
    assert move is not None
    liberties = move.situation.chain(prey).liberties
    if len(liberties) != 2:
        return len(liberties) > 2
    for liberty in sorted(liberties):
        if captures_in_ladder(move.situation, liberty, prey, plies - 1):
            return False
    return True


def plausible_escapes(situation: Situation, prey: Point) -> list[Point]:
    """The legal moves that may save the own chain at `prey`, which is in atari, own true eyes left out.

    They are the chain's last liberty and the captures of opponent chains in atari that touch it.
    """
    chain = situation.chain(prey)
    points = set(chain.liberties)
    for attacker in situation.chains_beside(chain.stones, situation.opponent):
        if len(attacker.liberties) == 1:
            points |= attacker.liberties
    return [
        point
        for point in sorted(points)
        if situation.play(point) is not None and not (situation.is_surrounded(point) and point in situation.true_eyes())
    ]


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
