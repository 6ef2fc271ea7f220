"""Analyses as lines of text: a candidate as lz-analyze and as kata-analyze write it.

Sources: Leela Zero 0.17; KataGo, "GTP Extensions".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.search.look_ahead import Candidate
from casecnn.statistics import wilson_interval

VISITS = 1000
"""How many visits the policy is shared out among where nothing is played out."""


@dataclass(frozen=True)
class Line:
    """A candidate with what is shown of it: its place, the variation that it starts, and the board's size."""

    candidate: Candidate
    order: int
    variation: Sequence[int]
    size: int

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

    @property
    def vertices(self) -> str:
        """The moves of the variation."""
        return " ".join(to_vertex(move, self.size) for move in self.variation)


Form = Callable[[Line], str]


def leela_form(line: Line) -> str:
    """A move as lz-analyze writes it: numbers in ten-thousandths."""
    rate, bound = line.rates
    return (
        f"info move {to_vertex(line.candidate.move, line.size)} visits {line.visits} winrate {round(10_000 * rate)} "
        f"prior {round(10_000 * line.candidate.prior)} lcb {round(10_000 * bound)} order {line.order} "
        f"pv {line.vertices}"
    )


def kata_form(line: Line) -> str:
    """A move as kata-analyze writes it: numbers from 0 to 1, scores in points."""
    rate, bound = line.rates
    found = line.candidate.rollouts
    lead = f"scoreMean {found.mean_score:.2f} scoreLead {found.mean_score:.2f} " if found else ""
    return (
        f"info move {to_vertex(line.candidate.move, line.size)} visits {line.visits} winrate {rate:.6f} {lead}"
        f"prior {line.candidate.prior:.6f} lcb {bound:.6f} order {line.order} pv {line.vertices}"
    )


def root_form(lines: Sequence[Line]) -> str:
    """What KataGo calls rootInfo: the numbers of the position, which are those of the first move."""
    first = lines[0]
    found = first.candidate.rollouts
    lead = f" scoreLead {found.mean_score:.2f}" if found else ""
    return f"rootInfo visits {sum(line.visits for line in lines)} winrate {first.rates[0]:.6f}{lead}"


def ownership_form(ownership: np.ndarray) -> str:
    """The owner of each point, row by row from the top: from 1, the colour analysed, to -1."""
    return "ownership " + " ".join(f"{value + 0.0:.4f}" for value in ownership.reshape(-1))
