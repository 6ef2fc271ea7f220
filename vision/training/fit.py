"""Train a case-study net on labelled pictures with a paper's recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import casecnn.torch_net.precision  # noqa: F401  before torch computes
from casecnn.errors import InputError, UsageError
from casecnn.layers.net import Net
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.torch_net.historic import RadialBasis
from casecnn.training.loop import TrainResult, train
from casecnn.vision.data.labelled_images import ImageData, open_data
from casecnn.vision.pipeline.augment import Augmentation, colour_basis
from casecnn.vision.pipeline.batches import (
    IGNORED,
    Pictures,
    TrainingBatches,
    gather,
    in_order,
    prepare,
    sample_of,
    with_statistics,
)
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.preprocess import Preprocess, convention
from casecnn.vision.training.recipes import Preset
from casecnn.weights.state_dict import fill, load, save


@dataclass(frozen=True)
class TrainingData:
    """What a run needs of its data: pictures to train on, pictures to measure on, and how they become numbers.

    `held_out` are pictures of the training part that are not trained on: what a plateau schedule looks at. `test` is
    only measured, never chosen by. Either may be None.
    """

    classes: tuple[str, ...]
    train: Pictures
    held_out: Pictures | None
    test: Pictures | None
    preprocess: Preprocess
    source: str


def split_indices(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample numbers to train on and to hold out, rising, the same `share` of every class held out, rounded.

    Raises UsageError for a share that is not from 0 to 0.9, or that leaves no picture to train on or none to measure.
    """
    if not 0 <= share <= 0.9:
        raise UsageError(f"`--validation` (={share:g}) must be a share from 0 to 0.9")
    held = np.zeros(len(labels), bool)
    generator = np.random.default_rng(seed)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        held[generator.permutation(members)[: round(share * len(members))]] = True
    if share and (held.all() or not held.any()):
        raise UsageError(f"`--validation` (={share:g}) leaves {held.sum()} of {len(labels)} pictures to measure on")
    return np.flatnonzero(~held), np.flatnonzero(held)


def open_training_data(
    where: str | Path,
    framing: Framing,
    preprocess: Preprocess,
    *,
    test: str | Path | None = None,
    validation: float = 0.0,
    limit: int | None = None,
    seed: int = 0,
    threads: int = 2,
    statistics: bool = True,
) -> TrainingData:
    """Open a data set for training.

    `where` is as for `casecnn.vision.data.labelled_images.open_data`: its part "train" where it has one, else all of
    it. The test pictures are those of `test`, or the part "test" of `where`, or "validation"; there may be none.
    `validation` is the share of the training pictures that is held out, `limit` trains on so many of them alone. With
    `statistics` the mean and standard deviation of `preprocess` are replaced by those of the training pictures.
    """
    data = _part(where, "train") or open_data(where, split="all")
    if len(data.classes) < 2:
        raise InputError(f"'{data}' holds one class, '{data.classes[0]}'; a net needs at least two to tell apart")
    if test is not None:
        tested: ImageData | None = open_data(test)
    else:
        tested = (_part(where, "test") or _part(where, "validation")) if data.split else None
    if tested is not None and tested.classes != data.classes:
        if not set(tested.classes) <= set(data.classes):
            extra = min(set(tested.classes) - set(data.classes))
            raise InputError(f"'{tested}' has the class '{extra}', which '{data}' lacks; the classes must be the same")
    if limit is not None:
        data = data.take(limit, seed)
    kept, held = split_indices(data.labels, validation, seed)
    everything = gather(data, framing, preprocess)
    whole = everything if not len(held) else everything.part(kept)
    pictures = prepare(whole, threads=threads)
    return TrainingData(
        data.classes,
        pictures,
        prepare(everything.part(held), training=False, threads=threads) if len(held) else None,
        None if tested is None else _measured(tested, data.classes, framing, preprocess, threads),
        with_statistics(preprocess, sample_of(pictures)) if statistics else preprocess,
        str(data.source),
    )


def _part(where: str | Path, split: str) -> ImageData | None:
    """A part of a data set; None where it has no such part."""
    try:
        return open_data(where, split=split)
    except UsageError as error:
        if "has no split" in str(error):
            return None
        raise


def _measured(
    data: ImageData, classes: tuple[str, ...], framing: Framing, preprocess: Preprocess, threads: int
) -> Pictures:
    pictures = gather(data, framing, preprocess)
    numbers = np.array([classes.index(name) for name in data.classes], np.int64)
    pictures.labels = numbers[pictures.labels]
    return prepare(pictures, training=False, threads=threads)


def classification_loss(
    auxiliary: float = 0.3, frozen: Sequence[nn.Module] = (), rubbish: float | None = None, label_smoothing: float = 0.0
) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, Mapping[str, Tensor]]]:
    """The loss for `casecnn.training.loop.train`: cross-entropy of the labels, and the error on the batch.

    The losses of auxiliary heads (a net that returns a named tuple) count `auxiliary` times each. `frozen` modules are
    put into evaluation mode before every step: their dropout rests, and their BatchNorm neither uses nor changes
    anything but its running averages. Labels that are IGNORED do not count. `rubbish` is the j of LeCun 1998, equation
    9, for a net whose logits are minus distances: one more class, to which no picture belongs, at the distance j from
    each. A wrong class farther away than j costs next to nothing, and the right one is drawn nearer than j.
    """

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        images, labels = batch
        for module in frozen:
            module.eval()
        output = model(images)
        logits, *heads = output if isinstance(output, tuple) else (output,)
        compared = logits.float() if rubbish is None else F.pad(logits.float(), (0, 1), value=-rubbish)
        value = F.cross_entropy(compared, labels, ignore_index=IGNORED, label_smoothing=label_smoothing)
        for head in heads:
            value = value + auxiliary * F.cross_entropy(head.float(), labels, ignore_index=IGNORED)
        wrong = (logits.detach().argmax(1) != labels) & (labels != IGNORED)
        return value, {"error": wrong.float().mean()}

    return loss


@torch.no_grad()
def measure(
    module: nn.Module, pictures: Pictures, preprocess: Preprocess, *, batch_size: int = 256, threads: int = 2
) -> dict[str, float]:
    """Top-1 and top-5 error, shares from 0 to 1, and mean cross-entropy on pictures, on the module's device.

    Pictures that cannot be read are left out; "pictures" is how many counted. Top-5 is left out where there are no more
    than 5 classes. Sets evaluation mode for the time and puts the mode back.
    """
    device = next(module.parameters()).device
    training = module.training
    module.eval()
    wrong = wrong5 = count = 0
    total = 0.0
    classes = 0
    try:
        for images, labels in in_order(pictures, preprocess, batch_size, threads):
            good = labels != IGNORED
            images, labels = images[good].to(device), labels[good].to(device)
            if not len(labels):
                continue
            logits = module(images).float()
            classes = logits.shape[1]
            rank = (logits > logits.gather(1, labels[:, None])).sum(1)
            wrong += int((rank >= 1).sum())
            wrong5 += int((rank >= 5).sum())
            count += len(labels)
            total += float(F.cross_entropy(logits, labels, reduction="sum"))
    finally:
        module.train(training)
    if not count:
        raise InputError("none of the pictures to measure on can be read")
    figures = {"error": wrong / count, "top5_error": wrong5 / count, "loss": total / count, "pictures": float(count)}
    if classes <= 5:
        del figures["top5_error"]
    return figures


@dataclass(frozen=True)
class Trained:
    """A finished run: where the weights are, and what the net does on the test pictures (None without any)."""

    weights: Path
    result: TrainResult
    figures: dict[str, float] | None
    declaration: Net


def use_threads(count: int | None) -> None:
    """Let torch compute with so many threads; None leaves its choice. UsageError for less than one."""
    if count is not None:
        if count < 1:
            raise UsageError(f"`--threads` (={count}) must be at least 1")
        torch.set_num_threads(count)


def net_for(
    name: str, classes: int, channels: int | None = None, size: int | None = None
) -> tuple[Net, dict[str, Any]]:
    """A net of the catalogue for so many classes, and the arguments that declare it again."""
    arguments = {"classes": classes, "in_channels": channels, "size": size}
    given: dict[str, Any] = {key: value for key, value in arguments.items() if value is not None}
    return get_net(name, **given), given


def train_net(
    name: str,
    where: str | Path,
    output: str | Path,
    preset: Preset,
    *,
    test: str | Path | None = None,
    validation: float | None = None,
    limit: int | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    augmentation: Augmentation | None = None,
    channels: int | None = None,
    size: int | None = None,
    initial: str | Path | None = None,
    evaluate_epochs: float = 1.0,
    workers: int = 1,
    seed: int = 0,
    command: str = "",
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Trained:
    """Train net `name` on the pictures of `where` and write `NAME.safetensors` with metadata into the folder `output`.

    The preset gives recipe, initial weights, framing and augmentation; `changes` are fields of `Recipe` in place of the
    preset's, `augmentation` in place of its own. `validation` is the share of the training pictures that is held out
    (by default none, or a tenth where the schedule is "plateau"); every `evaluate_epochs` the net is measured on them,
    or on the test pictures where none are held out. The weights are the last ones (averaged with `ema_decay`), never
    chosen by a measurement. `channels` and `size` change the net's input; `initial` is a file of weights to start from.
    `options` go to `casecnn.training.loop.train` (device, resume, progress, checkpoint_minutes ...).

    Raises what that raises, and InputError or UsageError for data, net and numbers that do not fit.
    """
    changes = dict(changes or {})
    plateau = changes.get("schedule", preset.schedule) == "plateau"
    share = (0.1 if plateau else 0.0) if validation is None else validation
    shape = get_net(name, in_channels=channels, size=size).input
    if len(shape) != 3:
        raise UsageError(f"net `{name}` does not take pictures")
    data = open_training_data(
        where, preset.framing, convention(shape), test=test, validation=share, limit=limit, seed=seed,
        threads=max(1, workers),
    )  # fmt: skip
    net, arguments = net_for(name, len(data.classes), channels, size)
    recipe = preset.recipe(len(data.train), epochs=epochs, steps=steps, seed=seed, **changes)
    how = preset.augmentation if augmentation is None else augmentation
    if how.pca and shape[0] != 3 and augmentation is None:
        how = replace(how, pca=0.0)  # the preset's, but a grey net has no colours to vary
    if how.pca:
        how = how.with_basis(colour_basis(sample_of(data.train)))
    module = build(net, init=preset.init, seed=seed)
    distances = any(isinstance(part, RadialBasis) for part in module.modules())
    if initial is not None:
        fill(module, load(initial, float32=True).tensors, initial)
    source = TrainingBatches(data.train, recipe.batch_size, data.preprocess, how, seed)
    measured = data.held_out if data.held_out is not None else data.test
    if plateau and measured is None:
        raise UsageError("`schedule` (='plateau') needs pictures to measure on; give --validation or --test")
    metadata = {
        "net": name,
        "arguments": arguments,
        "classes": list(data.classes),
        "preprocessing": str(data.preprocess),
        "data": data.source,
        "training_pictures": len(data.train),
        "preset": preset.name,
        "deviations": list(preset.deviations),
        "augmentation": str(how),
        "init": str(initial) if initial is not None else preset.init,
        "command": command,
    }
    evaluate_every = max(1, round(evaluate_epochs * len(data.train) / recipe.batch_size)) if measured else None
    result = train(
        module,
        source,
        recipe,
        loss=classification_loss(
            preset.auxiliary,
            rubbish=preset.rubbish if distances else None,
            label_smoothing=preset.label_smoothing,
        ),
        output=output,
        evaluate=None if measured is None else lambda net: measure(net, measured, data.preprocess),
        evaluate_every=evaluate_every,
        metric="error",
        workers=workers,
        worker_kind=source.kind,
        metadata=metadata,
        **options,
    )
    figures = None
    if result.first:
        module.load_state_dict(result.weights)
        if data.test is not None:
            figures = measure(module, data.test, data.preprocess)
        path = Path(output) / f"{name}.safetensors"
        save(path, result.weights, {**metadata, "recipe": recipe.to_dict(), "steps": result.step, "test": figures})
    return Trained(Path(output) / f"{name}.safetensors", result, figures, net)
