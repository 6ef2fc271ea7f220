"""Names for a net's outputs, and which output each class of a data set is."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from casecnn.choose import closest, either
from casecnn.errors import InputError
from casecnn.files import read_error
from casecnn.vision.data.labelled_images import FileData, ImageData

IMAGENET = Path(__file__).with_name("imagenet_classes.txt")
"""The identifiers and names of the 1,000 classes of ILSVRC 2012, in the order of the outputs."""


SYNONYMS = {
    "plane": "airplane", "aeroplane": "airplane", "car": "automobile", "auto": "automobile", "lorry": "truck",
    "motorbike": "motorcycle", "bike": "bicycle", "tv": "television",
}  # fmt: skip
"""What tutorials call classes that a net's outputs call otherwise: told as a hint, never taken for the same."""


@dataclass(frozen=True)
class Labels:
    """The outputs of a net: `names` to show, and `identifiers` (n01440764), empty where there are none."""

    names: tuple[str, ...]
    identifiers: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def read_labels(path: str | os.PathLike[str]) -> Labels:
    """Read names from a file, one for each output in turn.

    A line is a name (`tench`) or an identifier and names (`n01440764 tench, Tinca tinca`: the first name is taken);
    lines that begin with # are left alone. A JSON file is a list of names, an object from an output's number to a name
    or to [identifier, name], or torchvision's class_to_idx, an object from names to numbers.
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
        rows = [_fields(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
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
            if all(type(value) is int for value in content.values()):  # class_to_idx
                if len(set(content.values())) < len(content):
                    raise ValueError("two names have the same number")
                content = {str(number): name for name, number in content.items()}
            if not all(re.fullmatch(r"\d+", number) for number in content):
                raise ValueError("some are neither")
            numbers = {int(number): row for number, row in content.items()}
            lacking = next((number for number in range(len(numbers)) if number not in numbers), None)
            if lacking is not None:
                raise ValueError(f"the number {lacking} is missing, and {max(numbers)} is there")
            return [numbers[number] for number in range(len(numbers))]
    except ValueError as error:
        raise InputError(
            f"'{file}' must be JSON from the numbers 0, 1, 2, ... to names, or from names to those: {error}"
        ) from error
    return list(content)


@cache
def imagenet_labels() -> Labels:
    """Return the names and WordNet identifiers of ImageNet's 1,000 classes."""
    return read_labels(IMAGENET)


def numbered(outputs: int) -> Labels:
    """Names where none are known: `class 0`, `class 1`, ..."""
    return Labels(tuple(f"class {number}" for number in range(outputs)))


@dataclass(frozen=True)
class Matching:
    """`output[label]` is the net's output for a class of the data, int64; `how` says in words how that was found."""

    output: np.ndarray
    how: str

    def lines(self, classes: Sequence[str], most: int = 10) -> str:
        """Return the mapping as text: `blue = output 0, green = output 1`; of many classes the first few."""
        pairs = [f"{name} = output {number}" for name, number in zip(classes, self.output.tolist(), strict=True)]
        return ", ".join(pairs[:most]) + (f", ... ({len(pairs):,} classes)" if len(pairs) > most else "")


def match_classes(data: ImageData, labels: Labels | None, outputs: int) -> Matching:
    """Find which output of a net each class of the data is.

    By the data set's own table, else by identifier or name where the outputs have names. Else by the number that a
    class is called; last in alphabetic order, where nothing names the outputs and there are as many classes. Nothing is
    guessed where names contradict: InputError names the first class that does not fit.
    """
    if data.imagenet and outputs == 1000:
        return Matching(np.array(data.imagenet), "by the data set's table of ImageNet's outputs")
    numbered_classes = all(name.isdecimal() for name in data.classes) and max(map(int, data.classes)) < outputs
    if labels is not None:
        missing = ""
        for names, how in ((labels.identifiers, "by identifier"), (labels.names, "by name")):
            places: dict[str, int] = {}
            for number, name in enumerate(names):
                key = _spaced(name).casefold()
                places[key] = -1 if key in places else number  # a name of two outputs says nothing
            found = [places.get(_spaced(name).casefold(), -1) for name in data.classes]
            if found and -1 not in found:
                _check_apart(data, found, names)
                return Matching(np.array(found, np.int64), how)
            if names and not missing:
                missing = data.classes[found.index(-1)]
                if sum(place >= 0 for place in found) == 0 and names is labels.identifiers:
                    missing = ""  # the classes are no identifiers: their names say more
        if not numbered_classes:
            raise _does_not_fit(data, missing or data.classes[0], labels, outputs)
    if numbered_classes:
        ordered = sorted(data.classes)
        if labels is None and isinstance(data, FileData) and ordered != list(data.classes) and len(ordered) == outputs:
            raise InputError(
                f"the classes of '{data}' are numbers, and their order as text ({', '.join(ordered[:4])}, ...), as "
                f"ImageFolder sorts them, is not that of numbers: output 2 may be class '2' or class '{ordered[2]}'; "
                "give `labels`, a class_to_idx JSON or the names of the outputs in turn"
            )
        return Matching(np.array([int(name) for name in data.classes]), "by number")
    if len(data.classes) == outputs:
        return Matching(np.arange(outputs), "in alphabetic order, since nothing names the outputs")
    few = ", ".join(data.classes[:3]) + (", ..." if len(data.classes) > 3 else "")
    raise InputError(
        f"the {len(data.classes):,} classes of '{data}' ({few}) are not among the net's {outputs:,} outputs; give "
        "`labels`, a file with the outputs' names or identifiers in turn"
    )


def _check_apart(data: ImageData, found: Sequence[int], names: Sequence[str]) -> None:
    """Raise InputError where two classes of the data are the same output."""
    first: dict[int, str] = {}
    for name, number in zip(data.classes, found, strict=True):
        if number in first:
            raise InputError(
                f"classes '{first[number]}' and '{name}' of '{data}' are both the net's output {number} "
                f"({names[number]}); put their images into one folder, or rename one"
            )
        first[number] = name


def _does_not_fit(data: ImageData, name: str, labels: Labels, outputs: int) -> InputError:
    if sum(_spaced(other).casefold() == _spaced(name).casefold() for other in labels.names) > 1:
        remedy = (
            "call the folder by its identifier, such as n01440764" if labels.identifiers
            else "give `labels` in which each output has a name of its own"
        )  # fmt: skip
        return InputError(f"class '{name}' of '{data}' is the name of several of the net's outputs; {remedy}")
    usual = SYNONYMS.get(_spaced(name).casefold())
    close = [usual] if usual in labels.names else closest(name, labels.names)
    shown = ", ".join(labels.names[:5]) + (", ..." if outputs > 5 else "")
    hint = f", did you mean {either(close)}?" if close else ""
    return InputError(
        f"class '{name}' of '{data}' is none of the net's {outputs:,} outputs ({shown}{hint}); rename the folder, or "
        "give `labels`, a class_to_idx JSON or the outputs' names in turn"
    )


def _spaced(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
