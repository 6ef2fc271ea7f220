"""The rules of Go written as their definitions, for the plain feature planes: sets of points, chains by flood fill.

It shares no code with the compiled rules (`casecnn.go.board.rules`): the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

EMPTY, BLACK, WHITE = 0, 1, 2

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
