"""Rows from JSON: an object a line, an array of objects, or an object of columns; keys of inner objects by dots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from casecnn.errors import InputError
from casecnn.text.data.columns import Table
from casecnn.text.data.text_file import TextFile

_LOOKED_AT = 1000  # rows whose keys are the columns
_DEEPEST = 5  # objects inside each other

Rows = Iterator[Mapping[str, Any]]


def json_rows(file: TextFile) -> Table:
    """Return the table in a file; its columns are the keys of the objects, `review.body` for those of inner ones.

    Lines with an object each are read one by one; a single document is read whole. Raises InputError for what is not
    JSON, or JSON of another shape.
    """

    def rows() -> Rows:
        return _checked(_lines(file) if by_line else iter(_records(document, file.name)), file.name)

    by_line, document = _first(file)
    names: dict[str, None] = {}
    for number, row in enumerate(rows()):
        if number == _LOOKED_AT:
            break
        for key in _keys(row):
            names.setdefault(key)
    if not names:
        raise InputError(f"'{file.name}' has no rows; it must have texts with their labels")
    known = list(names)

    def cells(places: Sequence[int]) -> Iterator[list[Any]]:
        for row in rows():
            yield [value_at(row, known[place]) for place in places]

    return Table(file.name, known, cells)


def value_at(row: Mapping[str, Any], key: str) -> Any:
    """Return the value under a key, or under `outer.inner` that of an inner object; None where there is none."""
    if key in row:
        return row[key]
    parts = key.split(".")
    for cut in range(1, len(parts)):
        inner = row.get(".".join(parts[:cut]))
        if isinstance(inner, dict):
            return value_at(inner, ".".join(parts[cut:]))
    return None


def _first(file: TextFile) -> tuple[bool, Any]:
    """Say whether a file has an object a line; else return the one document that it is."""
    with file.lines("\n") as lines:
        filled = (line for line in lines if line.strip())
        first, second = next(filled, ""), next(filled, None)
    if not first.lstrip().startswith("["):
        try:
            document = json.loads(first)
            return second is not None or not isinstance(document, dict) or not _is_table(document), document
        except (ValueError, RecursionError) as error:
            if second is None or not first.strip() == "{":
                raise InputError(f"'{file.name}', line 1 is not JSON: {error}") from error
    try:
        return False, json.loads(file.text())
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{file.name}' is not JSON: {error}") from error


def _lines(file: TextFile) -> Iterator[Any]:
    with file.lines("\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise InputError(f"'{file.name}', line {number} is not JSON: {error}") from error


def _is_columns(document: dict[str, Any]) -> bool:
    return len(document) > 0 and (
        all(isinstance(column, list) for column in document.values())
        or all(isinstance(column, dict) for column in document.values())
    )


def _inside(document: dict[str, Any]) -> list[Any] | None:
    """Return the only array of objects in a document that may say other things of it; None where there is none."""
    arrays = [v for v in document.values() if isinstance(v, list) and v and all(isinstance(row, dict) for row in v)]
    return arrays[0] if len(arrays) == 1 else None


def _is_split(document: dict[str, Any]) -> bool:
    """Whether these are rows as pandas writes them with `orient="split"`: names of columns, and lists of cells."""
    names, rows = document.get("columns"), document.get("data")
    if not (isinstance(names, list) and isinstance(rows, list) and all(isinstance(name, str) for name in names)):
        return False
    return all(isinstance(row, list) and len(row) == len(names) for row in rows)


def _is_table(document: dict[str, Any]) -> bool:
    texts = any(
        isinstance(value, str) for value in document.values()
    )  # then it may be a row that has a list of objects
    return _is_columns(document) or _is_split(document) or (not texts and _inside(document) is not None)


def _records(document: Any, name: str) -> list[Any]:
    """Return the rows of one document: an array of objects, an object of columns, or an object around an array."""
    if isinstance(document, list):
        return document
    if _is_split(document):
        return [dict(zip(document["columns"], row, strict=True)) for row in document["data"]]
    inside = _inside(document)
    if inside is not None and (len(document) == 1 or not _is_columns(document)):
        return inside
    if not _is_columns(document):
        raise InputError(
            f"'{name}' is one JSON object; it must be an object a line, an array of objects, or an object of columns"
        )
    columns = {key: list(column.values() if isinstance(column, dict) else column) for key, column in document.items()}
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{key!r} {length}" for key, length in lengths.items())
        raise InputError(f"'{name}' is an object of columns of different lengths: {shown}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _checked(rows: Iterator[Any], name: str) -> Rows:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"'{name}', row {number} must be a JSON object with text and label")
        yield row


def _keys(row: Mapping[str, Any], before: str = "", depth: int = 1) -> Iterator[str]:
    for key, value in row.items():
        yield before + key
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _keys(value, f"{before}{key}.", depth + 1)
