"""Labelled images from wherever they lie: class folders, archives of them, IDX files, a flat folder, or by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.vision.data.data_sets import Dataset, fetch, find_dataset
from casecnn.vision.data.entries import Content, Entries, hidden, is_litter, open_entries
from casecnn.vision.data.idx import Arrays, idx_splits, labels_beside, parse_cifar, read_pair
from casecnn.vision.data.known import known_data
from casecnn.vision.data.layout import Layout, NoSplit, find_layout
from casecnn.vision.data.truth import find_truth, read_truth


class Sample(NamedTuple):
    """One labelled image, not decoded yet."""

    name: str
    """The file, or the place in one, for messages."""
    label: int
    """The place of its class in `ImageData.classes`."""
    content: Content | np.ndarray
    """A file, the bytes of one, or pixels: uint8 [height, width] (grey) or [height, width, 3]; None: unreadable."""


class Unlabelled(InputError):
    """A part of a data set whose images have no labels."""


class ImageData:
    """Labelled images, in the order in which they are read.

    `source` is where they come from, `split` the part that was taken ("" where there are no parts), `classes` the
    names that the labels stand for. `strays` are files that belong to no class, `litter` counts those that the
    operating system left. `imagenet` are the outputs of a net for ImageNet that mean the classes, where that is known.
    `notes` are sentences that a user should read: which folders were left out. `known` is the name under which errors
    on these data are published, "" where there are none.

    `len` is the number of files, iterating gives `Sample`s, each pass anew; a tar archive is read from front to back.
    """

    imagenet: tuple[int, ...] = ()
    strays: Sequence[str] = ()
    litter: int = 0
    notes: Sequence[str] = ()
    known: str = ""

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
        """Draw `count` of the samples without replacement; they stay in the order of the whole."""
        whole("limit", count, 1)
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
    """Images that are in memory, all of one size. `numbers` are their places in the whole of which they are a part."""

    def __init__(
        self, source: str, split: str, classes: Sequence[str], arrays: Arrays, numbers: np.ndarray | None = None
    ) -> None:
        super().__init__(source, split, classes)
        self.arrays = arrays
        self.numbers = np.arange(len(arrays.labels)) if numbers is None else numbers

    @property
    def labels(self) -> np.ndarray:
        """The label of every sample in turn, int64 [n]."""
        return self.arrays.labels

    def __iter__(self) -> Iterator[Sample]:
        for place, (image, label) in enumerate(zip(*self.arrays, strict=True)):
            yield Sample(self.shown(str(place)), int(label), image)

    def shown(self, name: str) -> str:
        """Return what messages call the image at a place: its number in the whole."""
        return f"{self.source}[{self.numbers[int(name)]}]"

    def part(self, indices: np.ndarray) -> ImageData:
        """The samples at these places."""
        arrays = Arrays(self.arrays.pictures[indices], self.arrays.labels[indices])
        chosen = ArrayData(self.source, self.split, self.classes, arrays, self.numbers[indices])
        chosen.known = self.known
        return chosen


class FileData(ImageData):
    """Images that are files, in a folder or an archive."""

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
        chosen.imagenet, chosen.known = self.imagenet, self.known
        return chosen


def open_data(
    where: str | os.PathLike[str], *, split: str | None = None, truth: str | os.PathLike[str] | None = None
) -> ImageData:
    """Open labelled images: a folder, an archive, a file of IDX images, or the name of a data set.

    Where that exists as a file or folder, it is that. A folder or an archive (zip, tar, tar.gz, tar.bz2, tar.xz;
    streamed, never unpacked) holds a folder for each class, perhaps within folders `train`, `val` or `test` and others
    around all; or IDX files as MNIST's; or images side by side and `truth`, the file that says which class each has
    (looked for beside them where it is not given). Else it is one of `casecnn.vision.data.data_sets`, downloaded once.

    `split` is train, validation, test, or a folder's own name; None takes test, or validation where there is no test,
    or all. Images are not opened here: what cannot be read is found out when it is its turn.

    Raises UsageError for a name or split that does not exist; InputError, one line, for what holds no labelled image.
    """
    return Source(where, truth).part(split)


class Source:
    """A place where labelled images lie, as for `open_data`; its files are listed once for all its parts."""

    def __init__(self, where: str | os.PathLike[str], truth: str | os.PathLike[str] | None = None) -> None:
        path = Path(where)
        self.name, self.truth = os.fspath(where), truth
        self._pairs: dict[str, tuple[Path, Path]] = {}
        self._entries: Entries | None = None
        self._file: Path | None = None
        self._dataset: Dataset | None = None
        try:
            exists = path.exists()
        except (OSError, ValueError):
            exists = False
        if not exists:
            self._dataset = find_dataset(self.name)
        elif path.is_dir() and (pairs := idx_splits(path)):
            self._pairs = pairs
        else:
            self._entries = open_entries(path)
            self._file = path

    def part(self, split: str | None = None) -> ImageData:
        """Open a part, as `open_data` does with its `split`."""
        data = self._part(split)
        data.known = known_data(data.source, data.split, data.classes, len(data))
        return data

    def _part(self, split: str | None) -> ImageData:
        if self._dataset is not None:
            return _named(self._dataset, split)
        if self._pairs:
            part = _choose(self._pairs, split, self.name)
            return _array_data(self.name, part, read_pair(*self._pairs[part]))
        assert self._file is not None
        if self._entries is None:
            if split not in (None, "", "all"):
                raise NoSplit(f"'{self.name}' has no split '{split}'; it is one file")
            return _array_data(self.name, "", read_pair(self._file, labels_beside(self._file)))
        return file_data(self._entries, split, self.truth)

    def find(self, split: str) -> ImageData | None:
        """Open a part; None where there is no such part."""
        try:
            return self.part(split)
        except NoSplit:
            return None


def file_data(entries: Entries, split: str | None, truth: str | os.PathLike[str] | None = None) -> FileData:
    """Find the labelled images among the files of a folder or archive."""
    names = [name for name in entries.names if not is_litter(name)]
    layout = find_layout(names, os.fspath(entries.path), split)
    notes = left_out(entries, layout)
    if not layout.members:
        file = Path(truth) if truth is not None else find_truth(_above(entries.path, layout.folder), layout.flat)
        if file is None:
            raise _unlabelled(entries.path, layout)
        layout = layout.labelled(read_truth(file, layout.flat))
    classes = sorted(set(layout.members.values()), key=lambda name: (int(name), "") if name.isdecimal() else (-1, name))
    place_of = {name: number for number, name in enumerate(classes)}
    data = FileData(entries, layout.split, {name: place_of[kind] for name, kind in layout.members.items()}, classes)
    data.strays, data.litter, data.notes = layout.strays, len(entries.names) - len(names), notes
    return data


def left_out(entries: Entries, layout: Layout) -> list[str]:
    """Say in one sentence which folders were not taken for classes; nothing where all were."""
    folders = dict.fromkeys([*filter(None, map(hidden, entries.names)), *layout.empty])
    folders |= dict.fromkeys(name for name in entries.bare if f"{name}/".startswith(layout.folder) and not hidden(name))
    if not folders:
        return []
    shown = list(folders)[:5]
    more = f" and {len(folders) - len(shown)} more" if len(folders) > len(shown) else ""
    return [f"left out of '{entries.path}', since they are no classes: {', '.join(shown)}{more}"]


def _unlabelled(path: Path, layout: Layout) -> Unlabelled:
    others = [name for name in layout.splits if name != layout.split]
    if layout.split and others:
        held = min(others, key=lambda name: (name == "train", name))  # the training images measure nothing
        other = f"'{path}/{held}'" if path.is_dir() else f"an archive of the part '{held}'"
        return Unlabelled(
            f"the images in '{path}/{layout.folder.rstrip('/')}' have no labels; give another part, such as {other}, "
            "or put labels.csv beside them, with a line `file,class` for each"
        )
    return Unlabelled(
        f"'{path}' must hold a folder for each class, or images and beside them labels.csv, with a line "
        "`file,class` for each"
    )


def _above(path: Path, folder: str) -> list[Path]:
    """Return the folders in which a file of labels may lie: that of the images and those above it, and one more."""
    top = path if path.is_dir() else path.parent
    places = [top, *(top.joinpath(*folder.split("/")[: depth + 1]) for depth in range(folder.count("/")))]
    return [*reversed(places), top.parent]


def _array_data(source: str, split: str, arrays: Arrays) -> ArrayData:
    if not len(arrays.labels):
        raise InputError(f"'{source}' holds no images")
    return ArrayData(source, split, [str(number) for number in range(int(arrays.labels.max()) + 1)], arrays)


def _choose(parts: dict[str, tuple[Path, Path]], split: str | None, source: str) -> str:
    for part in ("test", "validation", *parts) if split is None else (split,):
        if part in parts:
            return part
    raise NoSplit(f"'{source}' has no split '{split}'; it has {', '.join(parts)}")


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
        raise NoSplit(f"data '{dataset.name}' has no split '{split}'; it has train, test")
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
