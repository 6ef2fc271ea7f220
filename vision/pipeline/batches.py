"""The stream of training batches: small data sets decoded once into memory, others decoded as they are needed.

Which samples make up a step, which part of each is seen and how it is distorted are functions of the seed and of the
sample's place in the stream, whatever the number of workers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from casecnn.errors import InputError
from casecnn.seeds import derive_seed
from casecnn.training.epochs import EpochSource
from casecnn.vision.data.labelled_images import ArrayData, ImageData
from casecnn.vision.pipeline.augment import Augmentation, augment
from casecnn.vision.pipeline.draws import Draws
from casecnn.vision.pipeline.framing import Framing, framed
from casecnn.vision.pipeline.image_file import ImageError, read_pillow
from casecnn.vision.pipeline.preprocess import Preprocess

IGNORED = -100
"""The label of a picture that could not be read: torch's losses leave it out by default."""

MEMORY = 2 << 30
"""Pictures are kept decoded where they take up to so many bytes together."""

_SHOWN = 5  # warnings of unreadable pictures, one each, before they are only counted


def warn(message: str) -> None:
    """Print a warning on one line of stderr, also from a worker process; odd characters of file names are escaped."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in message)
    print(f"casecnn: warning: {shown}", file=sys.stderr)


@dataclass(frozen=True)
class Labelled:
    """Decoded pictures of one size, uint8 [n, height, width, channels], and their labels, int64 [n]."""

    pictures: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
        """The pictures and labels at `indices`, as they are."""
        return self.pictures[indices], self.labels[indices]

    def part(self, indices: np.ndarray) -> Labelled:
        """Those at `indices` alone."""
        return Labelled(self.pictures[indices], self.labels[indices])


class Undecoded:
    """Pictures as files or as the bytes of files, decoded when they are taken, each part of them drawn anew.

    `contents` are paths, bytes of files, pixels, or None for what its archive would not give. A picture that cannot be
    read is black and bears the label IGNORED; each such file is warned of once in a process.
    """

    def __init__(
        self, names: Sequence[str], contents: Sequence[Path | bytes | np.ndarray | None], labels: np.ndarray,
        framing: Framing, preprocess: Preprocess,
    ) -> None:  # fmt: skip
        self.names, self.contents, self.labels = list(names), list(contents), labels
        self.framing, self.preprocess = framing, preprocess
        self.unreadable: set[int] = set()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of a picture as a net is shown it."""
        return *self.preprocess.crop, self.preprocess.channels

    def part(self, indices: np.ndarray) -> Undecoded:
        """Those at `indices` alone."""
        chosen = indices.tolist()
        names, contents = [self.names[i] for i in chosen], [self.contents[i] for i in chosen]
        return Undecoded(names, contents, self.labels[indices], self.framing, self.preprocess)

    def take(self, indices: np.ndarray, draws: Draws | None) -> tuple[np.ndarray, np.ndarray]:
        """The pictures at `indices`, framed: a part drawn by `draws`, or without draws the one for measuring."""
        out = np.zeros((len(indices), *self.shape), np.uint8)
        labels = self.labels[indices].copy()
        for place, index in enumerate(indices.tolist()):
            pixels = self._one(index, None if draws is None else draws[place : place + 1])
            if pixels is None:
                labels[place] = IGNORED
            else:
                out[place] = pixels
        return out, labels

    def decoded(self, threads: int = 2, progress: bool = True) -> Labelled:
        """All of them in memory, as for measuring; those that cannot be read are left out, with a count.

        Raises InputError where none can be read.
        """
        out = np.empty((len(self), *self.shape), np.uint8)
        good = np.ones(len(self), bool)

        def fill(index: int) -> None:
            pixels = self._one(index, None)
            if pixels is None:
                good[index] = False
            else:
                out[index] = pixels

        pixels_already = all(isinstance(content, np.ndarray) for content in self.contents)
        with ThreadPoolExecutor(max(1, threads)) as pool, _bar(len(self), progress and not pixels_already) as bar:
            many = map(fill, range(len(self))) if pixels_already else pool.map(fill, range(len(self)), chunksize=64)
            for _ in many:
                bar.update()
        if not good.any():
            raise InputError(f"none of the {len(self):,} pictures can be read; the first is '{self.names[0]}'")
        if not good.all():
            warn(f"{(~good).sum():,} of {len(good):,} pictures cannot be read and are left out")
            return Labelled(out[good], self.labels[good])
        return Labelled(out, self.labels)

    def _one(self, index: int, draws: Draws | None) -> np.ndarray | None:
        content = self.contents[index]
        try:
            if content is None:
                raise ImageError(self.names[index], "unreadable", "cannot be read from its archive")
            if isinstance(content, np.ndarray):
                return framed(content, self.framing, self.preprocess, draws)
            return framed(read_pillow(content, name=self.names[index]), self.framing, self.preprocess, draws)
        except ImageError as error:
            if index not in self.unreadable:
                self.unreadable.add(index)
                if len(self.unreadable) <= _SHOWN:
                    warn(f"{error}; it is left out")
            return None


Pictures = Labelled | Undecoded


def _bar(total: int, shown: bool) -> tqdm:
    seconds = 0.5 if sys.stderr.isatty() else 30.0  # a log file should not fill with bars
    return tqdm(
        desc="decoding", total=total, unit="picture", file=sys.stderr, disable=not shown, leave=False, delay=2,
        mininterval=seconds, dynamic_ncols=True,
    )  # fmt: skip


def gather(data: ImageData, framing: Framing, preprocess: Preprocess) -> Undecoded:
    """The samples of a data set for random access, not decoded.

    Archives are held in memory as they are, compressed; folders are not.
    """
    if isinstance(data, ArrayData):
        names = [f"{data.source}[{number}]" for number in range(len(data))]
        return Undecoded(names, list(data.arrays.pictures), data.labels, framing, preprocess)
    rows = list(data)
    labels = np.fromiter((row.label for row in rows), np.int64, len(rows))
    return Undecoded([row.name for row in rows], [row.content for row in rows], labels, framing, preprocess)


def prepare(pictures: Undecoded, *, training: bool = True, memory: int = MEMORY, threads: int = 2) -> Pictures:
    """The pictures decoded in memory, where they fit into `memory` bytes and are shown the same in every epoch."""
    fits = len(pictures) * prod(pictures.shape) <= memory
    drawn = training and pictures.framing.kind != "middle"
    return pictures.decoded(threads) if fits and not drawn else pictures


def normalised(images: np.ndarray, preprocess: Preprocess) -> Tensor:
    """uint8 or float32 [n, h, w, c] from 0 to 255 to float32 [n, c, h, w], channels last in memory."""
    scale = np.array([1 / (255 * s) for s in preprocess.std], np.float32)
    shift = np.array([m / s for m, s in zip(preprocess.mean, preprocess.std, strict=True)], np.float32)
    out = np.multiply(images, scale, dtype=np.float32)
    out -= shift
    return torch.from_numpy(out).permute(0, 3, 1, 2)


def with_statistics(preprocess: Preprocess, pictures: np.ndarray) -> Preprocess:
    """The same with the mean and standard deviation of each channel over all pixels of `pictures`, uint8 [n, h, w, c].

    A channel that is the same everywhere gets the standard deviation 1.
    """
    count, channels = 0, pictures.shape[3]
    total, square = np.zeros(channels), np.zeros(channels)
    for first in range(0, len(pictures), 256):
        pixels = pictures[first : first + 256].reshape(-1, channels).astype(np.float64) / 255
        count, total, square = count + len(pixels), total + pixels.sum(0), square + (pixels**2).sum(0)
    mean = total / count
    std = np.sqrt(np.maximum(square / count - mean**2, 0))
    std = np.where(std > 1e-6, std, 1)
    return replace(preprocess, mean=tuple(mean.round(6).tolist()), std=tuple(std.round(6).tolist()))


def sample_of(pictures: Pictures, count: int = 2000, seed: int = 0) -> np.ndarray:
    """Decoded pictures to take statistics from: all that are in memory, or `count` drawn ones, uint8 [n, h, w, c]."""
    if isinstance(pictures, Labelled):
        return pictures.pictures
    chosen = np.sort(np.random.default_rng(seed).permutation(len(pictures))[:count])
    out, labels = pictures.take(chosen, None)
    if (labels == IGNORED).all():
        raise InputError(
            f"none of the first {len(chosen):,} pictures can be read, such as '{pictures.names[chosen[0]]}'"
        )
    return out[labels != IGNORED]


class TrainingBatches:
    """A source for `casecnn.training.loop.train`: float32 images [n, c, h, w] and int64 labels [n].

    The images are channels last in memory. Every epoch is a new permutation. `kind` says which workers suit it: threads
    for images in memory, where NumPy does the work, processes for files to decode.
    """

    def __init__(
        self, pictures: Pictures, batch_size: int, preprocess: Preprocess,
        augmentation: Augmentation | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        self.pictures, self.batch_size, self.preprocess = pictures, batch_size, preprocess
        self.augmentation, self.seed = augmentation or Augmentation(), seed
        self.order = EpochSource([torch.empty(len(pictures))], batch_size, seed=derive_seed(seed, 1))

    @property
    def kind(self) -> Literal["thread", "process"]:
        """Which workers suit it, "thread" or "process"."""
        return "thread" if isinstance(self.pictures, Labelled) else "process"

    def __call__(self, step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, ...]:
        """The batch of a step: process `rank` of `world` gets its share."""
        indices = self.order.indices(step, rank, world).numpy()
        first = (step * world + rank) * self.batch_size
        draws = Draws(derive_seed(self.seed, 2), np.arange(first, first + len(indices)))
        images, labels = self.pictures.take(indices, draws)
        return normalised(augment(images, self.augmentation, draws), self.preprocess), torch.from_numpy(labels)


def in_order(
    pictures: Pictures, preprocess: Preprocess, batch_size: int = 256, threads: int = 2
) -> Iterator[tuple[Tensor, Tensor]]:
    """All pictures once, in order, as for measuring: images [n, c, h, w] and labels [n], decoded ahead in threads."""

    def batch(first: int) -> tuple[Tensor, Tensor]:
        indices = np.arange(first, min(first + batch_size, len(pictures)))
        if isinstance(pictures, Labelled):
            images, labels = pictures.pictures[indices], pictures.labels[indices]
        else:
            images, labels = pictures.take(indices, None)
        return normalised(images, preprocess), torch.from_numpy(labels)

    starts = list(range(0, len(pictures), batch_size))
    if isinstance(pictures, Labelled) or threads < 1:
        yield from map(batch, starts)
        return
    with ThreadPoolExecutor(threads) as pool:
        queue = [pool.submit(batch, first) for first in starts[: 2 * threads]]
        for place in range(len(starts)):
            yield queue[place].result()
            queue[place] = None  # type: ignore[call-overload]
            if len(queue) < len(starts):
                queue.append(pool.submit(batch, starts[len(queue)]))
