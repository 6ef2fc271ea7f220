"""Labelled pictures from wherever they lie: class folders, archives of them, IDX files, a flat folder, or by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.vision.data.data_sets import Dataset, fetch, find_dataset
from casecnn.vision.data.entries import Content, Entries, is_litter, open_entries
from casecnn.vision.data.idx import Arrays, idx_splits, labels_beside, parse_cifar, read_pair
from casecnn.vision.data.layout import find_layout
from casecnn.vision.data.truth import find_truth, read_truth


class Sample(NamedTuple):
    """One labelled picture, not decoded yet."""

    name: str
    """The file, or the place in one, for messages."""
    label: int
    """The place of its class in `ImageData.classes`."""
    content: Content | np.ndarray
    """A file, the bytes of one, or pixels: uint8 [height, width] (grey) or [height, width, 3]; None: unreadable."""


class ImageData:
    """Labelled pictures, in the order in which they are read.

    `source` is where they come from, `split` the part that was taken ("" where there are no parts), `classes` the
    names that the labels stand for. `strays` are files that belong to no class, `litter` counts those that the
    operating system left. `imagenet` are the outputs of a net for ImageNet that mean the classes, where that is known.

    `len` is the number of files, iterating gives `Sample`s, each pass anew; a tar archive is read from front to back.
    """

    imagenet: tuple[int, ...] = ()
    strays: Sequence[str] = ()
    litter: int = 0

    def __init__(self, source: str, split: str, classes: Sequence[str]) -> None:
        self.source, self.split, self.classes = source, split, tuple(classes)

    @property
    def labels(self) -> np.ndarray:
        """The label of every sample in turn, int64 [n]."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError

    def take(self, count: int, seed: int = 0) -> ImageData:
        """So many of the samples, drawn without replacement, in the order of the whole."""
        if count < 1:
            raise UsageError(f"`--limit` (={count}) must be at least 1")
        if count >= len(self):
            return self
        return self.part(np.sort(np.random.default_rng(seed).choice(len(self), count, replace=False)))

    def part(self, indices: np.ndarray) -> ImageData:
        """The samples at these places, which rise."""
        raise NotImplementedError

    def shown(self, name: str) -> str:
        """What messages call a file of these data."""
        return f"{self.source}/{name}"

    def __str__(self) -> str:
        return f"{self.source} ({self.split})" if self.split else self.source


class ArrayData(ImageData):
    """Pictures that are in memory, all of one size."""

    def __init__(self, source: str, split: str, classes: Sequence[str], arrays: Arrays) -> None:
        super().__init__(source, split, classes)
        self.arrays = arrays

    @property
    def labels(self) -> np.ndarray:
        """The label of every sample in turn, int64 [n]."""
        return self.arrays.labels

    def __iter__(self) -> Iterator[Sample]:
        for number, (picture, label) in enumerate(zip(*self.arrays, strict=True)):
            yield Sample(f"{self.source}[{number}]", int(label), picture)

    def part(self, indices: np.ndarray) -> ImageData:
        """The samples at these places."""
        arrays = Arrays(self.arrays.pictures[indices], self.arrays.labels[indices])
        return ArrayData(self.source, self.split, self.classes, arrays)


class FileData(ImageData):
    """Pictures that are files, in a folder or an archive."""

    def __init__(self, entries: Entries, split: str, labels: Mapping[str, int], classes: Sequence[str]) -> None:
        super().__init__(os.fspath(entries.path), split, classes)
        self.entries, self._label = entries, labels

    @property
    def labels(self) -> np.ndarray:
        """The label of every sample in turn, int64 [n]."""
        return np.fromiter(self._label.values(), np.int64, len(self._label))

    def __iter__(self) -> Iterator[Sample]:
        for name, content in self.entries.read(self._label):
            yield Sample(self.shown(name), self._label[name], content)

    def shown(self, name: str) -> str:
        """What messages call a file of these data."""
        return f"{self.source}{'/' if self.entries.path.is_dir() else ':'}{name}"

    def part(self, indices: np.ndarray) -> ImageData:
        """The samples at these places."""
        pairs = list(self._label.items())
        chosen = FileData(self.entries, self.split, dict(pairs[index] for index in indices), self.classes)
        chosen.source = self.source
        chosen.imagenet = self.imagenet
        return chosen


def open_data(
    where: str | os.PathLike[str], *, split: str | None = None, truth: str | os.PathLike[str] | None = None
) -> ImageData:
    """Labelled pictures: a folder, an archive, a file of IDX pictures, or the name of a data set.

    Where that exists as a file or folder, it is that. A folder or an archive (zip, tar, tar.gz, tar.bz2, tar.xz;
    streamed, never unpacked) holds a folder for each class, perhaps within folders `train`, `val` or `test` and others
    around all; or IDX files as MNIST's; or pictures side by side and `truth`, the file that says which class each has
    (looked for beside them where it is not given). Else it is one of `casecnn.vision.data.data_sets`, downloaded once.

    `split` is train, validation, test, or a folder's own name; None takes test, or validation where there is no test,
    or all. Pictures are not opened here: what cannot be read is found out when it is its turn.

    Raises UsageError for a name or split that does not exist; InputError, one line, for what holds no labelled picture.
    """
    path = Path(where)
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if not exists:
        return _named(find_dataset(os.fspath(where)), split)
    if path.is_dir() and (pairs := idx_splits(path)):
        part = _choose(pairs, split, os.fspath(path))
        return _array_data(os.fspath(path), part, read_pair(*pairs[part]))
    entries = open_entries(path)
    if entries is None:
        return _array_data(os.fspath(path), "", read_pair(path, labels_beside(path)))
    return file_data(entries, split, truth)


def file_data(entries: Entries, split: str | None, truth: str | os.PathLike[str] | None = None) -> FileData:
    """The labelled pictures among the files of a folder or archive."""
    names = [name for name in entries.names if not is_litter(name)]
    layout = find_layout(names, os.fspath(entries.path), split)
    if not layout.members:
        place = entries.path if entries.path.is_dir() else entries.path.parent
        file = Path(truth) if truth is not None else find_truth(place / layout.folder, layout.flat)
        if file is None:
            raise InputError(
                f"'{entries.path}' must hold a folder for each class, or pictures and `--truth`, the file that says "
                "which class each has"
            )
        layout = layout.labelled(read_truth(file, layout.flat))
    classes = sorted(set(layout.members.values()), key=lambda name: (int(name), "") if name.isdecimal() else (-1, name))
    place_of = {name: number for number, name in enumerate(classes)}
    data = FileData(entries, layout.split, {name: place_of[kind] for name, kind in layout.members.items()}, classes)
    data.strays, data.litter = layout.strays, len(entries.names) - len(names)
    return data


def _array_data(source: str, split: str, arrays: Arrays) -> ArrayData:
    if not len(arrays.labels):
        raise InputError(f"'{source}' holds no pictures")
    return ArrayData(source, split, [str(number) for number in range(int(arrays.labels.max()) + 1)], arrays)


def _choose(parts: dict[str, tuple[Path, Path]], split: str | None, source: str) -> str:
    for part in ("test", "validation", *parts) if split is None else (split,):
        if part in parts:
            return part
    raise UsageError(f"'{source}' has no split '{split}'; it has {', '.join(parts)}")


def _named(dataset: Dataset, split: str | None) -> ImageData:
    files = fetch(dataset)
    if dataset.layout == "folders":
        found = open_entries(files[0])
        assert found is not None
        data = file_data(found, split)
        if data.classes != dataset.folders:
            raise InputError(f"'{files[0]}' must hold the classes {', '.join(dataset.folders)}")
        data.source, data.classes, data.imagenet = dataset.name, dataset.classes, dataset.imagenet
        return data
    part = "train" if split == "train" else "test"
    if split not in (None, "train", "test"):
        raise UsageError(f"data '{dataset.name}' has no split '{split}'; it has train, test")
    if dataset.layout == "idx":
        arrays = read_pair(*idx_splits(files[0].parent)[part])
    else:
        entries = open_entries(files[0])
        assert entries is not None
        stem = "data_batch_" if part == "train" else "test_batch"
        batches = {name for name in entries.names if Path(name).name.startswith(stem)}
        parsed = [parse_cifar(content, name) for name, content in entries.read(batches) if isinstance(content, bytes)]
        arrays = Arrays(np.concatenate([a.pictures for a in parsed]), np.concatenate([a.labels for a in parsed]))
    return ArrayData(dataset.name, part, dataset.classes, arrays)
