"""The eight symmetries of the square board.

Symmetry `s` (0 to 7) mirrors the columns if `s >= 4`, then turns by `s % 4` quarter turns counter-clockwise;
0 is the identity. Works on NumPy arrays; sizes are values, never globals.
"""

from __future__ import annotations

from functools import cache

import numpy as np

SYMMETRIES = 8


def transform(array: np.ndarray, s: int) -> np.ndarray:
    """Return `array` [..., size, size] under symmetry `s`, as a view."""
    if not 0 <= s < SYMMETRIES:
        raise ValueError(f"symmetry (={s}) must be from 0 to 7")
    return np.rot90(array[..., ::-1] if s >= 4 else array, s % 4, axes=(-2, -1))


def untransform(array: np.ndarray, s: int) -> np.ndarray:
    """Undo `transform(array, s)`, as a view."""
    if not 0 <= s < SYMMETRIES:
        raise ValueError(f"symmetry (={s}) must be from 0 to 7")
    turned = np.rot90(array, -(s % 4), axes=(-2, -1))
    return turned[..., ::-1] if s >= 4 else turned


@cache
def targets(size: int) -> np.ndarray:
    """int32 [8, size * size]: where `transform` puts each move.

    `transform(a, s).flat[targets(size)[s, move]] == a.flat[move]`.
    """
    moves = np.arange(size * size, dtype=np.int32).reshape(size, size)
    table = np.stack([untransform(moves, s).reshape(-1) for s in range(SYMMETRIES)])
    table.setflags(write=False)
    return table
