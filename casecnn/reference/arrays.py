"""Arrays, windows and padding, as every layer of the reference implementation uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from casecnn.layers.shapes import Pair, Span

Array = NDArray[np.float64]


class Gradients(NamedTuple):
    """Gradients of the loss with respect to a layer's input, weight and bias, each of that array's shape."""

    input: Array
    weight: Array
    bias: Array


def real(x: ArrayLike) -> Array:
    """``x`` as a float64 array."""
    return np.asarray(x, dtype=np.float64)


def windows(
    rows: Span, columns: Span, kernel: tuple[int, ...], stride: Pair, dilation: Pair = (1, 1)
) -> Iterator[tuple[int, int, slice, slice]]:
    """For each output row i and column j, the cells of the padded input under the kernel, as two slices."""
    for i in range(rows.windows):
        for j in range(columns.windows):
            top, left = i * stride[0], j * stride[1]
            down = slice(top, top + dilation[0] * (kernel[0] - 1) + 1, dilation[0])
            across = slice(left, left + dilation[1] * (kernel[1] - 1) + 1, dilation[1])
            yield i, j, down, across


def adaptive_windows(height: int, width: int, size: int) -> Iterator[tuple[int, int, slice, slice]]:
    """For each output row i and column j of an adaptive pool, the cells that it takes, as two slices."""

    def part(cells: int, i: int) -> slice:
        return slice(i * cells // size, -(-(i + 1) * cells // size))

    for i in range(size):
        for j in range(size):
            yield i, j, part(height, i), part(width, j)


def group_channels(weight: Array, groups: int) -> Iterator[tuple[slice, slice]]:
    """For each group, its input channels and its output channels."""
    outs, ins = len(weight) // groups, weight.shape[1]
    for group in range(groups):
        yield slice(group * ins, (group + 1) * ins), slice(group * outs, (group + 1) * outs)


def pad(x: Array, rows: Span, columns: Span, value: float = 0.0) -> Array:
    """``x`` with the windows' padding and overhang around its last two axes."""
    around = ((rows.before, rows.after + rows.overhang), (columns.before, columns.after + columns.overhang))
    return np.pad(x, ((0, 0), (0, 0), *around), constant_values=value)


def unpad(x: Array, rows: Span, columns: Span, height: int, width: int) -> Array:
    """The input's part of a padded array."""
    return x[:, :, rows.before : rows.before + height, columns.before : columns.before + width]


def counted(rows: Span, columns: Span, height: int, width: int, count_padding: bool) -> Array:
    """1 for each cell of the padded input that a mean counts, else 0; the overhang never counts."""
    cells = np.zeros((rows.before + height + rows.after, columns.before + width + columns.after))
    cells[rows.before : rows.before + height, columns.before : columns.before + width] = 1
    if count_padding:
        cells[:] = 1
    return np.pad(cells, ((0, rows.overhang), (0, columns.overhang)))
