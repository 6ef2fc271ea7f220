"""The degradation experiment of He et al. 2016: plain and residual nets of two depths, trained alike, side by side.

Deeper plain nets have the larger *training* error as well, so it is not over-fitting (figures 1 and 6 of the paper).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casecnn.checks import whole
from casecnn.errors import UsageError
from casecnn.files import atomic_write, write_error
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.training.log import read_log
from casecnn.training.loop import LOG
from casecnn.vision.figure import COLOURS, check_figure, new_figure, save_figure
from casecnn.vision.pipeline.preprocess import convention
from casecnn.vision.training.data import open_training_data
from casecnn.vision.training.recipes import PRESETS
from casecnn.vision.training.run import classification_loss, evaluation, run

NETS = ("plain20", "plain56", "resnet20", "resnet56")

PAPER = {"resnet20": 0.0875, "resnet32": 0.0751, "resnet44": 0.0717, "resnet56": 0.0697, "resnet110": 0.0643}
"""Test errors on CIFAR-10 after 64,000 steps (He 2016, table 6)."""

RESULTS = "degradation.json"


@dataclass(frozen=True)
class Curve:
    """One net's run: errors after steps, fractions from 0 to 1.

    The training error is a running mean over the last batches (distorted images, net in training).
    """

    net: str
    parameters: int
    macs: int
    training: tuple[tuple[int, float], ...]
    test: tuple[tuple[int, float], ...]
    seconds: float

    @property
    def final(self) -> tuple[float, float]:
        """The last training and test error."""
        return self.training[-1][1], self.test[-1][1]


def run_degradation(
    where: str | Path,
    output: str | Path,
    nets: Sequence[str] = NETS,
    *,
    epochs: float | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    limit: int | None = None,
    evaluations: int = 20,
    workers: int = 1,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    progress: bool = True,
) -> list[Curve]:
    """Train every net alike (recipe "resnet-cifar": section 4.2) and return what became of each.

    Each net has a folder of its own in `output`, with log and checkpoint: a run that was stopped goes on where it was,
    and a finished net is not trained again. `evaluations` is how often the test error is measured on the way. Raises
    UsageError for nets that cannot be compared, InputError for data without test images.
    """
    if not nets or len(set(nets)) != len(nets):
        raise UsageError(f"`nets` (={','.join(nets)}) must name at least one net, each once")
    whole("evaluations", evaluations, 1)
    shapes = {get_net(name).input for name in nets}
    if len(shapes) != 1 or len(next(iter(shapes))) != 3:
        raise UsageError(f"`nets` (={','.join(nets)}) must all take images of one size, to be comparable")
    preset = PRESETS["resnet-cifar"]
    data = open_training_data(
        where, preset.framing, convention(next(iter(shapes))), validation=0.0, limit=limit, seed=seed,
        threads=max(1, workers),
    )  # fmt: skip
    if data.test is None:
        raise UsageError(f"'{where}' has no test images; give data with folders train and test")
    recipe = preset.recipe(len(data.train), epochs=epochs, steps=steps, seed=seed, batch_size=batch_size, lr=lr)
    every = -(-recipe.steps // evaluations)
    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    curves = []
    for name in nets:
        net = get_net(name, classes=len(data.classes))
        done = run(
            build(net, init=preset.init, seed=recipe.seed), data, recipe, folder / name, loss=classification_loss(),
            metadata={"net": name, "arguments": {"classes": len(data.classes)}}, augmentation=preset.augmentation,
            evaluate=evaluation(data.test, data), evaluate_every=every, log_every=every, workers=workers,
            device=device, resume=resume, progress=progress,
        )  # fmt: skip
        assert done.result is not None
        curves.append(read_curve(name, folder / name, net.parameters, net.macs, done.result.elapsed))
    return curves


def read_curve(name: str, folder: Path, parameters: int, macs: int, seconds: float) -> Curve:
    """The errors of a run from its log."""
    rows = read_log(folder / LOG)
    training = _whole_means([(row["step"], row["error"]) for row in rows if "event" not in row])
    test = tuple((row["step"], row["validation"]["error"]) for row in rows if row.get("event") == "evaluation")
    return Curve(name, parameters, macs, training, test, seconds)


def _whole_means(points: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Means over the steps since the last point; a last one over less than half as many joins the one before it."""
    if len(points) > 1:
        (before, _), (middle, one), (last, other) = points[-3] if len(points) > 2 else (0, 0.0), *points[-2:]
        if 2 * (last - middle) < middle - before:
            mean = (one * (middle - before) + other * (last - middle)) / (last - before)
            return *points[:-2], (last, mean)
    return tuple(points)


def findings(curves: Sequence[Curve]) -> list[str]:
    """What the curves say of depth, a sentence for each pair of nets of one family: shallower, then deeper."""
    sentences = []
    for family, word in (("plain", "plain"), ("resnet", "residual")):
        members = sorted((c for c in curves if c.net.startswith(family)), key=lambda curve: curve.parameters)
        for shallow, deep in zip(members, members[1:], strict=False):
            (train_a, test_a), (train_b, test_b) = shallow.final, deep.final
            verdict = "degrades" if train_b > train_a and test_b > test_a else "does not degrade"
            sentences.append(
                f"{word}: from {shallow.net} to {deep.net} training error goes {train_a:.2%} -> {train_b:.2%}, "
                f"test error {test_a:.2%} -> {test_b:.2%}: depth {verdict}"
            )
    return sentences


def report(curves: Sequence[Curve]) -> str:
    """A row for each net with its errors and the paper's, and what they say of depth."""
    lines = [f"{'net':<12}{'parameters':>12}{'training':>10}{'test':>9}{'paper':>9}"]
    for curve in curves:
        trained, tested = curve.final
        paper = f"{PAPER[curve.net]:.2%}" if curve.net in PAPER else "-"
        lines.append(f"{curve.net:<12}{curve.parameters:>12,}{trained:>10.2%}{tested:>9.2%}{paper:>9}")
    return "\n".join([*lines, *findings(curves)])


def save_results(curves: Sequence[Curve], folder: str | Path, about: dict[str, Any]) -> Path:
    """Write all curves as `degradation.json` into the folder."""
    path = Path(folder) / RESULTS
    content = {
        **about,
        "findings": findings(curves),
        "nets": [
            {
                "net": curve.net,
                "parameters": curve.parameters,
                "macs": curve.macs,
                "seconds": round(curve.seconds, 1),
                "training_error": [list(point) for point in curve.training],
                "test_error": [list(point) for point in curve.test],
                "paper_test_error": PAPER.get(curve.net),
            }
            for curve in curves
        ],
    }
    with atomic_write(path, "w") as stream:
        stream.write(json.dumps(content, indent=1) + "\n")
    return path


def draw_degradation(curves: Sequence[Curve], path: str | os.PathLike[str], note: str = "") -> None:
    """Draw training error (thin, dashed) and test error (bold) over the steps, a panel for each family.

    The ending of `path` is one of matplotlib's: .png, .svg, .pdf. Raises UsageError for another, or without curves.
    """
    check_figure("image", path)
    families = [
        (title, [curve for curve in curves if curve.net.startswith(start)])
        for start, title in (("plain", "plain nets"), ("resnet", "residual nets"))
    ]
    others = [curve for curve in curves if not curve.net.startswith(("plain", "resnet"))]
    panels = [(title, members) for title, members in [*families, ("other nets", others)] if members]
    if not panels:
        raise UsageError("there are no runs to draw")
    highest = max(value for curve in curves for _, value in (*curve.training[-15:], *curve.test[-15:]))
    with new_figure(5.6 * len(panels), 4.4, layout="constrained") as figure:
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, members) in zip(axes, panels, strict=True):
            ordered = sorted(members, key=lambda curve: curve.parameters)
            for number, curve in enumerate(ordered):
                colour = COLOURS[number % len(COLOURS)]
                axis.plot(*zip(*[(s, 100 * e) for s, e in curve.training], strict=True), color=colour, lw=1, ls="--")
                axis.plot(*zip(*[(s, 100 * e) for s, e in curve.test], strict=True), color=colour, lw=2.4)
                step, last = curve.test[-1]
                axis.annotate(f"{curve.net}  {last:.1%}", (step, 100 * last), (6, 10 * (1 if number else -1)),
                              textcoords="offset points", color=colour, va="center", fontsize=10)  # fmt: skip
            axis.set_title(title)
            axis.set_xlabel("steps")
            axis.grid(axis="y", color="#dddddd", lw=0.7)
            axis.margins(x=0.02)
            axis.set_xticks([step for step in axis.get_xticks() if step <= max(c.test[-1][0] for c in members)])
            axis.set_xlim(0, axis.get_xlim()[1] * 1.31)
        axes[0].set_ylim(0, min(100.0, 110 * highest))
        axes[0].set_ylabel("error (%)")
        text = "bold: test error, dashed: training error" + (f"; {note}" if note else "")
        figure.supxlabel(text, fontsize=9, color="#666666")
        save_figure(figure, path, "image", 160)
