"""How sure a share of errors is."""

from __future__ import annotations

import math


def wilson(errors: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share, of 95 % by default: what shares would not be surprised by these errors.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    >>> [round(bound, 4) for bound in wilson(95, 10_000)]
    [0.0078, 0.0116]
    """
    if not n:
        return 0.0, 1.0
    share, scale = errors / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - reach), min(1.0, middle + reach)
