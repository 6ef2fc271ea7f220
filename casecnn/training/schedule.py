"""The learning rate as a function of the step: warm-up, then constant, step, plateau, cosine or linear."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Any

from casecnn.training.recipe import Recipe


class Schedule:
    """The factor by which every base rate of a recipe is multiplied at a step.

    Only "plateau" has state: the best validation figure, the evaluations since, and the drops so far; it needs
    `observe` after each evaluation. The others are pure functions of the step. No optimiser is touched here.
    """

    def __init__(self, recipe: Recipe, *, higher_is_better: bool = False) -> None:
        self.recipe = recipe
        self.higher_is_better = higher_is_better
        self.best: float | None = None
        self.stale = 0
        self.drops = 0

    def factor(self, step: int) -> float:
        """Return the factor for the update that follows `step` finished ones (0 for the first update).

        Warm-up rises as (step+1)/warmup_steps. Linear and cosine start at 1 on the first update after the warm-up and
        would reach 0 at `steps`, so that the last update still moves.
        """
        r = self.recipe
        if step < r.warmup_steps:
            return (step + 1) / r.warmup_steps
        done = (step - r.warmup_steps) / (r.steps - r.warmup_steps)  # 0 <= done < 1
        if r.schedule == "linear":
            return 1.0 - done
        if r.schedule == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * done))
        if r.schedule == "step":
            return r.gamma ** bisect_right(r.milestones, step)
        if r.schedule == "plateau":
            return r.gamma**self.drops
        return 1.0

    def observe(self, figure: float) -> None:
        """Take note of a validation figure; "plateau" drops the rate after `patience` ones in a row without a new best.

        A NaN never counts as a best. Other schedules ignore it.
        """
        if self.recipe.schedule != "plateau":
            return
        sign = 1.0 if self.higher_is_better else -1.0
        if not math.isnan(figure) and (self.best is None or sign * figure > sign * self.best):
            self.best = figure
            self.stale = 0
            return
        self.stale += 1
        if self.stale >= self.recipe.patience:
            self.drops += 1
            self.stale = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers."""
        return {"best": self.best, "stale": self.stale, "drops": self.drops}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.best, self.stale, self.drops = state["best"], state["stale"], state["drops"]
