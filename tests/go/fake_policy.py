"""A game, and a policy that does not look at it."""

from __future__ import annotations

import numpy as np

GAME = "(;GM[1]FF[4]SZ[19]PB[x]KM[6.5];B[pd];W[dd];B[];W[dp](;B[pp];W[fq])(;B[cn]))"
NUMBERS = np.arange(361, 0, -1, dtype=np.float32)  # the upper left is the best


class FakePolicy:
    """A policy that always gives the same probabilities, and remembers what it was asked."""

    name, size = "a-net", 19

    def __init__(self, probabilities: np.ndarray = NUMBERS) -> None:
        self.raw = probabilities.astype(np.float32) / max(1, probabilities.sum())
        self.asked: list[tuple[np.ndarray, bool]] = []

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        self.asked.append((planes, symmetries))
        return np.repeat(self.raw[None], len(planes), axis=0)
