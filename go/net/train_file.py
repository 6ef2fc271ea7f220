"""A policy net, or a value branch on one, trained on packed games in a file, and what the training says at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from casecnn.go.data.archive import load_archive
from casecnn.go.net import value_training
from casecnn.go.net.training import WEIGHTS, train_policy
from casecnn.go.net.value_training import train_value
from casecnn.training.recipe import Recipe
from casecnn.training.run import TrainResult


def train_file(
    data: str,
    recipe: Recipe,
    output: str,
    *,
    validation: str | None,
    evaluate_every: int,
    value: dict[str, Any] | None = None,
    initial: str | None = None,
    **settings: Any,
) -> tuple[TrainResult, str]:
    """Train on the games of a file, measure on those of the file `validation` if there is one; say where the net lies.

    With `value` (arguments of `casecnn.go.net.value_training.train_value`) a value branch on the policy `initial`, else
    a policy. `settings` go to that function or to `casecnn.go.net.training.train_policy`, which say what is raised.
    """
    archive = load_archive(data)
    held_out = load_archive(validation) if validation else None
    settings |= {"validation": held_out, "evaluate_every": evaluate_every if validation else None}
    if value is not None:
        result = train_value(archive, recipe, output, policy=initial, **value, **settings)
        return result, str(Path(output) / value_training.WEIGHTS)
    return train_policy(archive, recipe, output, initial=initial, **settings), str(Path(output) / WEIGHTS)


def training_facts(result: TrainResult, weights: str) -> dict[str, Any]:
    """The facts of a training for `json.dumps`."""
    return {
        "weights": weights,
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "validation": result.best.metrics if result.best else None,
    }


def training_text(result: TrainResult, weights: str) -> str:
    """The facts of a training in a line, and below it the best figures where something was measured."""
    text = f"{weights}: {result.step} steps in {result.elapsed:.0f} s"
    if not result.best:
        return text
    return f"{text}\nbest on validation: {json.dumps(result.best.metrics)} after {result.best.step} steps"
