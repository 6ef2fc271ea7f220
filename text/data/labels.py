"""Labels as numbers: which there are, in which order, and one or several for each text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casecnn.choose import listed
from casecnn.errors import InputError, UsageError


@dataclass(frozen=True, eq=False)
class Targets:
    """The labels of texts.

    ``values`` are int64 [texts], places in ``names``; with ``multi_label`` float32 [texts, names] of 0 and 1.
    """

    names: tuple[str, ...]
    values: np.ndarray
    multi_label: bool

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: np.ndarray) -> Targets:
        """Return the labels of the texts with these numbers."""
        return Targets(self.names, self.values[indices], self.multi_label)


def targets_of(
    labels: Sequence[Any], texts: int, *, classes: Sequence[str] | None = None, multi_label: bool = False
) -> Targets:
    """Turn labels into numbers. `str` names a label; without ``classes`` the names are those that occur, in order.

    Raises InputError where labels and texts differ in number, a label is not among ``classes``, there are fewer than
    two labels (one with ``multi_label``), or a text's labels are not a collection with ``multi_label``.
    """
    if len(labels) != texts:
        raise InputError(f"there are {texts} texts and {len(labels)} labels; each text needs one")
    if multi_label:
        for number, entry in enumerate(labels):
            if isinstance(entry, (str, bytes)) or not isinstance(entry, (Collection, np.ndarray)):
                raise InputError(f"text {number + 1}: with several labels a text, {entry!r} must be a list of labels")
        rows = [[str(label) for label in entry] for entry in labels]
    else:
        rows = [[str(label)] for label in labels]
    names = in_order({name for row in rows for name in row}) if classes is None else tuple(map(str, classes))
    if len(set(names)) != len(names):
        raise UsageError(f"`classes` (={list(names)}) must differ from each other")
    places = {name: place for place, name in enumerate(names)}
    for number, row in enumerate(rows):
        for name in row:
            if name not in places:
                raise InputError(f"text {number + 1} has the label {name!r}; the labels are {listed(names, 10)}")
    if len(names) < (1 if multi_label else 2):
        only = f"all {texts} texts have the label {names[0]!r}" if names else "no text has a label"
        raise InputError(f"{only}; to tell labels apart there must be at least two")
    if not multi_label:
        return Targets(names, np.array([places[row[0]] for row in rows], np.int64), False)
    values = np.zeros((texts, len(names)), np.float32)
    for number, row in enumerate(rows):
        values[number, [places[name] for name in row]] = 1
    return Targets(names, values, True)


def in_order(names: Collection[str]) -> tuple[str, ...]:
    """Return names sorted: numbers by their value where all names are numbers, else by alphabet."""
    if all(re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", name, re.ASCII) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))
