"""A folder for each label with a file for each text, as IMDb's reviews come and scikit-learn's `load_files` reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from casecnn.console import warn
from casecnn.errors import InputError
from casecnn.files import read_error
from casecnn.text.data.columns import Table
from casecnn.text.data.text_file import TextFile

WITHOUT_LABEL = ("unsup", "unlabeled", "unlabelled")


def class_folders(folder: Path, encoding: str | None, labelled: bool) -> Table:
    """Return the table of a folder: the texts of its folders' files, and the folders' names as labels.

    Hidden files are left out, and so are folders without labels, such as IMDb's `unsup`, with a warning. Where no
    labels are wanted they are read too, and files outside of such folders. Raises InputError for a folder of another
    shape.
    """
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise read_error(folder, error) from error
    classes = [path for path in entries if path.is_dir()]
    if labelled:
        left_out = [path.name for path in classes if path.name.lower() in WITHOUT_LABEL]
        classes = [path for path in classes if path.name not in left_out]
        if left_out:
            warn(f"'{folder}': the texts in {', '.join(left_out)} have no label and are left out")
        parts = [path.name for path in classes if any(inner.is_dir() for inner in path.iterdir())]
        if parts and len(parts) == len(classes):
            raise InputError(f"'{folder}' holds the folders {', '.join(parts)}; give one of them")
    files = [(path, place.name) for place in classes for path in _files(place)]
    if not labelled:
        files += [(path, "") for path in entries if path.is_file()]
    if not files:
        what = "a folder for each label, with a text in each file" if labelled else "files with a text each"
        raise InputError(f"'{folder}' is a folder without texts; it must hold {what}, or Parquet files")

    def cells(places: Sequence[int]) -> Iterator[list[Any]]:
        for path, label in files:
            yield [(TextFile(path, encoding).text().strip(), label)[place] for place in places]

    return Table(os.fspath(folder), ["text", "label"], cells)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
