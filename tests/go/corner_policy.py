"""A policy that plays along the upper edge."""

from __future__ import annotations

import numpy as np


class Corner:
    """A policy whose first choice is the upper left, then on to the right: A19, B19, C19, ..."""

    name, size = "a-net", 19

    def __init__(self) -> None:
        self.symmetries: list[bool] = []

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        self.symmetries.append(symmetries)
        row = (0.5 ** np.arange(1, 362)).astype(np.float32)
        return np.repeat(row[None], len(planes), axis=0)
