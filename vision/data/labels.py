"""Names for a net's outputs, and which output each class of a data set is.

ImageNet's 1000 names are other people's text and are not part of this package: they are downloaded once, or read from a
file; without them outputs are shown by number.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from casecnn.errors import InputError
from casecnn.files import read_error
from casecnn.vision.data.data_sets import RemoteFile
from casecnn.vision.data.labelled_images import ImageData

IMAGENET = RemoteFile(
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    35_363,
    "a1e7a966a1f601d39e4b43e119b3e7dd4a2ad3ea08cf69847cbaf021013767bc",
)
"""The names and WordNet identifiers of the 1000 classes of ILSVRC 2012, in the order of the outputs."""


@dataclass(frozen=True)
class Labels:
    """The outputs of a net: `names` to show, and `identifiers` (n01440764), empty where there are none."""

    names: tuple[str, ...]
    identifiers: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def read_labels(path: str | os.PathLike[str]) -> Labels:
    """Names from a file, one for each output in turn.

    A line is a name (`tench`) or an identifier and names (`n01440764 tench, Tinca tinca`: the first name is taken); a
    JSON file is a list of names, or an object from an output's number to a name or to [identifier, name].
    Raises InputError for a file that cannot be read or is not like that.
    """
    file = Path(path)
    try:
        text = file.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise read_error(file, error) from error
    rows: Sequence[object]
    if text.lstrip().startswith(("{", "[")):
        rows = _json_rows(text, file)
    else:
        rows = [_fields(line) for line in text.splitlines() if line.strip()]
    pairs = [tuple(map(str, row)) if isinstance(row, list) else ("", str(row)) for row in rows]
    good = all(isinstance(row, (list, str)) for row in rows) and all(len(pair) == 2 for pair in pairs)
    if not pairs or not good:
        raise InputError(f"'{file}' must hold names, one a line, or JSON: a list, or an object from numbers to names")
    identifiers = tuple(identifier for identifier, _ in pairs)
    return Labels(tuple(_spaced(name) for _, name in pairs), identifiers if all(identifiers) else ())


def _fields(line: str) -> object:
    if match := re.match(r"(n\d{8})[\s,]+(.+)", line.strip()):
        return [match[1], match[2].split(",")[0].strip()]
    return [line.strip()] * 2 if re.fullmatch(r"n\d{8}", line.strip()) else line.strip()


def _json_rows(text: str, file: Path) -> Sequence[object]:
    try:
        content = json.loads(text)
        if isinstance(content, dict):
            numbers = {int(number): row for number, row in content.items()}
            return [numbers[number] for number in range(len(numbers))]
    except (ValueError, KeyError) as error:
        raise InputError(f"'{file}' must be JSON from the numbers 0, 1, 2, ... to names ({error})") from error
    return list(content)


def imagenet_labels() -> Labels | None:
    """The names of ImageNet's 1000 classes, downloaded into the cache folder once; None where there is no network."""
    from casecnn.weights.download import download
    from casecnn.weights.state_dict import cache_folder

    target = cache_folder() / "data" / "imagenet_class_index.json"
    try:
        return read_labels(download(IMAGENET.url, target, IMAGENET.sha256, size=IMAGENET.size, pause=0.2, timeout=10))
    except InputError:
        return None


def numbered(outputs: int) -> Labels:
    """Names where none are known: `class 0`, `class 1`, ..."""
    return Labels(tuple(f"class {number}" for number in range(outputs)))


@dataclass(frozen=True)
class Matching:
    """`output[label]` is the net's output for a class of the data, int64; `how` says in words how that was found."""

    output: np.ndarray
    how: str


def match_classes(data: ImageData, labels: Labels | None, outputs: int) -> Matching:
    """Which output of a net each class of the data is.

    By the data set's own table, else by name or identifier, else by the number that a class is called, else in
    alphabetic order where there are as many classes as outputs. Raises InputError where none of that fits.
    """
    if data.imagenet and outputs == 1000:
        return Matching(np.array(data.imagenet), "by the data set's table of ImageNet's outputs")
    if labels is not None:
        for names, how in ((labels.identifiers, "by identifier"), (labels.names, "by name")):
            places: dict[str, int] = {}
            for number, name in enumerate(names):
                places.setdefault(_spaced(name).lower(), number)
            found = [places.get(_spaced(name).lower()) for name in data.classes]
            if found and None not in found:
                return Matching(np.array(found, np.int64), how)
    if all(name.isdecimal() for name in data.classes) and max(map(int, data.classes)) < outputs:
        return Matching(np.array([int(name) for name in data.classes]), "by number")
    if len(data.classes) == outputs:
        return Matching(np.arange(outputs), "in alphabetic order")
    few = ", ".join(data.classes[:3]) + (", ..." if len(data.classes) > 3 else "")
    raise InputError(
        f"the {len(data.classes):,} classes of '{data}' ({few}) are not among the net's {outputs:,} outputs; give "
        "`labels`, a file with the outputs' names or identifiers in turn"
    )


def _spaced(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
