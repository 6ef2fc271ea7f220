"""Transfer learning: a trained net is taught other classes (Ng's course, week 2: a new softmax, freezing, all)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from casecnn.checks import one_of, positive
from casecnn.errors import InputError
from casecnn.torch_net.build import Network
from casecnn.torch_net.precision import choose_device
from casecnn.training.recipe import Recipe
from casecnn.vision.pipeline.augment import Augmentation
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.start import Start
from casecnn.vision.start import load_start as load_start
from casecnn.vision.training.data import TrainingData, open_training_data
from casecnn.vision.training.features import Shallow, features_on_disk, fit_shallow
from casecnn.vision.training.head import MODES, Mode, freeze, with_new_head
from casecnn.vision.training.recipes import steps_of
from casecnn.vision.training.run import Trained, classification_loss, finish, run

RATES: dict[Mode, float] = {"head": 0.01, "features": 0.01, "partial": 0.002, "all": 0.002}
"""Peak rates: a new layer may move fast, layers that know something slowly. Ours; the lectures give no numbers."""


@dataclass(frozen=True)
class Transferred(Trained):
    """The end of a transfer: also the names of the parts that learned, and how many parameters they have.

    `shallow` is the model on the features (None in the other modes), `reused` whether the features were on disk.
    """

    trained: tuple[str, ...]
    parameters: int
    shallow: Shallow | None = None
    reused: bool = False


def transfer(
    start: Start,
    where: str | Path,
    output: str | Path,
    mode: Mode,
    *,
    test: str | Path | None = None,
    validation: float | str | Path | None = None,
    limit: int | None = None,
    blocks_count: int = 1,
    epochs: float = 10.0,
    recipe: Mapping[str, Any] | None = None,
    augmentation: Augmentation | None = None,
    strength: float | None = None,
    workers: int = 1,
    seed: int = 0,
    device: str = "auto",
    progress: bool = True,
    command: str = "",
    **options: Any,
) -> Transferred:
    """Teach a trained net the classes of `where` and write `NET.safetensors` into the folder `output`.

    "head": a new last layer on the frozen net. "features": what enters the last layer is computed once for each
    image and kept in `output`; logistic regression on it becomes the last layer (`strength` is its C; None tries
    several). "partial": the last `blocks_count` blocks learn as well; "all": everything does. Frozen parts, running
    averages of BatchNorm among them, end as they began, bit for bit.

    Images are seen as the net saw them in its training (mean and deviation too). The recipe is SGD, momentum 0.9,
    batch 32, weight decay 1e-4, a rate of RATES[mode] that falls along a cosine; `recipe` holds other fields of
    `casecnn.training.recipe.Recipe`. Augmentation is a mirror unless given; nets of large images see windows
    of the shorter side 256 to 480. `options` go to `casecnn.training.loop.train`.

    `test`, `validation` and `limit` are as for `casecnn.vision.training.data.open_training_data`.

    Raises UsageError for a mode or number that is wrong, InputError for data or weights that do not fit.
    """
    one_of("mode", mode, MODES)
    positive("epochs", epochs)
    if strength is not None:
        positive("strength", strength)
    drawn = mode != "features" and min(start.preprocess.crop) >= 64
    framing = Framing("shorter", (256, 480)) if drawn else Framing()
    data = open_training_data(
        where,
        framing,
        start.preprocess,
        test=test,
        validation=validation,
        limit=limit,
        seed=seed,
        threads=max(1, workers),
        statistics=False,
    )
    module, head = with_new_head(start, len(data.classes), seed)
    resting, learning = freeze(module, head, mode, blocks_count)
    count = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    metadata = {
        "net": start.net,
        "arguments": {**start.arguments, "classes": len(data.classes)},
        "transfer": {"mode": mode, "from": start.source, "trained": list(learning)},
        "command": command,
    }
    if mode == "features":
        shallow, reused = fit_head(module, head, data, output, strength, seed, device, progress)
        model = {"kind": "logistic regression", "C": shallow.strength, "held_out_error": shallow.held_out_error}
        facts = {"classes": list(data.classes), "preprocessing": str(data.preprocess), "data": data.source,
                 "training_pictures": len(data.train), "shallow": model}  # fmt: skip
        done = finish(module, data, output, {**metadata, **facts}, None)
        return Transferred(**vars(done), trained=learning, parameters=count, shallow=shallow, reused=reused)
    fields = {
        "optimizer": "sgd", "lr": RATES[mode], "batch_size": 32, "weight_decay": 1e-4, "schedule": "cosine",
        "seed": seed, **{name: value for name, value in (recipe or {}).items() if value is not None},
    }  # fmt: skip
    fields.setdefault("steps", steps_of(epochs, len(data.train), fields["batch_size"]))
    done = run(
        module,
        data,
        Recipe(**fields),
        output,
        loss=classification_loss(frozen=resting),
        metadata=metadata,
        augmentation=Augmentation(mirror=0.5) if augmentation is None else augmentation,
        workers=workers,
        device=device,
        progress=progress,
        **options,
    )
    return Transferred(**vars(done), trained=learning, parameters=count)


def fit_head(
    module: Network,
    head: str,
    data: TrainingData,
    output: str | Path,
    strength: float | None,
    seed: int,
    device: str,
    progress: bool,
) -> tuple[Shallow, bool]:
    """Put logistic regression on the net's features into its layer `head`.

    Also returns whether the features were on disk already. Raises InputError for a layer without biases.
    """
    layer = module.get_submodule(head)
    assert isinstance(layer, nn.Linear)
    if layer.bias is None:
        raise InputError(f"layer `{head}` has no bias, which logistic regression needs; use `mode` head")
    chosen = choose_device(device)
    features, reused = features_on_disk(
        Path(output), "train", module, head, data.train, data.preprocess, device=chosen, progress=progress
    )
    shallow = fit_shallow(features, data.classes, strength, seed)
    with torch.no_grad():
        layer.weight.copy_(shallow.weight)
        layer.bias.copy_(shallow.bias)
    module.to(chosen)
    return shallow, reused
