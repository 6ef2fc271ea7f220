"""What a search finds: the position's win rate, lead and ownership, and each move's with its variation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


class PositionNet(Protocol):
    """What a search asks of a net: `casecnn.go.net.policy_value.PolicyValue` has it."""

    name: str
    size: int

    def estimate(self, planes: np.ndarray, komi: np.ndarray, symmetries: bool = False) -> Any:
        """Arrays `probabilities`, `win`, `lead` and `ownership` for planes uint8 [N, 48, size, size].

        `komi` float32 [N] is what the side to move is given. `probabilities` float32 [N, points] over all points, `win`
        float32 [N], `lead` float32 [N] in points, `ownership` float32 [N, points] from 1 to -1; the last three as the
        side to move sees them.
        """
        ...


@dataclass(frozen=True)
class SearchedMove:
    """One move of the position that was searched; all numbers as the side to move sees them.

    A move without visits has the win rate and lead of the position itself.
    """

    move: int  # `row * size + column`, or `size * size` for a pass
    visits: int  # how many of the position's visits went on with this move
    win: float  # mean win rate of those visits, from 0 to 1; a draw counts half
    lead: float  # mean lead in points, komi counted
    prior: float  # what the policy gives the move among those that the search allows, with its share for the pass
    variation: tuple[int, ...]  # how the game may go on: this move, then the most visited answers

    @property
    def utility(self) -> float:
        """The win rate from -1 to 1."""
        return 2 * self.win - 1


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search knows of a position, as the side to move sees it.

    `moves` has every move that the search allows, the best first: by visits, then by prior.
    """

    visits: int  # positions looked at below this one and this one itself, those of an earlier search included
    win: float  # mean over all visits, from 0 to 1
    lead: float  # points ahead, komi counted; mean over all visits
    ownership: np.ndarray = field(repr=False)  # float32 [points]: 1 surely the side to move's, -1 the opponent's
    moves: tuple[SearchedMove, ...] = field(repr=False)
    seconds: float = 0.0  # of this run
    new_visits: int = 0  # of this run
    full: bool = False  # whether the run ended because the tree has no more room

    @property
    def best(self) -> SearchedMove:
        """The move to play."""
        return self.moves[0]

    def found(self, move: int) -> SearchedMove | None:
        """What is known of a move; None for one that the search does not allow."""
        return next((searched for searched in self.moves if searched.move == move), None)

    def points_lost(self, move: int) -> float | None:
        """The lead after the best move less that after `move`; None where that has no visits."""
        searched = self.found(move)
        return self.best.lead - searched.lead if searched is not None and searched.visits else None


Progress = Callable[[SearchResult], None]
