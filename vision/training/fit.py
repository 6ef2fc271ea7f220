"""Train a case-study net on labelled images with a paper's recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import casecnn.torch_net.precision  # noqa: F401  before torch computes
from casecnn.errors import UsageError
from casecnn.layers.net import Net
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.torch_net.historic import RadialBasis
from casecnn.vision.evaluation.measure import measure as measure
from casecnn.vision.pipeline.augment import Augmentation
from casecnn.vision.pipeline.preprocess import convention
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


def train_net(
    name: str,
    where: str | Path,
    output: str | Path,
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
    evaluate_epochs: float = 1.0,
    workers: int = 1,
    seed: int = 0,
    command: str = "",
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Trained:
    """Train net `name` on the images of `where` and write `NAME.safetensors` with metadata into the folder `output`.

    The preset gives recipe, initial weights, framing and augmentation; `changes` are fields of `Recipe` in place of the
    preset's, `augmentation` in place of its own. `test`, `validation` and `limit` are as for
    `casecnn.vision.training.data.open_training_data`. Every `evaluate_epochs` the net is measured on the validation
    images; the test images are measured once, at the end. The weights are the last ones (averaged with `ema_decay`),
    never chosen by a measurement. `channels` and `size` change the net's input; `initial` is a file of weights to start
    from. `options` go to `casecnn.training.loop.train` (device, resume, progress, checkpoint_minutes ...).

    Raises what that raises, and InputError or UsageError for data, net and numbers that do not fit.
    """
    changes = dict(changes or {})
    plateau = (changes.get("schedule") or preset.schedule) == "plateau"
    shape = get_net(name, in_channels=channels, size=size).input
    if len(shape) != 3:
        raise UsageError(f"net `{name}` does not take pictures")
    data = open_training_data(
        where,
        preset.framing,
        convention(shape),
        test=test,
        validation=validation,
        limit=limit,
        seed=seed,
        threads=max(1, workers),
        watched=plateau,
    )
    if plateau and data.validation is None:
        raise UsageError("`schedule` (=plateau) needs pictures to measure on; give `validation`")
    net, arguments = net_for(name, len(data.classes), channels, size)
    recipe = preset.recipe(len(data.train), epochs=epochs, steps=steps, seed=seed, **changes)
    how = preset.augmentation if augmentation is None else augmentation
    if how.pca and shape[0] != 3 and augmentation is None:
        how = replace(how, pca=0.0)  # the preset's, but a grey net has no colours to vary
    module = build(net, init=preset.init, seed=seed)
    distances = any(isinstance(part, RadialBasis) for part in module.modules())
    if initial is not None:
        fill(module, load(initial, float32=True).tensors, initial)
    metadata = {
        "net": name,
        "arguments": arguments,
        "preset": preset.name,
        "deviations": list(preset.deviations),
        "init": str(initial) if initial is not None else preset.init,
        "command": command,
    }
    rubbish = preset.rubbish if distances else None
    return run(
        module,
        data,
        recipe,
        output,
        metadata=metadata,
        augmentation=how,
        evaluate_epochs=evaluate_epochs,
        workers=workers,
        loss=classification_loss(preset.auxiliary, (), rubbish, preset.label_smoothing),
        **options,
    )
