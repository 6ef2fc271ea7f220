"""Arguments checked in one voice: name, value, rule, as in "`top` (=0) must be a whole number of at least 1".

Each function returns the value that it was given, so that a check can stand where the value is used. All raise
`UsageError`. On the command line the name is shown as the option that sets it (see `casecnn.cli`).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection
from typing import Any, TypeVar

from casecnn.errors import UsageError

T = TypeVar("T")


def one_of(name: str, value: T, choices: Collection[Any]) -> T:
    """Check that ``value`` is one of ``choices``.

    >>> one_of("schedule", "cosinus", ("step", "cosine"))
    Traceback (most recent call last):
        ...
    casecnn.errors.UsageError: `schedule` (=cosinus) must be one of step, cosine
    """
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        raise UsageError(f"`{name}` (={value}) must be one of {', '.join(map(str, choices))}")
    return value


def whole(name: str, value: T, least: int, most: int | None = None) -> T:
    """Check that ``value`` is a whole number (no bool) from ``least`` to ``most``, both included."""
    fits = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (fits and least <= value and (most is None or value <= most)):  # type: ignore[operator]
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UsageError(f"`{name}` (={value}) must be a whole number {bounds}")
    return value


def positive(name: str, value: T) -> T:
    """Check that ``value`` is a finite number above 0."""
    if not (_is_number(value) and 0 < value < math.inf):  # type: ignore[operator]
        raise UsageError(f"`{name}` (={value}) must be a number above 0")
    return value


def within(name: str, value: T, low: float, high: float, *, closed: bool = False) -> T:
    """Check that low <= value < high; with ``closed`` ``high`` itself is allowed. ``high`` may be infinite."""
    fits = _is_number(value) and low <= value and (value <= high if closed else value < high)  # type: ignore[operator]
    if not fits or math.isinf(value):  # type: ignore[arg-type]
        bound = "" if math.isinf(high) else f" and {'at most' if closed else 'below'} {high:g}"
        raise UsageError(f"`{name}` (={value}) must be a number of at least {low:g}{bound}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
