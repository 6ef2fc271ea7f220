"""The star points (hoshi) that the lines of a printed board carry, for any size."""

from __future__ import annotations


def star_points(size: int) -> frozenset[tuple[int, int]]:
    """The star points as (row, column), as Go clients draw them: on a 19x19 board nine, on 13x13 and 9x9 five.

    >>> sorted(star_points(9))
    [(2, 2), (2, 6), (4, 4), (6, 2), (6, 6)]
    """
    points = set()
    if size >= 7:
        near = 3 if size >= 13 else 2
        lines = [near, size - 1 - near]
        if size % 2 and size >= 15:
            lines.append(size // 2)
        points = {(row, column) for row in lines for column in lines}
    if size % 2 and size >= 5:
        points.add((size // 2, size // 2))
    return frozenset(points)
