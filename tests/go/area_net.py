"""A net that counts the board as it stands: what a search finds with it can be worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np


class AreaNet:
    """All points are as likely; stones and the points beside stones of one colour alone are that colour's area."""

    name = "area as it stands"

    def __init__(self, size: int = 5, scale: float = 5.0) -> None:
        self.size, self.scale = size, scale
        self.seen = 0

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        return np.full((len(planes), self.size**2), 1 / self.size**2, np.float32)

    def estimate(self, planes: np.ndarray, komi: np.ndarray, symmetries: bool = False) -> SimpleNamespace:
        self.seen += len(planes)
        own, other = (self._touched(planes[:, colour]) for colour in (0, 1))
        stones = planes[:, 0].astype(np.float32) - planes[:, 1]
        ownership = (stones + (planes[:, 2] * own * (1 - other)) - (planes[:, 2] * other * (1 - own))).astype(
            np.float32
        )
        lead = ownership.sum((1, 2)) + komi
        return SimpleNamespace(
            probabilities=self.probabilities(planes),
            win=(1 / (1 + np.exp(-lead / self.scale))).astype(np.float32),
            lead=lead.astype(np.float32),
            ownership=ownership.reshape(len(planes), -1),
        )

    @staticmethod
    def _touched(stones: np.ndarray) -> np.ndarray:
        """Where a neighbour is a stone, [N, size, size]."""
        padded = np.pad(stones, ((0, 0), (1, 1), (1, 1)))
        return (padded[:, 1:-1, 2:] | padded[:, 1:-1, :-2] | padded[:, 2:, 1:-1] | padded[:, :-2, 1:-1]).astype(int)
