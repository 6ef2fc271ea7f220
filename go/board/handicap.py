"""Where the stones of a fixed handicap stand.

Source: GTP version 2 draft 2, section 4.1.1: on the third line up to 12x12, on the fourth from 13x13 on, in the order
in which Go players place them.
"""

from __future__ import annotations

# Stones by how they stand: low (0), in the middle (1) or high (2), left to right and bottom to top.
_CORNERS = ((0, 0), (2, 2), (0, 2), (2, 0))
_SIDES = ((0, 1), (2, 1), (1, 0), (1, 2))
_CENTRE = (1, 1)


def most_stones(size: int) -> int:
    """The largest fixed handicap: 9 on odd boards from 9x9 on, 4 on 7x7 and on even boards, 0 on smaller boards."""
    if size < 7:
        return 0
    return 9 if size % 2 and size > 7 else 4


def fixed_handicap(stones: int, size: int) -> list[int] | None:
    """The moves `row * size + column` of a fixed handicap; None where the rules know none for that many stones.

    >>> from casecnn.go.board.coordinates import to_vertex
    >>> [to_vertex(move, 19) for move in fixed_handicap(5, 19)]
    ['D4', 'Q16', 'D16', 'Q4', 'K10']
    """
    if not 2 <= stones <= most_stones(size):
        return None
    places = list(_CORNERS[: min(stones, 4)])
    places += _SIDES[: (stones - 4) // 2 * 2] if stones > 5 else ()
    if stones in (5, 7, 9):
        places.append(_CENTRE)
    near = 2 if size <= 12 else 3
    lines = (near, size // 2, size - 1 - near)
    return [(size - 1 - lines[height]) * size + lines[side] for side, height in places]
