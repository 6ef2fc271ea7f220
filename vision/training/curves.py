"""The curves of training runs, drawn from their logs alone: errors and losses over the epochs, and the rate."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casecnn.errors import InputError
from casecnn.training.log import read_log
from casecnn.training.run import LOG
from casecnn.vision.figure import COLOURS, GREY, check_figure, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class RunCurves:
    """What one run's log says, each as (epoch, value): training and validation error, training loss, learning rate.

    The training error is of distorted images with the net in training, a mean since the point before.
    """

    name: str
    training: Points
    validation: Points
    loss: Points
    rate: Points

    def as_dict(self) -> dict[str, Any]:
        """The curves for programs."""
        return {"run": self.name, "training_error": self.training, "validation_error": self.validation,
                "training_loss": self.loss, "learning_rate": self.rate}  # fmt: skip

    def line(self) -> str:
        """The end of the run, and its best validation error, on a line."""
        parts = [f"{self.name}: {self.loss[-1][0]:.1f} epochs"] if self.loss else [f"{self.name}: nothing logged yet"]
        if self.training:
            parts.append(f"training error {self.training[-1][1]:.2%}")
        if self.validation:
            best = min(self.validation, key=lambda point: point[1])
            parts.append(f"validation error {self.validation[-1][1]:.2%}, least {best[1]:.2%} after {best[0]:.1f}")
        return ", ".join(parts)


def read_curves(run: str | os.PathLike[str]) -> RunCurves:
    """Read the curves of a run from its folder or its `log.jsonl`; InputError where there is none."""
    path = Path(run)
    file = path / LOG if path.is_dir() else path
    rows = read_log(file)
    start = next((row for row in rows if row.get("event") in ("start", "resume")), None)
    if start is None or "recipe" not in start:
        raise InputError(f"'{file}' is not the log of a training run; give a run's folder, or its {LOG}")
    images = start.get("metadata", {}).get("training_pictures")
    epoch = (images or start["recipe"]["batch_size"]) / start["recipe"]["batch_size"]
    steps = [row for row in rows if "event" not in row]
    evaluations = [row for row in rows if row.get("event") == "evaluation"]

    def points(found: Sequence[dict[str, Any]], key: str) -> Points:
        return tuple((row["step"] / epoch, row[key]) for row in found if row.get(key) is not None)

    errors = tuple((row["step"] / epoch, row["validation"]["error"]) for row in evaluations)
    name = file.parent.resolve().name if file.name == LOG else file.stem
    return RunCurves(name, points(steps, "error"), errors, points(steps, "loss"), points(steps, "lr"))


def draw_curves(runs: Sequence[RunCurves], path: str | os.PathLike[str]) -> None:
    """Draw runs into one figure: errors above, the loss and the learning rate below; .png, .svg or .pdf.

    Raises UsageError for another ending, InputError where no run has logged anything.
    """
    check_figure("output", path)
    if not any(run.loss for run in runs):
        raise InputError("no run has logged anything yet; wait for its first 100 steps")
    with new_figure(8.4, 6.6, layout="constrained") as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        right = lower.twinx()
        for number, run in enumerate(runs):
            colour = COLOURS[number % len(COLOURS)]
            if run.training:
                upper.plot(*zip(*((x, 100 * y) for x, y in run.training), strict=True), color=colour, lw=1, ls="--")
            if run.validation:
                points = [(x, 100 * y) for x, y in run.validation]
                upper.plot(*zip(*points, strict=True), color=colour, lw=2.2, marker="o", ms=3)
                _name(upper, points[-1], f"{run.name}  {points[-1][1]:.1f} %", colour)
            elif run.training:
                x, y = run.training[-1]
                _name(upper, (x, 100 * y), run.name, colour)
            if run.loss:
                lower.plot(*zip(*run.loss, strict=True), color=colour, lw=1.2)
                right.plot(*zip(*run.rate, strict=True), color=GREY, lw=0.9, ls=":")
        last = [run.validation[-1][1] for run in runs if run.validation]
        tails = [y for run in runs for _, y in run.training[len(run.training) // 4 :]]
        upper.set_ylim(0, min(100, 115 * max([*tails, *last], default=1)))
        upper.set(ylabel="error (%)", title="bold: validation error; dashed: training error, on distorted images")
        upper.title.set(fontsize=10, color=GREY)
        upper.grid(axis="y", color="#dddddd", lw=0.7)
        lower.set(xlabel="epochs", ylabel="training loss")
        lower.set_ylim(bottom=0)
        right.set_ylabel("learning rate (dotted)", color=GREY)
        right.set_ylim(bottom=0)
        right.tick_params(colors=GREY)
        right.spines["right"].set_visible(True)
        save_figure(figure, path, "output")


def _name(axes: Axes, point: tuple[float, float], text: str, colour: str) -> None:
    """Write a run's name at the end of its line, legible over other lines."""
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
    axes.annotate(text, point, (7, 0), textcoords="offset points", color=colour, va="center", fontsize=9, bbox=box,
                  annotation_clip=False, zorder=5)  # fmt: skip
