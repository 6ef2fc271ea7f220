"""How an engine plays: what the options of `casecnn go gtp` set."""

from __future__ import annotations

import math
from dataclasses import dataclass

from casecnn.checks import one_of, positive, whole, within
from casecnn.errors import UsageError
from casecnn.go.search.rollouts import MAX_ROLLOUTS

PASSES = ("reply", "end")
ROLLOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Settings:
    """How an engine plays.

    Raises `UsageError` for a value out of range.
    """

    temperature: float = 0.0  # 0: the most probable move; 1: moves as often as the net gives them
    symmetries: bool = True
    tactics: bool = True  # think less of moves that leave stones at stake
    passes: str = (
        "reply"  # "reply": also answer a pass with a pass where the game is over; "end": pass only if no move is left
    )
    superko: bool = False  # whether the opponent is held to positional superko, too
    resign: float | None = None  # points behind, by random games, at three own turns in a row; None: never
    seed: int = 0
    rollouts: int = 0  # games played out from each candidate; 0: none, the policy alone decides
    visits: int | None = None  # of a search for each move; None: no limit, and no search where no time is set
    move_time: float | None = None  # seconds for a move, at most; None: 10 for rollouts, no limit for a search
    ponder: bool = False  # whether a search goes on while the opponent thinks
    threads: int | None = None  # that search; None: one for each core, at most two

    def __post_init__(self) -> None:
        within("temperature", self.temperature, 0, math.inf)
        one_of("passes", self.passes, PASSES)
        if self.resign is not None:
            positive("resign", self.resign)
        whole("rollouts", self.rollouts, 0, MAX_ROLLOUTS)
        if self.visits is not None:
            whole("visits", self.visits, 1, 10_000_000)
        if self.move_time is not None:
            positive("move_time", within("move_time", self.move_time, 0, 86_400, closed=True))
        if self.rollouts and self.visits is not None:
            raise UsageError(f"`visits` (={self.visits}) must be left out with `rollouts` (={self.rollouts})")
        if self.threads is not None:
            whole("threads", self.threads, 1, 1024)

    @property
    def seconds(self) -> float:
        """The most seconds for the rollouts of a move."""
        return ROLLOUT_SECONDS if self.move_time is None else self.move_time

    @property
    def searches(self) -> bool:
        """Whether moves are to be searched for, even without a clock."""
        return not self.rollouts and (self.visits is not None or self.move_time is not None)
