"""A policy net trained on packed games in a file, and what the training says at its end."""

from __future__ import annotations

import json
from typing import Any

from casecnn.go.data.archive import load_archive
from casecnn.go.net.training import WEIGHTS, train_policy
from casecnn.training.recipe import Recipe
from casecnn.training.run import TrainResult


def train_file(
    data: str, recipe: Recipe, output: str, *, validation: str | None, evaluate_every: int, **settings: Any
) -> TrainResult:
    """Train on the games of a file, and measure on those of the file ``validation`` where there is one.

    ``settings`` go to `casecnn.go.net.training.train_policy`, which says what is raised.
    """
    archive = load_archive(data)
    held_out = load_archive(validation) if validation else None
    every = evaluate_every if validation else None
    return train_policy(archive, recipe, output, validation=held_out, evaluate_every=every, **settings)


def training_facts(result: TrainResult, output: str) -> dict[str, Any]:
    """The facts of a training for `json.dumps`."""
    return {
        "weights": f"{output}/{WEIGHTS}",
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "validation": result.best.metrics if result.best else None,
    }


def training_text(result: TrainResult, output: str) -> str:
    """The facts of a training in a line, and below it the best figures where something was measured."""
    text = f"{output}/{WEIGHTS}: {result.step} steps in {result.elapsed:.0f} s"
    if not result.best:
        return text
    return f"{text}\nbest on validation: {json.dumps(result.best.metrics)} after {result.best.step} steps"
