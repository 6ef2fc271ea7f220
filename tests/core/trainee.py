"""A small training run that tests start in their own process, or in another one.

`python trainee.py RECIPE FOLDER dropout|plain MINUTES [SECONDS]`: minutes between checkpoints, seconds a batch takes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.errors import CasecnnError
from casecnn.training.epochs import EpochSource
from casecnn.training.loop import TrainResult, train
from casecnn.training.recipe import Recipe

RECIPES = {
    "muon": Recipe(
        optimizer="muon",
        lr=0.02,
        adam_lr=1e-3,
        steps=40,
        batch_size=8,
        weight_decay=0.01,
        schedule="plateau",
        patience=1,
        gamma=0.5,
        warmup_steps=3,
        clip_norm=1.0,
        ema_decay=0.9,
        max_norm=0.6,
        max_norm_parameters=("head.weight",),
        precision="float32",
        seed=3,
    ),
    "sgd": Recipe(
        optimizer="sgd",
        lr=0.05,
        steps=40,
        batch_size=8,
        weight_decay=1e-3,
        schedule="cosine",
        clip_norm=1.0,
        ema_decay=0.9,
        precision="float32",
    ),
}


def net(dropout: bool = True) -> nn.Module:
    """Two convolutions with batch normalisation and dropout, or (for runs shared out among processes) without."""
    torch.manual_seed(0)
    model = nn.Sequential()
    model.add_module("conv1", nn.Conv2d(2, 6, 3, padding=1))
    if dropout:
        model.add_module("norm1", nn.BatchNorm2d(6))
    model.add_module("relu1", nn.ReLU())
    model.add_module("conv2", nn.Conv2d(6, 8, 3, padding=1))
    model.add_module("relu2", nn.ReLU())
    model.add_module("flatten", nn.Flatten())
    if dropout:
        model.add_module("drop", nn.Dropout(0.3))
    model.add_module("head", nn.Linear(8 * 25, 3))
    return model


def data() -> tuple[Tensor, Tensor]:
    """Sixty pictures of three classes: which of three rows is bright."""
    generator = torch.Generator().manual_seed(1)
    x, y = torch.rand(60, 2, 5, 5, generator=generator), torch.arange(60) % 3
    x[torch.arange(60), :, y] += 0.5
    return x, y


def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
    logits = model(batch[0])
    return nn.functional.cross_entropy(logits, batch[1]), {"top1": (logits.argmax(1) == batch[1]).float().mean()}


def evaluate(model: nn.Module) -> dict[str, float]:
    value, figures = loss(model, data())
    return {"loss": value.item(), "top1": figures["top1"].item()}


def start(
    folder: str | Path, recipe: Recipe, *, dropout: bool = True, delay: float = 0.0, **options: Any
) -> TrainResult:
    settings: dict[str, Any] = dict(loss=loss, evaluate=evaluate, evaluate_every=5, log_every=1)
    settings |= dict(device="cpu", progress=False)
    if recipe.schedule == "plateau":
        settings |= dict(metric="top1", better="higher")  # ties are no progress
    batches = EpochSource(data(), recipe.batch_size, seed=5)

    def source(step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        time.sleep(delay)
        return batches(step, rank, world)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # fastest for so small a net, and the same bits in every process
    try:
        return train(net(dropout), source, recipe, output=folder, **{**settings, **options})
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    name, folder, kind, minutes, *delay = sys.argv[1:]
    try:
        start(
            folder,
            RECIPES[name],
            dropout=kind == "dropout",
            checkpoint_minutes=float(minutes),
            delay=float(delay[0]) if delay else 0.0,
        )
    except CasecnnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
