"""Curves over the moves of a game, as pictures and pages draw them."""

from __future__ import annotations

import numpy as np

WINDOW = 15
"""Moves of one player in a running mean."""


def running_mean(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """The mean over `window` values around each one, over fewer at both ends: float [n] to float [n]."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    middle = np.arange(len(values))
    low, high = np.maximum(middle - window // 2, 0), np.minimum(middle + window // 2 + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)
