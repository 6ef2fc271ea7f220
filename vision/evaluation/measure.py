"""How well a net, or an ensemble of nets, classifies labelled images, and how fast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.vision.data.labelled_images import ImageData
from casecnn.vision.data.labels import match_classes
from casecnn.vision.evaluation.errors import Calibration, Errors, Tally
from casecnn.vision.former_names import with_former_names
from casecnn.vision.model import Model, check_ensemble, ensemble
from casecnn.vision.pipeline.images import Images, in_order
from casecnn.vision.pipeline.loading import Loader, Warn, usable_cores
from casecnn.vision.pipeline.preprocess import Preprocess


@dataclass(frozen=True)
class Speed:
    """What a run cost.

    `waited` is the fraction of the time in which the net had no images, `busy` the fraction of the usable cores' time
    that the process computed (1: all of them, all the time), `memory` the process's peak in bytes, `device_memory` the
    device's, 0 on a CPU.
    """

    seconds: float
    pictures: int
    waited: float
    busy: float
    cores: int
    memory: int
    device_memory: int

    @property
    def rate(self) -> float:
        """Images a second, decoding included."""
        return self.pictures / self.seconds


@dataclass(frozen=True, kw_only=True)
class Evaluation(Errors):
    """Errors of `nets` with `weights` on the images of `data`, how they were found, and what that cost.

    `known` is the name under which errors on the data are published, "" where it is none of those; `matching` says how
    classes were matched with outputs, `mapping` which is which.
    """

    nets: tuple[str, ...]
    weights: tuple[str, ...]
    data: str
    known: str
    matching: str
    mapping: str
    crops: int
    precision: str
    device: str
    calibration: Calibration
    skipped: Mapping[str, int]
    speed: Speed

    def as_dict(self) -> dict[str, Any]:
        """Everything under stable names; shares between 0 and 1."""
        speed = self.speed
        return with_former_names(
            {
                "nets": list(self.nets),
                "weights": list(self.weights),
                "data": self.data,
                "classes_matched": self.matching,
                "class_outputs": self.mapping,
                "images": self.pictures,
                "skipped": dict(self.skipped),
                "crops": self.crops,
                "precision": self.precision,
                "device": self.device,
                **self.error_fields(),
                **self.calibration.as_dict(),
                "images_per_second": speed.rate,
                "seconds": speed.seconds,
                "waited_share": speed.waited,
                "cores_busy_share": speed.busy,
                "cores": speed.cores,
                "peak_memory_bytes": speed.memory,
                "peak_device_memory_bytes": speed.device_memory,
            }
        )


def evaluate(
    models: Sequence[Model],
    data: ImageData,
    *,
    crops: int = 1,
    top: int | None = None,
    batch: int = 32,
    workers: int | None = None,
    warn: Warn | None = None,
    progress: Callable[[int], object] | None = None,
) -> Evaluation:
    """Classify every image with the mean of the models' probabilities (over 1 or 10 crops each), and count errors.

    The second error is that of the first `top` classes, by default five, or all but one where there are fewer. Decoding
    runs in `workers` threads while the nets compute. `warn(line)` is told of each image that is skipped,
    `progress(n)` of each n files that are done. Raises UsageError for models whose classes differ or a `top` that is
    not from 1 to the number of outputs, InputError where no class or no image fits.
    """
    check_ensemble(models)
    first = models[0]
    top = max(1, min(5, first.outputs - 1)) if top is None else whole("top", top, 1, first.outputs)
    matching = match_classes(data, first.labels if first.named else None, first.outputs)
    tally, calibration = Tally(matching.output, first.outputs, top), Calibration()
    begin, computed = time.perf_counter(), time.process_time()
    done = 0
    with Loader(data, [m.preprocess for m in models], batch, crops=crops, workers=workers, warn=warn) as loader:
        for loaded in loader:
            p = ensemble(models, loaded.inputs)
            tally.add(p, loaded.labels)
            calibration.add(p.max(1), p.argmax(1) == matching.output[loaded.labels])
            if progress is not None:
                progress(len(loaded.labels) + len(loader.skipped) - done)
                done = len(loader.skipped)
    seconds, computed = time.perf_counter() - begin, time.process_time() - computed
    if not tally.confusion.any():
        raise InputError(f"'{data}' holds no image that can be read: {loader.skipped or 'it is empty'}")
    cores = usable_cores()
    return Evaluation(
        classes=data.classes,
        top=top,
        confusion=tally.confusion,
        missed=tally.missed,
        nets=tuple(model.net.name for model in models),
        weights=tuple(model.weights for model in models),
        data=str(data),
        known=data.known,
        matching=matching.how,
        mapping=matching.lines(data.classes),
        crops=crops,
        precision=first.precision,
        device=str(first.device),
        calibration=calibration,
        skipped=dict(loader.skipped.counts),
        speed=Speed(
            seconds,
            int(tally.confusion.sum()),
            loader.waited / seconds,
            min(computed / seconds / cores, 1.0),
            cores,
            *peak_memory(first.device),
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Measured(Errors):
    """The errors of a net in training, and its mean cross-entropy."""

    loss: float

    def figures(self) -> dict[str, float]:
        """Top-1 and top-5 error, the loss, and how many images counted; no top-5 of five classes or fewer."""
        found = {"error": self.top1.share, "loss": self.loss, "images": float(self.pictures)}
        if len(self.classes) > 5:
            found["top5_error"] = self.topk.share
        return with_former_names(found)


@torch.no_grad()
def measure(
    module: nn.Module,
    images: Images,
    preprocess: Preprocess,
    *,
    classes: Sequence[str] = (),
    batch_size: int | None = None,
    threads: int = 2,
) -> Measured:
    """Count the errors of a module on images, one crop each, on the module's device.

    Images that cannot be read are left out. By default a batch has 256 small images or 32 large ones; `classes` are the
    names of the outputs. Sets evaluation mode for the time and puts the mode back. Raises InputError where no image can
    be read.
    """
    device = next(module.parameters()).device
    training = module.training
    module.eval()
    tally, total = None, 0.0
    size = batch_size or (256 if max(preprocess.crop) < 64 else 32)
    try:
        for inputs, labels, _ in in_order(images, preprocess, size, threads):
            logits = module(inputs.to(device)).float().cpu()
            if tally is None:
                outputs = logits.shape[1]
                tally = Tally(np.arange(outputs), outputs, min(5, max(outputs - 1, 1)))
            tally.add(logits.numpy(), labels.numpy())
            total += float(F.cross_entropy(logits, labels, reduction="sum"))
    finally:
        module.train(training)
    if tally is None:
        raise InputError("none of the images to measure on can be read")
    names = tuple(classes) or tuple(f"class {number}" for number in range(tally.outputs))
    errors = tally.errors(names)
    return Measured(**vars(errors), loss=total / errors.pictures)


def peak_memory(device: torch.device) -> tuple[int, int]:
    """The peak memory of this process and of the device, in bytes; 0 where the system does not say."""
    on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    try:
        import resource
    except ImportError:  # Windows
        return 0, on_device
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, on_device
