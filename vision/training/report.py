"""What a finished training says: the facts under stable names, and as lines for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from casecnn.vision.evaluation.confusion import draw_confusion
from casecnn.vision.evaluation.text import class_lines
from casecnn.vision.training.curves import draw_curves, read_curves
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
        "errors": None if done.last is None else {"part": done.last[0], **done.last[1].error_fields()},
    }


def training_text(done: Trained) -> str:
    """The facts of a training as lines."""
    result = done.result
    assert result is not None
    return "\n".join(
        [f"{done.weights}: {result.step:,} step{'s' * (result.step != 1)} in {result.elapsed:.0f} s", *_measured(done)]
    )


def draw_report(done: Trained, output: str | Path) -> list[Path]:
    """Draw the curves of a run and its confusion matrix into its folder; return the files.

    Only process 0 of a run draws, and only what there is: a run that has logged nothing has no curves.
    """
    drawn = []
    if done.result is not None and not done.result.first:
        return []
    if done.result is not None:
        curves = read_curves(done.result.log)
        if curves.loss:
            drawn.append(Path(output) / "curves.png")
            draw_curves([curves], drawn[-1])
    if done.last is not None:
        part, found = done.last
        drawn.append(Path(output) / "confusion.png")
        draw_confusion(found, drawn[-1], f"{done.declaration.name}: {part} error {found.top1.share:.2%}")
    return drawn


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
        "validation": None if done.validation is None else done.validation.figures(),
        "errors": None if done.last is None else {"part": done.last[0], **done.last[1].error_fields()},
    }


def transfer_text(done: Transferred, mode: str) -> str:
    """The facts of a transfer as lines."""
    learned = f"{done.weights}: {mode}, {done.parameters:,} parameters trained ({', '.join(done.trained)})"
    return "\n".join([learned, *_measured(done)])


def _measured(done: Trained) -> list[str]:
    """The errors on the test and validation images, those of each class, and the most frequent mistakes."""
    lines = []
    for part, found in (("test", done.test), ("validation", done.validation)):
        if found is not None:
            low, high = found.top1.interval
            how = " (last weights, not chosen by it)" if part == "test" else ""
            lines.append(
                f"{part} error {found.top1.share:.2%} of {found.pictures:,} images{how}, 95 % sure: {low:.2%} to "
                f"{high:.2%}"
            )
    if done.last is not None:
        lines += ["", *class_lines(done.last[1])]
    return lines
