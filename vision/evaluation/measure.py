"""How well a net, or an ensemble of nets, classifies labelled pictures, and how fast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from casecnn.errors import InputError, UsageError
from casecnn.statistics import wilson_interval
from casecnn.vision.data.labelled_images import ImageData
from casecnn.vision.data.labels import match_classes
from casecnn.vision.model import Model, check_ensemble, ensemble
from casecnn.vision.pipeline.loading import Loader, Warn, usable_cores


@dataclass(frozen=True)
class Share:
    """A share of errors and its 95 % interval (Wilson), all between 0 and 1."""

    errors: int
    n: int

    @property
    def share(self) -> float:
        """Errors over pictures."""
        return self.errors / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and upper bound."""
        return wilson_interval(self.errors, self.n)

    def as_dict(self) -> dict[str, Any]:
        """The share under stable names."""
        return {"error": self.share, "interval": list(self.interval), "errors": self.errors}


@dataclass(frozen=True)
class Speed:
    """What the run cost.

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
        """Pictures a second, decoding included."""
        return self.pictures / self.seconds


@dataclass(frozen=True)
class Evaluation:
    """Errors of `nets` on the images of `data`.

    `confusion[i, j]` counts images of class i taken for class j, int64 [classes, classes + 1]; the last column is every
    output that is no class of the data. `topk[i]` counts images of class i whose class was not among the first `top`.
    """

    nets: tuple[str, ...]
    weights: tuple[str, ...]
    data: str
    matching: str
    classes: tuple[str, ...]
    crops: int
    precision: str
    device: str
    top: int
    confusion: np.ndarray
    missed: np.ndarray
    skipped: Mapping[str, int]
    speed: Speed

    @property
    def counts(self) -> np.ndarray:
        """Pictures of each class, int64 [classes]."""
        return self.confusion.sum(1)

    @property
    def pictures(self) -> int:
        """Pictures that were classified."""
        return int(self.confusion.sum())

    @property
    def top1(self) -> Share:
        """Pictures whose class was not the net's first choice."""
        return Share(self.pictures - int(np.trace(self.confusion)), self.pictures)

    @property
    def topk(self) -> Share:
        """Pictures whose class was not among the net's first `top` choices."""
        return Share(int(self.missed.sum()), self.pictures)

    def confusions(self, most: int = 10) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: (class, taken for, how often), falling; ties in the order of the classes."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        names = (*self.classes, "another class")
        rows = [(*np.unravel_index(place, wrong.shape), int(wrong.flat[place])) for place in order]
        return [(self.classes[i], names[j], count) for i, j, count in rows if count]

    def as_dict(self) -> dict[str, Any]:
        """Everything under stable names; shares between 0 and 1."""
        right = np.diagonal(self.confusion)
        speed = self.speed
        return {
            "nets": list(self.nets),
            "weights": list(self.weights),
            "data": self.data,
            "classes_matched": self.matching,
            "pictures": self.pictures,
            "skipped": dict(self.skipped),
            "crops": self.crops,
            "precision": self.precision,
            "device": self.device,
            "top1": self.top1.as_dict(),
            f"top{self.top}": self.topk.as_dict(),
            "per_class": [
                {"class": name, "pictures": int(n), "top1_errors": int(n - r), f"top{self.top}_errors": int(m)}
                for name, n, r, m in zip(self.classes, self.counts, right, self.missed, strict=True)
            ],
            "confusions": [{"class": a, "taken_for": b, "pictures": n} for a, b, n in self.confusions()],
            "pictures_per_second": speed.rate,
            "seconds": speed.seconds,
            "waited_share": speed.waited,
            "cores_busy_share": speed.busy,
            "cores": speed.cores,
            "peak_memory_bytes": speed.memory,
            "peak_device_memory_bytes": speed.device_memory,
        }


def ranks(p: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The place of each target among the outputs, 0 for the first choice: int64 [n] for p [n, outputs].

    Equal outputs are in the order of their numbers, so that a net that gives the same for all is not right for all.
    """
    own = np.take_along_axis(p, target[:, None], 1)
    before = (p == own) & (np.arange(p.shape[1]) < target[:, None])
    return ((p > own) | before).sum(1)


def evaluate(
    models: Sequence[Model],
    data: ImageData,
    *,
    crops: int = 1,
    top: int = 5,
    batch: int = 32,
    workers: int | None = None,
    warn: Warn | None = None,
    progress: Callable[[int], object] | None = None,
) -> Evaluation:
    """Classify every picture with the mean of the models' probabilities (over 1 or 10 crops each), and count errors.

    Decoding runs in `workers` threads while the nets compute. `warn(line)` is told of each picture that is skipped,
    `progress(n)` of each n files that are done. Raises UsageError for models whose classes differ or a `top` that is
    not from 1 to the number of outputs, InputError where no class or no picture fits.
    """
    outputs = models[0].outputs
    check_ensemble(models)
    if not 1 <= top <= outputs:
        raise UsageError(f"`--top` (={top}) must be from 1 to the net's {outputs:,} outputs")
    matching = match_classes(data, models[0].labels if models[0].named else None, outputs)
    class_of = np.full(outputs, len(data.classes))
    class_of[matching.output] = np.arange(len(data.classes))
    confusion = np.zeros((len(data.classes), len(data.classes) + 1), np.int64)
    missed = np.zeros(len(data.classes), np.int64)
    begin, computed = time.perf_counter(), time.process_time()
    done = 0
    with Loader(data, [m.preprocess for m in models], batch, crops=crops, workers=workers, warn=warn) as loader:
        for inputs, labels, _ in loader:
            p = ensemble(models, inputs)
            place = ranks(p, matching.output[labels])
            np.add.at(confusion, (labels, class_of[p.argmax(1)]), 1)
            np.add.at(missed, labels[place >= top], 1)
            if progress is not None:
                progress(len(labels) + len(loader.skipped) - done)
                done = len(loader.skipped)
    seconds, computed = time.perf_counter() - begin, time.process_time() - computed
    if not confusion.any():
        raise InputError(f"'{data}' holds no picture that can be read: {loader.skipped or 'it is empty'}")
    cores = usable_cores()
    speed = Speed(
        seconds, int(confusion.sum()), loader.waited / seconds, min(computed / seconds / cores, 1.0), cores,
        *peak_memory(models[0].device),
    )  # fmt: skip
    return Evaluation(
        tuple(m.net.name for m in models), tuple(m.weights for m in models), str(data), matching.how, data.classes,
        crops, models[0].precision, str(models[0].device), top, confusion, missed, dict(loader.skipped.counts), speed,
    )  # fmt: skip


def peak_memory(device: torch.device) -> tuple[int, int]:
    """The peak memory of this process and of the device, in bytes; 0 where the system does not say."""
    on_device = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    try:
        import resource
    except ImportError:  # Windows
        return 0, on_device
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, on_device
