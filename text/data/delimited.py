"""CSV and TSV as people have them: other delimiters, Excel's `sep=;`, quotes that are no quoting, any line ends."""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from casecnn.errors import InputError
from casecnn.text.data.columns import Table
from casecnn.text.data.text_file import TextFile

_LIMIT = threading.Lock()
_LOOKED_AT = 20  # lines
_PAGE = re.compile(r"\s*<(!doctype html|html)\b", re.IGNORECASE)
_RULE = re.compile(r"\s*\|?(\s*:?-+:?\s*\|)+(\s*:?-+:?)?\s*")
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass
class _Reading:
    """What one pass over a file finds: the cells asked for, and whether its rows look as they should."""

    width: int = 0
    cells: list[list[Any]] = field(default_factory=list)
    even: bool = True  # all rows have as many cells
    whole: bool = True  # no cell goes over a line end
    too_long: tuple[int, int] | None = None  # number and cells of the first row with more than the first row has


def delimited(file: TextFile, kind: str, header: bool) -> Table:
    """Return the table in a file of kind "csv" or "tsv".

    A CSV file may use another mark than commas: the one that cuts its first lines evenly. Quotes are the csv module's;
    a TSV file whose quotes are not in pairs is read without quoting. Rows without anything in them are left out, as
    Excel writes them. Raises InputError for an empty file, and for a web page or a table of Markdown.
    """
    delimiter, skipped = _delimiter(file, kind)
    with file.lines() as lines:
        first = next(_rows(lines, delimiter, skipped), None)
    if first is None:
        raise InputError(f"'{file.name}' is empty; it must have rows of text and label")
    names = [cell.strip() for cell in first] if header else [str(number + 1) for number in range(len(first))]

    def cells(places: Sequence[int]) -> Iterator[list[Any]]:
        found = _read(file, kind, delimiter, skipped, places)
        return iter(found.cells[1:] if header else found.cells)

    return Table(file.name, names, cells, 1 + skipped + header, header, first)


def _delimiter(file: TextFile, kind: str) -> tuple[str, int]:
    """Return the mark between cells, and how many lines before the table say so: 1 for Excel's `sep=;`."""
    with file.lines() as lines:
        start = list(islice((line for line in lines if line.strip()), _LOOKED_AT))
    first = start[0] if start else ""
    if said := _SEPARATOR.fullmatch(first):
        return said[1], 1
    if _PAGE.match(first):
        raise InputError(f"'{file.name}' is a web page (HTML), not a table; save it as CSV")
    if len(start) > 1 and _RULE.fullmatch(start[1]):
        raise InputError(f"'{file.name}' is a table of Markdown; save it as CSV")
    marks = [mark for mark in ",;\t|" if mark in first]
    if kind == "tsv" or not marks:
        return "\t" if kind == "tsv" else ",", 0
    return next((mark for mark in marks if _even(start, mark)), marks[0]), 0


def _even(start: Sequence[str], mark: str) -> bool:
    """Whether a mark cuts these lines into as many cells each; where a cell may go over lines nobody can tell."""
    try:
        return len({len(row) for row in csv.reader(start, delimiter=mark, strict=True)}) == 1
    except csv.Error:
        return False


def _rows(lines: Iterator[str], delimiter: str, skipped: int, **options: Any) -> Iterator[list[str]]:
    """Yield the rows that have anything in them."""
    left = skipped
    while left:
        left -= bool(next(lines).strip())
    for row in csv.reader(lines, delimiter=delimiter, **options):
        if any(cell.strip() for cell in row):
            yield row


def _read(file: TextFile, kind: str, delimiter: str, skipped: int, places: Sequence[int]) -> _Reading:
    """Read the cells, by quotes or without, as fits better.

    A quote that is a character of a text swallows the rows up to the next one. So a CSV file that breaks the rules must
    have one row in each line, and in a TSV file lines of equal length mean more than quotes around a line feed.
    """

    def reading(**options: Any) -> _Reading:
        return _one_pass(file, delimiter, skipped, places, **options)

    with _LIMIT:  # a limit of the whole process
        before = csv.field_size_limit(2**31 - 1)
        try:
            try:
                found = reading(strict=True)
            except csv.Error as error:
                if delimiter == "\t":
                    found = reading(quoting=csv.QUOTE_NONE)
                else:
                    found = reading()
                    if not (found.even and found.whole):
                        why = f"{error}; a quote inside a quoted cell must be doubled"
                        raise InputError(f"'{file.name}' is not a CSV file: {why}") from error
            else:
                if delimiter == "\t" and not (found.even and found.whole):
                    plain = reading(quoting=csv.QUOTE_NONE)
                    found = plain if plain.even or not found.even else found
        except csv.Error as error:
            raise InputError(f"'{file.name}' cannot be read as {kind.upper()}: {error}") from error
        finally:
            csv.field_size_limit(before)
    if found.too_long is not None:
        number, cells = found.too_long
        mark = "tab" if delimiter == "\t" else f"'{delimiter}'"
        raise InputError(
            f"'{file.name}', row {number} has {cells} cells, the first row {found.width}; "
            f"a text with a {mark} in it must be in quotes"
        )
    return found


def _one_pass(file: TextFile, delimiter: str, skipped: int, places: Sequence[int], **options: Any) -> _Reading:
    found = _Reading()
    with file.lines() as lines:
        for number, row in enumerate(_rows(lines, delimiter, skipped, **options), 1 + skipped):
            found.width = found.width or len(row)
            found.even = found.even and len(row) == found.width
            found.whole = found.whole and not any("\n" in cell or "\r" in cell for cell in row)
            if found.too_long is None and any(cell.strip() for cell in row[found.width :]):
                found.too_long = number, len(row)
            found.cells.append([row[place] if place < len(row) else None for place in places])
    return found
