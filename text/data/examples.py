"""Texts and labels from the files that people have: CSV, TSV, JSON lines, and lines of a label and a text.

Bytes become text by the byte order mark, else as UTF-8, else as Windows-1252 with Latin-1 for what that lacks. Lines
end where the csv module or a line feed says so, never at the other characters that `str.splitlines` cuts at: the
paper's files have such characters (NEL) inside sentences.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casecnn.compressed import unpacked
from casecnn.errors import InputError, UsageError
from casecnn.files import read_error
from casecnn.text.data.lines import MARKS
from casecnn.weights.safetensors_file import check_regular

FORMATS = ("csv", "tsv", "jsonl", "lines", "fasttext")
TEXT_NAMES = ("text", "sentence", "question", "review", "comment", "content", "message", "body", "title")
LABEL_NAMES = ("label", "labels", "class", "category", "sentiment", "target", "intent", "topic", "y")
_ENDINGS = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".all": "lines", ".train": "lines", ".dev": "lines", ".test": "lines",
}  # fmt: skip
_LIMIT = threading.Lock()


@dataclass(frozen=True)
class Examples:
    """Texts of a file with their labels: a string each, or with several labels a tuple of strings; None: no labels."""

    texts: list[str]
    labels: list[Any] | None
    source: str

    def __len__(self) -> int:
        return len(self.texts)


def read_examples(
    path: str | os.PathLike[str],
    text_column: str | None = None,
    label_column: str | None = None,
    *,
    file_format: str | None = None,
    header: bool = True,
    encoding: str | None = None,
    separator: str | None = None,
    labelled: bool = True,
) -> Examples:
    """Read texts and labels from a file ("-": standard input).

    `file_format` is "csv", "tsv", "jsonl" (an object a line, or one array of objects), "lines" (a label, a blank or
    tab, the text) or "fasttext" (`__label__` words, then the text); None goes by the file's ending, and by the content
    where that says nothing. Columns are names (keys in JSON), or numbers from 1; None looks for the usual ones ("text",
    "sentence", ...; "label", "class", ...). Without `header` a table's first line is data, and columns are numbers.
    `separator` makes several labels of a text: "a|b" by "|" (in JSON a list needs none, fastText's are always several
    where a text has several). With `labelled` False labels are not read.

    A CSV file may use ";" or a tab where its first line has no comma. Quotes are the csv module's; a TSV file whose
    quotes are not in pairs is read without quoting. Lines that are empty are left out.

    Raises InputError, one line, for a file that cannot be read, without rows, without the column, with a row that has
    no label, or with broken JSON; UsageError for options that do not exist.
    """
    if separator == "":
        raise UsageError("`separator` (='') must be one or more characters, such as '|'")
    if file_format is not None and file_format not in FORMATS:
        raise UsageError(f"`format` (={file_format!r}) must be one of {', '.join(FORMATS)}")
    name = os.fspath(path)
    content = _decoded(_bytes_of(name), encoding, name)
    kind = file_format or _kind(name, content)
    rows: list[Any]
    if kind in ("lines", "fasttext"):
        if text_column is not None or label_column is not None:
            raise InputError(f"'{name}' has no columns: it is lines of a label and a text; leave the columns out")
        rows = _lines(content, kind, name)
        columns = [0, 1]
    elif kind == "jsonl":
        rows, names = _objects(content, name)
        if not rows:
            raise InputError(f"'{name}' has no rows; it must have texts with their labels")
        columns = _columns(names, text_column, label_column, labelled, True, name)
    else:
        rows = _table(content, kind, name)
        if not rows:
            raise InputError(f"'{name}' is empty; it must have rows of text and label")
        names = [cell.strip() for cell in rows[0]] if header else [str(n + 1) for n in range(len(rows[0]))]
        columns = _columns(names, text_column, label_column, labelled, header, name)
        rows = rows[1:] if header else rows
    if not rows:
        raise InputError(f"'{name}' has no rows; it must have texts with their labels")
    return _examples(rows, columns, separator, labelled, kind, name, header and kind in ("csv", "tsv"))


def _bytes_of(name: str) -> bytes:
    if name == "-":
        content = sys.stdin.buffer.read()
    else:
        check_regular(Path(name))
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise read_error(name, error) from error
    return unpacked(content, name)


def _decoded(content: bytes, encoding: str | None, name: str) -> str:
    if encoding is not None:
        try:
            text = content.decode(encoding)
        except LookupError:
            raise UsageError(f"`encoding` (={encoding!r}) is not the name of an encoding, such as utf-8") from None
        except ValueError as error:
            raise InputError(f"'{name}' is not {encoding}: {error}") from error
    else:
        text = _guessed(content, name)
    return text.replace("\0", "\ufffd")  # the csv module of Python 3.10 takes no NUL


def _guessed(content: bytes, name: str) -> str:
    for mark, encoding in MARKS:
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except ValueError as error:
                raise InputError(f"'{name}' begins as {encoding}, but is not: {error}") from error
    try:
        return content.decode("utf-8")
    except ValueError:
        pass
    start = content[:4096]
    if start.count(0) > len(start) // 20:
        raise InputError(f"'{name}' is not text; give a CSV, TSV or JSON-lines file") from None
    try:
        return content.decode("cp1252")
    except ValueError:
        return content.decode("latin-1")


def _kind(name: str, content: str) -> str:
    path = Path(name)
    suffix = Path(path.stem).suffix if path.suffix in (".gz", ".bz2", ".xz") else path.suffix
    if suffix.lower() in _ENDINGS:
        return _ENDINGS[suffix.lower()]
    start = content.lstrip()[:1000]
    if start.startswith("__label__"):
        return "fasttext"
    if start.startswith(("{", "[{", "[\n")):
        return "jsonl"
    first = start.split("\n", 1)[0]
    return "tsv" if "\t" in first else "csv" if "," in first or ";" in first else "lines"


def _table(content: str, kind: str, name: str) -> list[list[str]]:
    first = content.lstrip("\r\n").split("\n", 1)[0]
    delimiter = "\t" if kind == "tsv" else next((mark for mark in ",;\t" if mark in first), ",")
    with _LIMIT:  # a limit of the whole process
        before = csv.field_size_limit(2**31 - 1)
        try:
            rows = _rows(content, delimiter, name)
        except csv.Error as error:
            raise InputError(f"'{name}' cannot be read as {kind.upper()}: {error}") from error
        finally:
            csv.field_size_limit(before)
    for number, row in enumerate(rows, 1):
        if any(cell.strip() for cell in row[len(rows[0]) :]):
            mark = "tab" if delimiter == "\t" else f"'{delimiter}'"
            raise InputError(
                f"'{name}', row {number} has {len(row)} cells, the first row {len(rows[0])}; "
                f"a text with a {mark} in it must be in quotes"
            )
    return rows


def _rows(content: str, delimiter: str, name: str) -> list[list[str]]:
    """Rows by the csv module's quotes; of a TSV file, in which quotes are rare, without any where that fits better.

    A quote that is a character of a text swallows the rows up to the next one, so a CSV file that breaks the rules must
    have one row in each line, and in a TSV file lines of equal length mean more than quotes around a line feed.
    """

    def read(**options: Any) -> list[list[str]]:
        return _cells(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, **options))

    def even(rows: list[list[str]]) -> bool:
        return len({len(row) for row in rows}) <= 1

    def whole(rows: list[list[str]]) -> bool:
        return not any("\n" in cell or "\r" in cell for row in rows for cell in row)

    try:
        rows = read(strict=True)
    except csv.Error as error:
        if delimiter == "\t":
            return read(quoting=csv.QUOTE_NONE)
        rows = read()
        if not (even(rows) and whole(rows)):
            why = f"{error}; a quote inside a quoted cell must be doubled"
            raise InputError(f"'{name}' is not a CSV file: {why}") from error
    if delimiter == "\t" and not (even(rows) and whole(rows)):
        plain = read(quoting=csv.QUOTE_NONE)
        return plain if even(plain) or not even(rows) else rows
    return rows


def _cells(rows: Any) -> list[list[str]]:
    return [row for row in rows if row and not (len(row) == 1 and not row[0].strip())]


def _objects(content: str, name: str) -> tuple[list[dict[str, Any]], list[str]]:
    if content.lstrip().startswith("["):
        try:
            rows = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InputError(f"'{name}' is not JSON: {error}") from error
    else:
        rows = []
        for number, line in enumerate(content.split("\n"), 1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except (ValueError, RecursionError) as error:
                    raise InputError(f"'{name}', line {number} is not JSON: {error}") from error
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"'{name}', row {number} must be a JSON object with text and label")
    return rows, list(dict.fromkeys(key for row in rows[:1000] for key in row))


def _lines(content: str, kind: str, name: str) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for number, line in enumerate(content.split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        if kind == "fasttext":
            words = re.split(r"[ \t]+", line.strip(" \t"))
            labels = [word.removeprefix("__label__") for word in words if word.startswith("__label__")]
            rows.append([" ".join(word for word in words if not word.startswith("__label__")), labels])
            continue
        label, blank, text = line.partition("\t") if "\t" in line.split(" ", 1)[0] else line.partition(" ")
        if not blank and not label:
            raise InputError(f"'{name}', line {number} must be a label, a blank and a text")
        rows.append([text.strip(), label])
    return rows


def _columns(
    names: Sequence[str], text: str | None, label: str | None, labelled: bool, header: bool, source: str
) -> list[Any]:
    """Where text and label stand: places in a row, or keys of an object where `names` are keys."""
    wanted = [("text", text, TEXT_NAMES)] + ([("label", label, LABEL_NAMES)] if labelled else [])
    found: list[int] = []
    for what, given, usual in wanted:
        lower = [name.lower() for name in names]
        if given is not None:
            if given in names:
                found.append(list(names).index(given))
            elif given.isdecimal() and len(given) < 10 and 1 <= int(given) <= len(names):
                found.append(int(given) - 1)
            else:
                raise InputError(f"'{source}' has no column {given!r}; its columns are {_some(names)}")
            continue
        place = next((lower.index(name) for name in usual if name in lower), None)
        if place is None or place in found:
            option = f"--{what}-column"
            raise InputError(f"'{source}': which column holds the {what}? give `{option}`; there are {_some(names)}")
        found.append(place)
    if len(set(found)) < len(found):
        raise InputError(f"'{source}': text and label are both column {names[found[0]]!r}; they must be two")
    return found


def _examples(
    rows: Sequence[Any], columns: list[Any], separator: str | None, labelled: bool, kind: str, name: str, header: bool
) -> Examples:
    texts: list[str] = []
    labels: list[Any] = []
    keys = list(dict.fromkeys(key for row in rows[:1000] for key in row)) if kind == "jsonl" else []
    for number, row in enumerate(rows, 2 if header else 1):
        where = f"'{name}', row {number}"
        cells = [row.get(keys[column]) if keys else row[column] if column < len(row) else None for column in columns]
        if cells[0] is None:
            raise InputError(f"{where} has no text")
        texts.append(str(cells[0]))
        if not labelled:
            continue
        label: Any = cells[1]
        if kind == "fasttext" and len(label) == 1 and separator is None:
            label = label[0]
        if isinstance(label, (list, tuple)):
            names = [_name(part, where) for part in label]
            labels.append(tuple(part for part in names if part))
            continue
        if label is None or label != label or not str(label).strip():  # JSON may hold NaN
            if separator is not None and label is not None:
                labels.append(())
                continue
            raise InputError(f"{where} has no label; give it one, or leave the row out")
        named = _name(label, where)
        parts = named.split(separator) if separator is not None else []
        labels.append(tuple(part.strip() for part in parts if part.strip()) if separator is not None else named)
    if any(isinstance(label, tuple) for label in labels):
        labels = [label if isinstance(label, tuple) else (label,) for label in labels]
    return Examples(texts, labels if labelled else None, name)


def _name(label: Any, where: str) -> str:
    if label is None or label != label or isinstance(label, (dict, list)):
        raise InputError(f"{where}: {json.dumps(label)[:40]} is no label; a label is a string or a number")
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label).strip()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:12]))
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"
