"""How sure a share is that was counted: of games won, of images classified wrongly."""

from __future__ import annotations

import math


def wilson_interval(successes: float, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the Wilson score interval of a share, by default of 95 %; (0, 1) without trials.

    ``successes`` may be fractional: a drawn game counts half.
    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    >>> [round(bound, 3) for bound in wilson_interval(60, 100)]
    [0.502, 0.691]
    """
    if not trials:
        return 0.0, 1.0
    share, scale = successes / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def standard_error(share: float, trials: int) -> float:
    """Return the standard error of a share, sqrt(p (1 - p) / n); infinite without trials."""
    return math.sqrt(share * (1 - share) / trials) if trials else math.inf
