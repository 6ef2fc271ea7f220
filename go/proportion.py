"""How sure a share of wins is."""

from __future__ import annotations

import math


def wilson_interval(wins: float, games: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share of wins, by default of 95 %; (0, 1) without games. A draw is half a win.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    >>> [round(bound, 3) for bound in wilson_interval(60, 100)]
    [0.502, 0.691]
    """
    if not games:
        return 0.0, 1.0
    share = wins / games
    scale = 1 + z * z / games
    middle = (share + z * z / (2 * games)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / games + z * z / (4 * games * games))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def standard_error(share: float, games: int) -> float:
    """The standard error of a share of wins in so many games, sqrt(p (1 - p) / n); 0 where all games agree."""
    return math.sqrt(share * (1 - share) / games) if games else math.inf
