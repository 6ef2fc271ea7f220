"""Which columns of a table hold texts and labels: by name, by number, or by the names that are usual."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from casecnn.choose import closest, either, listed
from casecnn.errors import InputError, UsageError

TEXT_NAMES = ("text", "sentence", "question", "review", "comment", "content", "message", "body", "title")
LABEL_NAMES = ("label", "labels", "class", "category", "sentiment", "target", "intent", "topic", "y")
_MOST_SHOWN = 12  # columns of a table without a header

Cells = Callable[[Sequence[int]], Iterator[list[Any]]]


@dataclass(frozen=True)
class Table:
    """A table whose rows are read only for the columns that are wanted.

    ``names`` are those of the columns. ``cells(places)`` yields, row by row, the cells of the columns at these places;
    None stands for a cell that is not there. ``first`` is the number of the first row of data, as a person counts.
    Without ``header`` the names are numbers, and ``sample`` is the first row.
    """

    source: str
    names: list[str]
    cells: Cells
    first: int = 1
    header: bool = True
    sample: Sequence[str] = ()


@dataclass(frozen=True)
class Chosen:
    """Places of the columns: ``text``; ``labels``, none, one, or with ``one_each`` a column for each label."""

    text: int
    labels: tuple[int, ...]
    one_each: bool = False


def choose_columns(
    table: Table, text: str | None, label: str | None, label_columns: Sequence[str] | None, labelled: bool
) -> Chosen:
    """Find the columns that are named, or else the usual ones.

    Raises InputError where a column is not there or two are the same, UsageError for options that exclude each other.
    """
    if label is not None and label_columns is not None:
        raise UsageError("`label_column` and `label_columns` cannot be given together; choose one of them")
    place = _place(table, "text", text, TEXT_NAMES, ())
    if not labelled:
        return Chosen(place, ())
    if label_columns is not None:
        places = tuple(_named(table, name) for name in label_columns)
        if not places or len(set(places)) < len(places):
            raise UsageError(f"`label_columns` (={','.join(label_columns)}) must be columns that differ")
    else:
        places = (_place(table, "label", label, LABEL_NAMES, (place,)),)
    if place in places:
        raise InputError(f"'{table.source}': text and label are both column {table.names[place]!r}; they must be two")
    return Chosen(place, places, label_columns is not None)


def _place(table: Table, what: str, given: str | None, usual: Sequence[str], taken: Sequence[int]) -> int:
    if given is not None:
        return _named(table, given)
    lower = [name.lower() for name in table.names]
    place = next((lower.index(name) for name in usual if name in lower), None)
    if place is None or place in taken:
        raise InputError(_which(table, what))
    return place


def _named(table: Table, name: str) -> int:
    if name in table.names:
        return table.names.index(name)
    if name.isdecimal() and len(name) < 10 and 1 <= int(name) <= len(table.names):
        return int(name) - 1
    close = closest(name, table.names)
    hint = f"did you mean {either(map(repr, close))}? " if close else ""
    raise InputError(f"'{table.source}' has no column {name!r}; {hint}its columns are {_columns(table)}")


def _which(table: Table, what: str) -> str:
    number = "" if table.header else ", a number from 1"
    rest = "; without a header give `no_header` as well" if table.sample and table.header else ""
    there = _columns(table)
    return f"'{table.source}': which column holds the {what}? give `{what}_column`{number}; there are {there}{rest}"


def _columns(table: Table) -> str:
    if table.header:
        return listed(table.names)
    cells = [cell if len(cell) <= 20 else cell[:19] + "…" for cell in table.sample[:_MOST_SHOWN]]
    return ", ".join(f"{number} ({cell!r})" for number, cell in enumerate(cells, 1))
