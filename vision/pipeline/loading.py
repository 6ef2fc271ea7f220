"""Batches of decoded images, made by worker threads while the net computes; what cannot be read is left out.

Threads, not processes: Pillow decodes and resizes without holding the interpreter, so that they run side by side, and
nothing has to be sent between processes.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
from PIL import Image

from casecnn.checks import whole
from casecnn.vision.data.labelled_images import Sample
from casecnn.vision.pipeline.image_file import ImageError, read_pillow
from casecnn.vision.pipeline.preprocess import Preprocess

CHUNK = 8
"""Images that a worker takes at a time."""

Warn = Callable[[str], object]


class Batch(NamedTuple):
    """Images ready for nets.

    `inputs` has, for each `Preprocess` in turn, uint8 [n, crops, height, width, channels]. `labels` is int64 [n],
    `numbers` int64 [n] the places of the images in the order of the samples.
    """

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray
    names: list[str]
    numbers: np.ndarray


class Skipped:
    """Images that could not be read: how many, by reason, with one warning for each, up to `most` warnings."""

    def __init__(self, warn: Warn | None = None, most: int | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._names: set[str] = set()
        self._warn, self._most = warn, most

    def __len__(self) -> int:
        return self.counts.total()

    def add(self, error: ImageError) -> None:
        """Count an image and warn of it; an image that has been counted already is not counted again."""
        if error.name in self._names:
            return
        self._names.add(error.name)
        self.counts[error.reason] += 1
        if self._warn is not None and (self._most is None or len(self) <= self._most):
            self._warn(f"skipped '{error.name}': it {error.why}")

    def __str__(self) -> str:
        """`3 skipped (2 truncated, 1 not an image)`; empty where there is none."""
        if not self.counts:
            return ""
        return f"{len(self):,} skipped ({', '.join(f'{n:,} {reason}' for reason, n in self.counts.most_common())})"


def decode(sample: Sample, shorter: int | None = None) -> Image.Image | np.ndarray:
    """Return the pixels of a sample; raises ImageError where they cannot be read.

    With `shorter`, a large JPEG may come smaller, with at least that many pixels on its shorter side.
    """
    content = sample.content
    if isinstance(content, np.ndarray):
        return content
    if content is None:
        raise ImageError(sample.name, "unreadable", "cannot be read: it is a link, encrypted, damaged or too large")
    return read_pillow(content, name=sample.name, shorter=shorter)


class Loader:
    """Yields `Batch`es of `size` images (the last may be smaller) in the order of the samples.

    `preprocesses` says what is made of each image, `crops` how many crops, 1 or 10. `workers` threads work ahead, by
    default one for each core that this process may use; 0 decodes when a batch is asked for. `skipped` counts what
    could not be read; one that is given goes on counting. `waited` is the seconds that batches were waited for: the
    time the net had nothing to do. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        samples: Iterable[Sample],
        preprocesses: Sequence[Preprocess],
        size: int,
        *,
        crops: int = 1,
        workers: int | None = None,
        warn: Warn | None = None,
        skipped: Skipped | None = None,
    ) -> None:
        whole("batch", size, 1)
        workers = whole("workers", usable_cores() if workers is None else workers, 0)
        self.skipped = Skipped(warn) if skipped is None else skipped
        self.waited = 0.0
        self._samples, self._preprocesses = enumerate(samples), tuple(preprocesses)
        sides = [how.resize for how in self._preprocesses if how.resize is not None]
        self._shorter = 2 * max(sides) if len(sides) == len(self._preprocesses) else None  # for a smooth resizing
        self._size, self._crops = size, crops
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decode") if workers else None
        self._ahead = max(2 * workers, -(-2 * size // CHUNK))  # chunks: two batches, and work for every thread
        self._queue: deque[Future[list[Prepared]]] = deque()

    def __iter__(self) -> Iterator[Batch]:
        ready: deque[Prepared] = deque()
        while True:
            begin = time.perf_counter()
            try:
                while len(ready) < self._size and (chunk := self._next_chunk()) is not None:
                    for item in chunk:
                        if isinstance(item.inputs, ImageError):
                            self.skipped.add(item.inputs)
                        else:
                            ready.append(item)
                batch = [ready.popleft() for _ in range(min(self._size, len(ready)))]
                if not batch:
                    return
                made = self._stacked(batch)
            finally:
                self.waited += time.perf_counter() - begin
            yield made

    def close(self) -> None:
        """Drops what is queued and ends the threads."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_chunk(self) -> list[Prepared] | None:
        """The next images, prepared; None at the end."""
        if self._pool is None:
            samples = list(islice(self._samples, CHUNK))
            return self._prepare(samples) if samples else None
        while len(self._queue) < self._ahead and (samples := list(islice(self._samples, CHUNK))):
            self._queue.append(self._pool.submit(self._prepare, samples))
        return self._queue.popleft().result() if self._queue else None

    def _prepare(self, samples: Sequence[tuple[int, Sample]]) -> list[Prepared]:
        return [self._prepared(number, sample) for number, sample in samples]

    def _prepared(self, number: int, sample: Sample) -> Prepared:
        inputs: tuple[np.ndarray, ...] | ImageError
        try:
            image = decode(sample, self._shorter)
            inputs = tuple(np.ascontiguousarray(how.crops(image, self._crops)) for how in self._preprocesses)
        except ImageError as error:
            inputs = ImageError(sample.name, error.reason, error.why)
        return Prepared(number, sample.name, sample.label, inputs)

    def _stacked(self, batch: Sequence[Prepared]) -> Batch:
        rows = [item.inputs for item in batch if not isinstance(item.inputs, ImageError)]
        inputs = tuple(np.stack(column) for column in zip(*rows, strict=True))
        labels = np.fromiter((item.label for item in batch), np.int64, len(batch))
        numbers = np.fromiter((item.number for item in batch), np.int64, len(batch))
        return Batch(inputs, labels, [item.name for item in batch], numbers)


class Prepared(NamedTuple):
    """One image's inputs for every `Preprocess`, or why there are none."""

    number: int
    name: str
    label: int
    inputs: tuple[np.ndarray, ...] | ImageError


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
