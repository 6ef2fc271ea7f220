"""How much a move loses, in classes and colours: below 0.5, 1.5, 3, 6 and 12 points, and more, as KaTrain has them."""

from __future__ import annotations

THRESHOLDS = (0.5, 1.5, 3.0, 6.0, 12.0)
"""Where the classes begin after the first, in points."""

COLOURS = ("#1f8f3a", "#7d9a12", "#c99700", "#df7400", "#c62828", "#7b1fa2")
"""A colour for each class, from green to purple."""

NAMES = ("<0.5", "0.5+", "1.5+", "3+", "6+", "12+")
"""The classes in tables: from that many points to the next class."""


def loss_class(points: float) -> int:
    """The number of the class, from 0, of a move that loses that many points.

    >>> [loss_class(points) for points in (-1.0, 0.49, 0.5, 2.9, 100)]
    [0, 0, 1, 2, 5]
    """
    return sum(points >= threshold for threshold in THRESHOLDS)


def loss_colour(points: float) -> str:
    """The colour of that class, as #rrggbb."""
    return COLOURS[loss_class(points)]
