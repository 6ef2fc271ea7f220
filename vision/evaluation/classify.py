"""What is on an image: the classes that a net finds most probable."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from casecnn.checks import whole
from casecnn.console import printable, warn
from casecnn.errors import InputError
from casecnn.vision.data.entries import is_litter, open_entries
from casecnn.vision.data.labelled_images import Sample
from casecnn.vision.former_names import with_former_names
from casecnn.vision.model import Model, check_ensemble, ensemble
from casecnn.vision.pipeline.loading import Loader, Warn


class Guess(NamedTuple):
    """One class: the output's number, its name, and its probability from 0 to 1."""

    output: int
    name: str
    probability: float


class Classified(NamedTuple):
    """An image and the most probable classes, falling."""

    picture: str
    guesses: list[Guess]

    def as_dict(self) -> dict[str, Any]:
        """The same under stable names."""
        return with_former_names({"image": self.picture, "guesses": [guess._asdict() for guess in self.guesses]})


def samples_of(sources: Sequence[str | os.PathLike[str]]) -> Iterator[Sample]:
    """The images behind paths: files, folders and archives with all their files, "-" for standard input."""
    for source in sources:
        shown = os.fspath(source)
        if shown == "-":
            yield Sample("<stdin>", 0, sys.stdin.buffer.read())
            continue
        path = Path(source)
        entries = open_entries(path) if path.is_dir() or path.suffix.lower() in _ARCHIVES else None
        if entries is None:
            yield Sample(shown, 0, path)
            continue
        mark = "/" if path.is_dir() else ":"
        for name, content in entries.read({name for name in entries.names if not is_litter(name)}):
            yield Sample(f"{shown.rstrip('/')}{mark}{name}", 0, content)


_ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".txz"}


def count_files(sources: Sequence[str | os.PathLike[str]]) -> int | None:
    """How many images are behind paths, where that is plain from them; None where there are folders or archives."""
    paths = [Path(source) for source in sources]
    return None if any(path.is_dir() or path.suffix.lower() in _ARCHIVES for path in paths) else len(paths)


def classify_files(
    models: Sequence[Model], files: Sequence[str | os.PathLike[str]], *, crops: int = 1, top: int | None = None
) -> Iterator[Classified]:
    """Classify the images behind paths (see `samples_of`); warns of each that cannot be read, and at the end of all.

    Raises InputError where none can be read, and what `classify` raises.
    """
    skipped: list[str] = []

    def skip(line: str) -> None:
        skipped.append(line)
        warn(line)

    read = 0
    for found in classify(models, samples_of(files), crops=crops, top=top, warn=skip):
        yield found
        read += 1
    if not read and not skipped:
        raise InputError(f"there are no files in {', '.join(repr(os.fspath(file)) for file in files)}")
    if not read and len(skipped) == 1:
        raise InputError("the file is no image that can be read")
    if not read:
        raise InputError(f"none of the {len(skipped):,} files is an image that can be read")
    if skipped:
        warn(f"{len(skipped):,} of {read + len(skipped):,} files were skipped")


def classify(
    models: Sequence[Model],
    sources: Iterable[Sample],
    *,
    crops: int = 1,
    top: int | None = None,
    batch: int = 8,
    workers: int | None = None,
    warn: Warn | None = None,
) -> Iterator[Classified]:
    """Find the `top` most probable classes of each image, in order; what cannot be read is skipped with a warning.

    By default five; all where there are fewer.

    Raises UsageError for models whose classes differ, and a `top` below 1.
    """
    check_ensemble(models)
    outputs = models[0].outputs
    top = min(outputs, 5 if top is None else whole("top", top, 1))
    names = models[0].labels.names
    with Loader(sources, [m.preprocess for m in models], batch, crops=crops, workers=workers, warn=warn) as loader:
        for batch_ in loader:
            p = ensemble(models, batch_.inputs)
            order = np.argsort(-p, axis=1, kind="stable")[:, :top]
            for picture, row, chosen in zip(batch_.names, p, order, strict=True):
                yield Classified(picture, [Guess(int(i), names[i], float(row[i])) for i in chosen])


def table(found: Classified) -> str:
    """Lines for a terminal."""
    rows = [f"  {guess.probability:7.2%}  {guess.name}" for guess in found.guesses]
    return "\n".join([printable(found.picture), *rows])
