"""Random numbers for samples of a training stream, each a function of the seed and of the sample's place in the stream.

No generator carries state: how samples are cut into batches, and how many workers or processes make them, changes
nothing about what happens to any one of them.
"""

from __future__ import annotations

from math import prod

import numpy as np

_STEP, _FIRST, _SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


class Draws:
    """Draws for the samples whose places in the stream are `positions`, int64 [n].

    `purpose` is a small number for each use; different purposes, seeds and positions give unrelated numbers. Number j
    of a sample is `casecnn.seeds.derive_seed(seed, position, purpose, j)` over 2**63: the same hash, for whole arrays.
    """

    def __init__(self, seed: int, positions: np.ndarray) -> None:
        self.positions = np.asarray(positions, dtype=np.int64)
        start = _mixed(np.uint64(seed & (1 << 64) - 1) ^ np.array([3], np.uint64))  # derive_seed counts its parts first
        self._state = _mixed(start ^ self.positions.astype(np.uint64))

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, part: slice) -> Draws:
        """The same draws for some of the samples."""
        taken = object.__new__(Draws)
        taken.positions, taken._state = self.positions[part], self._state[part]
        return taken

    def uniform(self, purpose: int, low: float = 0.0, high: float = 1.0, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Uniform numbers, low <= x < high, float64 [n, *shape]."""
        state = _mixed(self._state ^ np.uint64(purpose))
        numbers = _mixed(state[:, None] ^ np.arange(prod(shape), dtype=np.uint64))
        unit = (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return (low + (high - low) * unit).reshape(len(self), *shape)

    def normal(self, purpose: int, std: float = 1.0, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Normal numbers with mean 0, float64 [n, *shape] (Box and Muller 1958)."""
        pairs = self.uniform(purpose, shape=(*shape, 2))
        return std * np.sqrt(-2.0 * np.log1p(-pairs[..., 0])) * np.cos(2 * np.pi * pairs[..., 1])


def _mixed(state: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64, as in `casecnn.seeds`."""
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
