"""Which class each image of a flat folder belongs to, read from the file that came with it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from casecnn.errors import InputError
from casecnn.files import read_error

_USUAL = re.compile(r"(?i)(?!.*submission).*(val|truth|label|solution|annotation|ground).*\.(txt|csv|tsv|json)")
_WITH_HEADER = re.compile(r"(?i)(?!.*submission).*(train|test|data|class|index|images?).*\.(csv|tsv)")
"""Files that may be about something else: they count where a column is called as one of LABELS."""

LABELS = {"label", "labels", "class", "classname", "class_name", "category", "target", "species", "breed", "wnid", "y"}
"""What the column of the classes is called."""

_DEVKIT = "the devkit's numbers follow its own order, which meta.mat beside it would tell"
MAX_BYTES = 64 << 20


def read_truth(path: Path, images: Collection[str], strict: bool = False) -> dict[str, str]:
    """The class of each image, as it is written: a name, an identifier such as n01440764, or a number from 0.

    Understood are a column of file names and one of classes (`ILSVRC2012_val_00000001.JPEG 65`, as Caffe's val.txt;
    comma, semicolon or tab as well), Kaggle's LOC_val_solution.csv, a JSON object from file name to class, and the
    devkit's ILSVRC2012_validation_ground_truth.txt (one number a line, images in alphabetic order) with meta.mat beside
    it. The classes are in the column that a header calls `label`, `class` or the like, else in the one after the names.
    An image may be named without its ending and without its folder. With `strict` there must be such a header.

    Raises InputError for a file that cannot be read or that names none of the `images`.
    """
    try:
        text = path.read_bytes()[:MAX_BYTES].decode("utf-8-sig", "replace")
    except OSError as error:
        raise read_error(path, error) from error
    if path.suffix.lower() == ".json":
        rows = list(_json_rows(text, path))
    else:
        rows = list(_rows(text))
    if rows and all(len(row) == 1 for row in rows):
        return _devkit(path, [row[0] for row in rows], images)
    keys = {key: name for name in images for key in (Path(name).stem, Path(name).name, name)}

    def image(field: str) -> str | None:
        return keys.get(field) or keys.get(field.replace("\\", "/").rpartition("/")[2])

    width = max(map(len, rows), default=0)
    named = [sum(len(row) > place and image(row[place]) is not None for row in rows) for place in range(width)]
    where = named.index(max(named)) if width else 0
    label = label_column(rows, where)
    if label is None and strict:
        raise InputError(f"'{path}' has no column called label, class or the like")
    label = label if label is not None else where + 1 if where + 1 < width else where - 1
    truth = {
        name: row[label] for row in rows if len(row) > max(where, label) and (name := image(row[where])) and row[label]
    }
    if not truth:
        raise InputError(f"'{path}' names none of the images; a line must be a file's name and its class")
    return truth


def label_column(rows: Sequence[Sequence[str]], names: int) -> int | None:
    """Return the place of the column whose header says that it has the classes; None without such a header."""
    for place, field in enumerate(rows[0] if rows else ()):
        if place != names and field.strip().lower().replace(" ", "_") in LABELS:
            return place
    return None


def find_truth(places: Sequence[Path], images: Collection[str]) -> Path | None:
    """Return the file in one of the folders that names the most of the images; None where none does.

    Of files that name as many, that of the folder that comes first is taken.
    """
    best: tuple[int, Path | None] = 0, None
    for place in places:
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            usual = _USUAL.fullmatch(path.name)
            if (usual or _WITH_HEADER.fullmatch(path.name)) and path.is_file():
                try:
                    count = len(read_truth(path, images, strict=not usual))
                    best = max(best, (count, path), key=lambda entry: entry[0])
                except InputError:  # some other file
                    continue
    return best[1]


def _rows(text: str) -> Iterator[list[str]]:
    """The lines' fields, separated by commas, tabs or spaces; of Kaggle's second field, the first word."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    mark = next((mark for mark in "\t,;" if lines and all(mark in line for line in lines)), None)
    for row in csv.reader(lines, delimiter=mark) if mark else (line.split() for line in lines):
        fields = [field.strip() for field in row]
        if mark and len(fields) > 1 and re.match(r"n\d{8} \d", fields[1]):
            fields[1] = fields[1].split()[0]
        yield fields


def _json_rows(text: str, path: Path) -> Iterator[list[str]]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(f"'{path}' is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"'{path}' must hold one JSON object, from file names to classes")
    return ([name, str(value)] for name, value in content.items() if isinstance(value, (str, int)))


def _devkit(path: Path, numbers: list[str], images: Collection[str]) -> dict[str, str]:
    """One number a line: the devkit's ILSVRC2012_ID, in the alphabetic order of the images."""
    if len(numbers) != len(images) or not all(number.isdecimal() for number in numbers):
        raise InputError(
            f"'{path}' has one column of {len(numbers):,} lines for {len(images):,} images; a line must be a "
            "file's name and its class, or the devkit's number of each image in turn"
        )
    meta = path.with_name("meta.mat")
    if not meta.is_file():
        raise InputError(f"'{path}' has numbers without names: {_DEVKIT}; put that file there, or name the classes")
    identifiers = _read_meta(meta)
    try:
        return {name: identifiers[int(number)] for name, number in zip(sorted(images), numbers, strict=True)}
    except KeyError as error:
        raise InputError(f"'{path}' has the number {error}, which '{meta}' does not") from error


def _read_meta(path: Path) -> dict[int, str]:
    """From the devkit's meta.mat: ILSVRC2012_ID to WordNet identifier."""
    from scipy.io import loadmat

    try:
        rows = loadmat(path, squeeze_me=True)["synsets"]
        return {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in rows}
    except OSError as error:
        raise read_error(path, error) from error
    except Exception as error:  # scipy raises nearly anything for a damaged file
        raise InputError(f"'{path}' is not the meta.mat of ImageNet's devkit") from error
