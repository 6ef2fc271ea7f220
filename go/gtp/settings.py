"""How an engine plays: what the options of `casecnn go gtp` set."""

from __future__ import annotations

import math
from dataclasses import dataclass

from casecnn.checks import one_of, positive, whole, within
from casecnn.go.search.rollouts import MAX_ROLLOUTS

PASSES = ("reply", "end")


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
    move_time: float = 10.0  # seconds for the rollouts of a move, at most

    def __post_init__(self) -> None:
        within("temperature", self.temperature, 0, math.inf)
        one_of("passes", self.passes, PASSES)
        if self.resign is not None:
            positive("resign", self.resign)
        whole("rollouts", self.rollouts, 0, MAX_ROLLOUTS)
        positive("move_time", within("move_time", self.move_time, 0, 86_400, closed=True))
