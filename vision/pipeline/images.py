"""Labelled images in memory for random access: small data sets decoded once, others decoded as they are taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from casecnn.console import progress, warn
from casecnn.errors import InputError
from casecnn.vision.data.labelled_images import ArrayData, ImageData, Sample
from casecnn.vision.pipeline.draws import Draws
from casecnn.vision.pipeline.framing import Framing, framed
from casecnn.vision.pipeline.image_file import ImageError
from casecnn.vision.pipeline.loading import Loader, Skipped, decode
from casecnn.vision.pipeline.preprocess import Preprocess

IGNORED = -100
"""The label of an image that cannot be read: torch's losses leave it out by default."""

MEMORY = 2 << 30
"""Images are kept decoded where they take up to this many bytes together."""

_SHOWN = 5  # warnings of unreadable images, one each, before they are only counted


@dataclass(frozen=True)
class Decoded:
    """Decoded images of one size, uint8 [n, height, width, channels], and their labels, int64 [n]."""

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray, draws: Draws | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels and labels at `indices`, as they are."""
        return self.pixels[indices], self.labels[indices]

    def part(self, indices: np.ndarray) -> Decoded:
        """Return those at `indices` alone."""
        return Decoded(self.pixels[indices], self.labels[indices])

    def name(self, number: int) -> str:
        """Return what messages call an image."""
        return f"[{number}]"


class Undecoded:
    """Images as files or as the bytes of files, decoded when they are taken; each time another part may be drawn.

    `contents` are paths, bytes of files, pixels, or None for what its archive would not give. An image that cannot be
    read is black and has the label IGNORED. A process warns once of each such file, and of five of them at most.
    """

    def __init__(
        self,
        names: Sequence[str],
        contents: Sequence[Path | bytes | np.ndarray | None],
        labels: np.ndarray,
        framing: Framing,
        preprocess: Preprocess,
    ) -> None:
        self.names, self.contents, self.labels = list(names), list(contents), labels
        self.framing, self.preprocess = framing, preprocess
        self.skipped = Skipped(warn, _SHOWN)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Sample]:
        for name, label, content in zip(self.names, self.labels.tolist(), self.contents, strict=True):
            yield Sample(name, label, content)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of an image as a net is shown it."""
        return *self.preprocess.crop, self.preprocess.channels

    def part(self, indices: np.ndarray) -> Undecoded:
        """Return those at `indices` alone."""
        chosen = indices.tolist()
        names, contents = [self.names[i] for i in chosen], [self.contents[i] for i in chosen]
        return Undecoded(names, contents, self.labels[indices], self.framing, self.preprocess)

    def name(self, number: int) -> str:
        """Return what captions call an image: the end of its file's path that tells it from the others."""
        return self.tails[number]

    @cached_property
    def tails(self) -> list[str]:
        """What captions call the images."""
        return tails(self.names)

    def take(self, indices: np.ndarray, draws: Draws | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the images at `indices`, framed: a part drawn by `draws`, or without draws the one for measuring."""
        out = np.zeros((len(indices), *self.shape), np.uint8)
        labels = self.labels[indices].copy()
        for place, index in enumerate(indices.tolist()):
            sample = Sample(self.names[index], int(labels[place]), self.contents[index])
            try:
                one = None if draws is None else draws[place : place + 1]
                out[place] = framed(decode(sample), self.framing, self.preprocess, one)
            except ImageError as error:
                labels[place] = IGNORED
                self.skipped.add(ImageError(sample.name, error.reason, error.why))
        return out, labels

    def decoded(self, threads: int = 2, shown: bool = True) -> Decoded:
        """Decode all of them into memory, as for measuring; leave out those that cannot be read, with a count.

        Raises InputError where none can be read.
        """
        out = np.empty((len(self), *self.shape), np.uint8)
        good = np.zeros(len(self), bool)
        already = all(isinstance(content, np.ndarray) for content in self.contents)
        with (
            Loader(self, [self.preprocess], 256, workers=0 if already else threads, skipped=self.skipped) as loader,
            progress(len(self), "image", "decoding", shown=shown and not already, delay=2) as bar,
        ):
            for batch in loader:
                out[batch.numbers] = batch.inputs[0][:, 0]
                good[batch.numbers] = True
                bar.update(len(batch.labels))
        if not good.any():
            raise InputError(f"none of the {len(self):,} images can be read; the first is '{self.names[0]}'")
        if not good.all():
            warn(f"{(~good).sum():,} of {len(good):,} images cannot be read and are left out")
            return Decoded(out[good], self.labels[good])
        return Decoded(out, self.labels)


Images = Decoded | Undecoded


def tails(names: Sequence[str]) -> list[str]:
    """The ends of paths, as many parts of them as tell them apart: `cat/1.jpg` and `dog/1.jpg`.

    >>> tails(["a/b/1.jpg", "a/c/1.jpg"]), tails(["a/1.jpg", "b/2.jpg"])
    (['b/1.jpg', 'c/1.jpg'], ['1.jpg', '2.jpg'])
    """
    parts = [re.split(r"[/\\]", name) for name in names]
    longest = max(map(len, parts), default=1)
    for count in range(1, longest):
        ends = ["/".join(part[-count:]) for part in parts]
        if len(set(ends)) == len(set(map(tuple, parts))):
            return ends
    return ["/".join(part) for part in parts]


def gather(data: ImageData, framing: Framing, preprocess: Preprocess) -> Undecoded:
    """Return the samples of a data set for random access, not decoded.

    Archives are held in memory as they are, compressed; folders are not.
    """
    if isinstance(data, ArrayData):
        names = [data.shown(str(number)) for number in range(len(data))]
        return Undecoded(names, list(data.arrays.pictures), data.labels, framing, preprocess)
    rows = list(data)
    labels = np.fromiter((row.label for row in rows), np.int64, len(rows))
    return Undecoded([row.name for row in rows], [row.content for row in rows], labels, framing, preprocess)


def prepare(images: Undecoded, *, training: bool = True, memory: int = MEMORY, threads: int = 2) -> Images:
    """Decode the images into memory, where they fit into `memory` bytes and are shown the same in every epoch."""
    fits = len(images) * prod(images.shape) <= memory
    drawn = training and images.framing.kind != "middle"
    return images.decoded(threads) if fits and not drawn else images


def normalised(pixels: np.ndarray, preprocess: Preprocess) -> Tensor:
    """Turn uint8 or float32 [n, h, w, c] from 0 to 255 into float32 [n, c, h, w], channels last in memory."""
    scale = np.array([1 / (255 * s) for s in preprocess.std], np.float32)
    shift = np.array([m / s for m, s in zip(preprocess.mean, preprocess.std, strict=True)], np.float32)
    out = np.multiply(pixels, scale, dtype=np.float32)
    out -= shift
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def in_order(
    images: Images, preprocess: Preprocess, batch_size: int = 256, threads: int = 2
) -> Iterator[tuple[Tensor, Tensor, np.ndarray]]:
    """Yield all images that can be read once, in order, as for measuring; files are decoded ahead in threads.

    Each item is float32 [n, c, h, w], labels int64 [n], and the numbers of the images int64 [n].
    """
    if isinstance(images, Decoded):
        for first in range(0, len(images), batch_size):
            numbers = np.arange(first, min(first + batch_size, len(images)))
            pixels, labels = images.take(numbers)
            yield normalised(pixels, preprocess), torch.from_numpy(labels), numbers
        return
    with Loader(images, [preprocess], batch_size, workers=threads, skipped=images.skipped) as loader:
        for batch in loader:
            yield normalised(batch.inputs[0][:, 0], preprocess), torch.from_numpy(batch.labels), batch.numbers


def with_statistics(preprocess: Preprocess, pixels: np.ndarray) -> Preprocess:
    """Replace mean and standard deviation by those of each channel over all of `pixels`, uint8 [n, h, w, c].

    A channel that is the same everywhere gets the standard deviation 1.
    """
    count, channels = 0, pixels.shape[3]
    total, square = np.zeros(channels), np.zeros(channels)
    for first in range(0, len(pixels), 256):
        values = pixels[first : first + 256].reshape(-1, channels).astype(np.float64) / 255
        count, total, square = count + len(values), total + values.sum(0), square + (values**2).sum(0)
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, 0))
    std = np.where(std > 1e-6, std, 1)
    return replace(preprocess, mean=tuple(mean.round(6).tolist()), std=tuple(std.round(6).tolist()))


def sample_of(images: Images, count: int = 2000, seed: int = 0) -> np.ndarray:
    """Return pixels to take statistics from: all that are in memory, or `count` drawn ones, uint8 [n, h, w, c]."""
    if isinstance(images, Decoded):
        return images.pixels
    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:count])
    out, labels = images.take(chosen)
    if (labels == IGNORED).all():
        raise InputError(f"none of the first {len(chosen):,} images can be read, such as '{images.names[chosen[0]]}'")
    return out[labels != IGNORED]
