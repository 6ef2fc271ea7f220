"""The data of a training run: what is trained on, what is watched on the way, what gives the figure at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casecnn.checks import within
from casecnn.console import warn
from casecnn.errors import InputError, UsageError
from casecnn.vision.data.labelled_images import ImageData, Source, Unlabelled, open_data
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.images import Images, gather, prepare, sample_of, with_statistics
from casecnn.vision.pipeline.preprocess import Preprocess

HELD_OUT = 0.1
"""The fraction of the training images that is held out where there is no validation part."""


@dataclass(frozen=True)
class TrainingData:
    """The images of a run and how they become numbers.

    `validation` are images that are watched on the way: the validation part of the data, or images of the training part
    that are not trained on. `test` is measured once, at the end. Either may be None.
    """

    classes: tuple[str, ...]
    train: Images
    validation: Images | None
    test: Images | None
    preprocess: Preprocess
    source: str


def open_training_data(
    where: str | Path,
    framing: Framing,
    preprocess: Preprocess,
    *,
    test: str | Path | None = None,
    validation: float | str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    threads: int = 2,
    statistics: bool = True,
    watched: bool = False,
) -> TrainingData:
    """Open a data set for training.

    `where` is as for `casecnn.vision.data.labelled_images.open_data`: its part "train" where it has one, else all of
    it. The test images are those of `test`, or the part "test" of `where`; there may be none. The validation images are
    those of the data set `validation`, or that fraction of the training images, held out. By default they are the part
    "validation" of `where`; without one a tenth is held out, of each class as many as that is rounded, and at least one
    with `watched` where a class has two. `limit` trains on this many of the training images alone. With `statistics`
    the mean and standard deviation of `preprocess` are replaced by those of the training images.

    Raises InputError for classes that are not those of the training images, UsageError for a wrong fraction.
    """
    source = Source(where)
    data = source.find("train") or source.part("all")
    for note in data.notes:
        warn(note)
    if len(data.classes) < 2:
        raise InputError(f"'{data}' holds one class, '{data.classes[0]}'; a net needs at least two to tell apart")
    if limit is not None:
        data = data.take(limit, seed)

    def measured(found: ImageData | None) -> Images | None:
        return None if found is None else measured_images(found, data.classes, framing, preprocess, threads)

    def own(split: str) -> ImageData | None:
        return _labelled(source, split, data.classes)

    tested = measured(open_data(test) if test is not None else own("test") if data.split else None)
    fraction = 0.0
    watching = None
    if isinstance(validation, (str, Path)):
        watching = measured(open_data(validation))
    elif validation is not None:
        fraction = validation
    elif data.split:
        watching = measured(own("validation"))
    if validation is None and watching is None:
        kept, held = held_out(data.labels, HELD_OUT, seed, least=int(watched))
    else:
        kept, held = split_indices(data.labels, fraction, seed)
    everything = gather(data, framing, preprocess)
    images = prepare(everything.part(kept) if len(held) else everything, threads=threads)
    if len(held):
        watching = prepare(everything.part(held), training=False, threads=threads)
    how = with_statistics(preprocess, sample_of(images)) if statistics else preprocess
    return TrainingData(data.classes, images, watching, tested, how, str(data.source))


def held_out(labels: np.ndarray, fraction: float, seed: int, least: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of images to train on and to hold out, rising: the same fraction of every class, rounded.

    Of a class with two images or more, at least `least` are held out.
    """
    held = np.zeros(len(labels), bool)
    generator = np.random.default_rng(seed)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = max(round(fraction * len(members)), min(least, len(members) - 1))
        held[generator.permutation(members)[:count]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def split_indices(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hold out as `held_out` does, a fraction that a user asked for.

    Raises UsageError for a fraction that is not from 0 to 0.9, or that leaves no image to train on or none to measure.
    """
    within("validation", fraction, 0, 0.9, closed=True)
    kept, held = held_out(labels, fraction, seed)
    if fraction and not (len(kept) and len(held)):
        raise UsageError(
            f"`validation` (={fraction:g}) leaves {len(held)} of {len(labels)} images to measure on; "
            "give a larger fraction, or a folder of images"
        )
    return kept, held


def measured_images(
    data: ImageData, classes: tuple[str, ...], framing: Framing, preprocess: Preprocess, threads: int
) -> Images:
    """Return the images of a data set as they are shown in measuring, with the labels of the training data.

    Raises InputError for a class that the training data lack.
    """
    if extra := set(data.classes) - set(classes):
        raise InputError(
            f"'{data}' has the class '{min(extra)}', which the training data lack; the classes must be the same"
        )
    images = gather(data, framing, preprocess)
    numbers = np.array([classes.index(name) for name in data.classes], np.int64)
    images.labels = numbers[images.labels]
    return prepare(images, training=False, threads=threads)


def _labelled(source: Source, split: str, classes: tuple[str, ...]) -> ImageData | None:
    """Return a part of a data set; None where there is none, and with a warning where its images have no labels.

    One folder that is none of the classes, such as test/images, holds images without labels.
    """
    try:
        found = source.find(split)
    except Unlabelled:
        warn(f"the part '{split}' of '{source.name}' has no labels and is left out")
        return None
    if found is not None and len(found.classes) == 1 and found.classes[0] not in classes:
        warn(
            f"the part '{split}' of '{source.name}' holds one folder, '{found.classes[0]}', which is none of the "
            "classes: its images have no labels and are left out"
        )
        return None
    return found
