"""What a finished training says: the facts under stable names, and as lines for people."""

from __future__ import annotations

from typing import Any

from casecnn.vision.training.run import Trained
from casecnn.vision.training.transfer import Transferred


def training_facts(done: Trained, net: str, recipe: str) -> dict[str, Any]:
    """The facts of a training for `json.dumps`."""
    result = done.result
    assert result is not None
    return {
        "weights": str(done.weights),
        "net": net,
        "recipe": recipe,
        "parameters": done.declaration.parameters,
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "test": done.figures,
        "validation": None if done.validation is None else done.validation.figures(),
        "best": None if result.best is None else {"step": result.best.step, **result.best.metrics},
    }


def training_text(done: Trained) -> str:
    """The facts of a training in two lines, or one where nothing was measured."""
    result = done.result
    assert result is not None
    return "\n".join([f"{done.weights}: {result.step:,} steps in {result.elapsed:.0f} s", *_measured(done)])


def transfer_facts(done: Transferred, net: str, mode: str) -> dict[str, Any]:
    """The facts of a transfer for `json.dumps`."""
    return {
        "weights": str(done.weights),
        "net": net,
        "mode": mode,
        "trained": list(done.trained),
        "trained_parameters": done.parameters,
        "features_reused": done.reused,
        "strength": None if done.shallow is None else done.shallow.strength,
        "test": done.figures,
    }


def transfer_text(done: Transferred, mode: str) -> str:
    """The facts of a transfer in two lines, or one where nothing was measured."""
    learned = f"{done.weights}: {mode}, {done.parameters:,} parameters trained ({', '.join(done.trained)})"
    return "\n".join([learned, *_measured(done)])


def _measured(done: Trained) -> list[str]:
    """The error on the test images, else on those that were held out."""
    if done.last is None:
        return []
    part, found = done.last
    figures = found.figures()
    how = " (last weights, not chosen by it)" if part == "test" else ""
    return [f"{part} error {figures['error']:.2%} of {int(figures['pictures']):,} pictures{how}"]
