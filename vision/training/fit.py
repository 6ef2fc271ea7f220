"""Train a case-study net on labelled images with a paper's recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import casecnn.torch_net.precision  # noqa: F401  before torch computes
from casecnn.checks import whole, within
from casecnn.errors import UsageError
from casecnn.layers.net import Net
from casecnn.nets.catalogue import get_net, usual_name
from casecnn.torch_net.build import Network, build
from casecnn.torch_net.historic import RadialBasis
from casecnn.training.loop import Loss
from casecnn.training.recipe import Recipe
from casecnn.vision.evaluation.measure import measure as measure
from casecnn.vision.pipeline.augment import Augmentation
from casecnn.vision.pipeline.preprocess import convention
from casecnn.vision.training.class_weights import class_weights
from casecnn.vision.training.data import TrainingData as TrainingData
from casecnn.vision.training.data import open_training_data as open_training_data
from casecnn.vision.training.data import split_indices as split_indices
from casecnn.vision.training.recipes import Preset
from casecnn.vision.training.run import Trained, run
from casecnn.vision.training.run import classification_loss as classification_loss
from casecnn.vision.training.run import use_threads as use_threads
from casecnn.weights.state_dict import fill, load


def net_for(
    name: str, classes: int, channels: int | None = None, size: int | None = None
) -> tuple[Net, dict[str, Any]]:
    """Return a net of the catalogue for that many classes, and the arguments that declare it again."""
    arguments = {"classes": classes, "in_channels": channels, "size": size}
    given: dict[str, Any] = {key: value for key, value in arguments.items() if value is not None}
    return get_net(name, **given), given


@dataclass(frozen=True)
class Job:
    """A training that can begin: net, data, recipe, augmentation, loss, and the facts that go into its file."""

    module: Network
    data: TrainingData
    recipe: Recipe
    augmentation: Augmentation
    loss: Loss
    metadata: Mapping[str, Any]


def prepared(
    name: str,
    where: str | Path,
    preset: Preset,
    *,
    test: str | Path | None = None,
    validation: float | str | Path | None = None,
    limit: int | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    augmentation: Augmentation | None = None,
    channels: int | None = None,
    size: int | None = None,
    initial: str | Path | None = None,
    label_smoothing: float | None = None,
    weights_of_classes: str | None = None,
    watched: bool = False,
    workers: int = 1,
    seed: int = 0,
    command: str = "",
    changes: Mapping[str, Any] | None = None,
) -> Job:
    """Open the data and build the net for a training; see `train_net`, whose parameters these are."""
    name = usual_name(name)
    changes = dict(changes or {})
    plateau = (changes.get("schedule") or preset.schedule) == "plateau"
    shape = get_net(name, in_channels=channels, size=size).input
    if len(shape) != 3:
        raise UsageError(f"net `{name}` does not take images")
    data = open_training_data(
        where, preset.framing, convention(shape), test=test, validation=validation, limit=limit, seed=seed,
        threads=max(1, workers), watched=plateau or watched,
    )  # fmt: skip
    if data.validation is None and (plateau or watched):
        what = "`schedule` (=plateau)" if plateau else "`stop_after`"
        raise UsageError(f"{what} needs images to measure on; give `validation`")
    net, arguments = net_for(name, len(data.classes), channels, size)
    recipe = preset.recipe(len(data.train), epochs=epochs, steps=steps, seed=seed, **changes)
    how = preset.augmentation if augmentation is None else augmentation
    if how.pca and shape[0] != 3 and augmentation is None:
        how = replace(how, pca=0.0)  # the preset's, but a grey net has no colours to vary
    module = build(net, init=preset.init, seed=seed)
    if initial is not None:
        fill(module, load(initial, float32=True).tensors, initial)
    smoothing = preset.label_smoothing if label_smoothing is None else label_smoothing
    within("label_smoothing", smoothing, 0, 1)
    counts = class_weights(weights_of_classes, data.classes, data.train.labels)
    distances = any(isinstance(part, RadialBasis) for part in module.modules())
    loss = classification_loss(preset.auxiliary, (), preset.rubbish if distances else None, smoothing, counts)
    metadata = {
        "net": name,
        "arguments": arguments,
        "preset": preset.name,
        "deviations": list(preset.deviations),
        "init": str(initial) if initial is not None else preset.init,
        "command": command,
        **({"label_smoothing": smoothing} if smoothing else {}),
        **({"class_weights": list(counts)} if counts else {}),
    }
    return Job(module, data, recipe, how, loss, metadata)


def train_net(
    name: str,
    where: str | Path,
    output: str | Path,
    preset: Preset,
    *,
    evaluate_epochs: float = 1.0,
    stop_after: int | None = None,
    workers: int = 1,
    device: str = "auto",
    resume: bool = True,
    progress: bool = True,
    checkpoint_minutes: float = 5.0,
    **settings: Any,
) -> Trained:
    """Train net `name` on the images of `where` and write `NAME.safetensors` with metadata into the folder `output`.

    The preset gives recipe, initial weights, framing and augmentation. `settings` are those of `prepared`: `changes`
    are fields of `Recipe` in place of the preset's, `augmentation` is in place of its own, `epochs` or `steps` say how
    long; `test`, `validation` and `limit` are as for `casecnn.vision.training.data.open_training_data`; `channels` and
    `size` change the net's input; `initial` is a file of weights to start from; `weights_of_classes` says how much each
    class counts (see `casecnn.vision.training.class_weights`).

    Every `evaluate_epochs` the net is measured on the validation images; the test images are measured once, at the end.
    The weights are the last ones (averaged with `ema_decay`), never chosen by a measurement, but for one case: after
    `stop_after` measurements in a row without a new best the training stops, and the best weights are kept.

    Raises InputError or UsageError for data, net and numbers that do not fit, and what `casecnn.training.loop.train`
    does.
    """
    if stop_after is not None:
        whole("stop_after", stop_after, 1)
    job = prepared(name, where, preset, workers=workers, watched=stop_after is not None, **settings)
    return run(
        job.module, job.data, job.recipe, output, loss=job.loss, metadata=job.metadata, augmentation=job.augmentation,
        evaluate_epochs=evaluate_epochs, stop_after=stop_after, workers=workers, device=device, resume=resume,
        progress=progress, checkpoint_minutes=checkpoint_minutes,
    )  # fmt: skip
