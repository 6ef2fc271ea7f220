"""Analyses as lines of text: a candidate as lz-analyze and as kata-analyze write it.

Sources: Leela Zero 0.17; KataGo, "GTP Extensions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.search.look_ahead import Candidate
from casecnn.go.search.results import SearchedMove, SearchResult
from casecnn.statistics import wilson_interval

VISITS = 1000
"""How many visits the policy is shared out among where nothing is played out."""


class Shown(Protocol):
    """What a form writes of a move, from a `Line` or a `SearchedLine`."""

    @property
    def order(self) -> int: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def move(self) -> int: ...  # noqa: D102

    @property
    def prior(self) -> float: ...  # noqa: D102

    @property
    def visits(self) -> int: ...  # noqa: D102

    @property
    def rates(self) -> tuple[float, float]: ...  # noqa: D102

    @property
    def lead(self) -> float | None: ...  # noqa: D102

    @property
    def variation(self) -> Sequence[int]: ...  # noqa: D102


@dataclass(frozen=True)
class Line:
    """A candidate with what is shown of it: its place, the variation that it starts, and the board's size."""

    candidate: Candidate
    order: int
    variation: Sequence[int]
    size: int

    @property
    def move(self) -> int:
        """The move."""
        return self.candidate.move

    @property
    def prior(self) -> float:
        """The policy's probability."""
        return self.candidate.prior

    @property
    def lead(self) -> float | None:
        """Points ahead, where something was played out."""
        return self.candidate.rollouts.mean_score if self.candidate.rollouts else None

    @property
    def visits(self) -> int:
        """The games played out after the move, at least 1; where nothing is played out, the prior in thousandths."""
        found = self.candidate.rollouts
        if self.candidate.played_out:
            return max(1, found.games) if found else 1
        return max(1, round(VISITS * self.candidate.prior))

    @property
    def rates(self) -> tuple[float, float]:
        """The win rate, and the lower end of its 95 % interval; one half where nothing was played out."""
        found = self.candidate.rollouts
        if not found:
            return 0.5, 0.5
        return found.win_rate, wilson_interval(found.win_rate * found.games, found.games)[0]


@dataclass(frozen=True)
class SearchedLine:
    """A move that was searched, with its place and the board's size."""

    searched: SearchedMove
    order: int
    size: int

    @property
    def move(self) -> int:
        """The move."""
        return self.searched.move

    @property
    def prior(self) -> float:
        """The policy's probability."""
        return self.searched.prior

    @property
    def lead(self) -> float | None:
        """Points ahead."""
        return self.searched.lead

    @property
    def visits(self) -> int:
        """How often the search went on with the move."""
        return self.searched.visits

    @property
    def rates(self) -> tuple[float, float]:
        """The win rate, and the lower end of Wilson's 95 % interval as if each visit were a game."""
        win, visits = self.searched.win, self.searched.visits
        return win, wilson_interval(win * visits, visits)[0] if visits else 0.0

    @property
    def variation(self) -> Sequence[int]:
        """The most visited continuation, the move included."""
        return self.searched.variation


Form = Callable[[Shown], str]


def searched_lines(result: SearchResult, most: int, least: int = 1) -> list[SearchedLine]:
    """The moves of a search that an analysis shows: those with visits, at least `least` and at most `most`."""
    size = int(round(len(result.ownership) ** 0.5))
    number = max(least, sum(move.visits > 0 for move in result.moves))
    return [SearchedLine(move, i, size) for i, move in enumerate(result.moves[: min(number, most)])]


def vertices(line: Shown) -> str:
    """The moves of the variation."""
    return " ".join(to_vertex(move, line.size) for move in line.variation)


def leela_form(line: Shown) -> str:
    """A move as lz-analyze writes it: numbers in ten-thousandths."""
    rate, bound = line.rates
    return (
        f"info move {to_vertex(line.move, line.size)} visits {line.visits} winrate {round(10_000 * rate)} "
        f"prior {round(10_000 * line.prior)} lcb {round(10_000 * bound)} order {line.order} "
        f"pv {vertices(line)}"
    )


def kata_form(line: Shown) -> str:
    """A move as kata-analyze writes it: numbers from 0 to 1, scores in points."""
    rate, bound = line.rates
    lead = f"scoreMean {line.lead:.2f} scoreLead {line.lead:.2f} " if line.lead is not None else ""
    return (
        f"info move {to_vertex(line.move, line.size)} visits {line.visits} winrate {rate:.6f} {lead}"
        f"prior {line.prior:.6f} lcb {bound:.6f} order {line.order} pv {vertices(line)}"
    )


def root_form(lines: Sequence[Shown], root: SearchResult | None = None) -> str:
    """What KataGo calls rootInfo: the numbers of the position; without a search those of the first move."""
    if root is not None:
        return f"rootInfo visits {root.visits} winrate {root.win:.6f} scoreLead {root.lead:.2f}"
    first = lines[0]
    lead = f" scoreLead {first.lead:.2f}" if first.lead is not None else ""
    return f"rootInfo visits {sum(line.visits for line in lines)} winrate {first.rates[0]:.6f}{lead}"


def ownership_form(ownership: np.ndarray) -> str:
    """The owner of each point, row by row from the top: from 1, the colour analysed, to -1."""
    return "ownership " + " ".join(f"{value + 0.0:.4f}" for value in ownership.reshape(-1))
