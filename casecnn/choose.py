"""Things chosen by name: tables in which no name stands twice, and close matches for a name that is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeVar

from casecnn.errors import UsageError

T = TypeVar("T")


def table(what: str, rows: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return ``rows`` as a dict; raises ValueError where two have the same name, a fault of the program."""
    entries: dict[str, T] = {}
    for name, value in rows:
        if name in entries:
            raise ValueError(f"two {what}s are called '{name}'")
        entries[name] = value
    return entries


def pick(what: str, name: str, choices: Mapping[str, T], remedy: str | None = None) -> T:
    """Return the entry called ``name``; raises `UsageError` (see `unknown`) where there is none.

    >>> pick("optimizer", "adamv", {"sgd": 1, "adamw": 2})
    Traceback (most recent call last):
        ...
    casecnn.errors.UsageError: there is no optimizer 'adamv'; did you mean adamw?
    """
    if name not in choices:
        raise unknown(what, name, choices, remedy)
    return choices[name]


def unknown(what: str, name: str, choices: Collection[str], remedy: str | None = None) -> UsageError:
    """Return the error for a name that is not there: with the closest names, else ``remedy``, else all names."""
    close = closest(name, choices)
    if close:
        remedy = f"did you mean {either(close)}?"
    return UsageError(f"there is no {what} '{name}'; {remedy or f'choose from {either(list(choices))}'}")


def closest(name: str, choices: Collection[str]) -> list[str]:
    """Return up to three of ``choices`` that look like ``name``, the most alike first; case does not matter."""
    by_lower = {choice.lower(): choice for choice in choices}
    return [by_lower[found] for found in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]


def either(names: Iterable[str]) -> str:
    """Return the names as a list for a sentence: "a, b or c"."""
    names = list(names)
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names for a sentence, quoted, at most ``most`` of them, then how many there are besides.

    >>> listed(["pos", "neg", "none"], most=2)
    "'pos', 'neg' and 1 more"
    """
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
