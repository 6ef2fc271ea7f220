"""The learning-rate finder of Smith (2017): the loss while the rate rises from tiny to huge, and what to take."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.seeds import derive_seed
from casecnn.torch_net.precision import choose_device
from casecnn.training.optimizers import build_optimizers, set_rate
from casecnn.vision.figure import COLOURS, GREY, check_figure, new_figure, save_figure
from casecnn.vision.pipeline.batches import TrainingBatches
from casecnn.vision.training.fit import prepared
from casecnn.vision.training.recipes import Preset

LOWEST, HIGHEST = 1e-5, 10.0
"""The rates that are tried, as fractions of and times the recipe's own."""


@dataclass(frozen=True)
class RateCurve:
    """The smoothed loss at each rate, and the rate to take: a tenth of the one with the least loss."""

    net: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggested: float
    steepest: float

    def as_dict(self) -> dict[str, Any]:
        """The curve for programs."""
        return {**vars(self), "rates": list(self.rates), "losses": list(self.losses)}

    def text(self) -> str:
        """The answer in a line."""
        return (
            f"{self.net}: take a peak rate of about {self.suggested:.2g}, a tenth of the rate with the least loss; "
            f"the loss falls fastest at {self.steepest:.2g}"
        )


def find_rate(
    name: str, where: str | Path, preset: Preset, *, steps: int = 100, changes: Mapping[str, Any] | None = None,
    device: str = "auto", seed: int = 0, **options: Any,
) -> RateCurve:  # fmt: skip
    """Train for `steps` batches while the rate rises exponentially, and note the loss of each.

    It stops early where the loss is four times the least. `options` are those of
    `casecnn.vision.training.fit.train_net` about data and net. The net is not kept. Raises what `train_net` does, and
    InputError where the loss never falls.
    """
    whole("steps", steps, 20)
    job = prepared(name, where, preset, seed=seed, changes=changes, steps=steps, **options)
    chosen = choose_device(device)
    module = job.module.to(chosen).train()
    optimizers = build_optimizers(module, job.recipe)
    batches = TrainingBatches(job.data.train, job.recipe.batch_size, job.data.preprocess, job.augmentation, seed)
    rates: list[float] = []
    losses: list[float] = []
    running, least = 0.0, math.inf
    for step in range(steps):
        factor = LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1))
        set_rate(optimizers, factor)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, step))
            value, _ = job.loss(module, tuple(tensor.to(chosen) for tensor in batches(step)))
        running = 0.9 * running + 0.1 * float(value.detach())
        smooth = running / (1 - 0.9 ** (step + 1))
        if not math.isfinite(smooth) or (step > 10 and smooth > 4 * least):
            break
        rates.append(job.recipe.lr * factor)
        losses.append(smooth)
        least = min(least, smooth)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        value.backward()
        for optimizer in optimizers:
            optimizer.step()
    best = int(np.argmin(losses)) if losses else 0
    if best == 0:
        raise InputError("the loss never falls, whatever the rate; look at the data and the labels")
    return RateCurve(name, tuple(rates), tuple(losses), rates[best] / 10, rates[steepest(losses[: best + 1])])


def steepest(losses: Sequence[float]) -> int:
    """Return the place where a curve falls fastest, over a tenth of it on either side.

    Its first tenth, a mean of too few batches to be smooth, does not count.
    """
    reach = max(1, len(losses) // 10)
    falls = [losses[place - reach] - losses[place + reach] for place in range(2 * reach, len(losses) - reach)]
    return 2 * reach + int(np.argmax(falls)) if falls else len(losses) - 1


def draw_rates(found: RateCurve, path: str | os.PathLike[str]) -> None:
    """Draw the loss over the rate with the suggestion marked; .png, .svg or .pdf."""
    check_figure("output", path)
    with new_figure(7.2, 4.4, layout="constrained") as figure:
        axes = figure.add_subplot()
        axes.plot(found.rates, found.losses, color=COLOURS[0], lw=2)
        axes.axvline(found.suggested, color=COLOURS[1], lw=1.2, ls="--")
        axes.annotate(f"take {found.suggested:.2g}", (found.suggested, max(found.losses)), (5, -4), color=COLOURS[1],
                      textcoords="offset points", va="top")  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
        axes.set(xlabel="learning rate", ylabel="training loss, smoothed", title=f"{found.net}: loss as the rate rises")
        axes.title.set(fontsize=11, color=GREY)
        axes.grid(color="#dddddd", lw=0.7)
        save_figure(figure, path, "output")
