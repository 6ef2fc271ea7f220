"""Pooling: each works on every map on its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from casecnn import layers
from casecnn.layers.shapes import Padding, Pair, Rounding, pair, spans
from casecnn.reference.arrays import Array, adaptive_windows, counted, pad, real, unpad, windows
from casecnn.reference.registry import REFERENCE, Reference


def max_pool2d(
    x: ArrayLike, kernel: int | Pair, stride: int | Pair, *, padding: Padding = 0, rounding: Rounding = "exact"
) -> Array:
    """y[n,c,i,j] = the largest x of the window; padding is -infinity. Returns [N, C, H', W']."""
    x = real(x)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, pair(kernel), pair(stride), padding, rounding)
    x = pad(x, rows, columns, -np.inf)
    y = np.zeros((*x.shape[:2], rows.windows, columns.windows))
    for i, j, down, across in windows(rows, columns, pair(kernel), pair(stride)):
        y[:, :, i, j] = x[:, :, down, across].max((2, 3))
    return y


def max_pool2d_backward(
    x: ArrayLike,
    dy: ArrayLike,
    kernel: int | Pair,
    stride: int | Pair,
    *,
    padding: Padding = 0,
    rounding: Rounding = "exact",
) -> Array:
    """The gradient of `max_pool2d`: each dy goes to its window's largest cell, the first in row order if several are.

    Where windows overlap and share that cell, it gets the sum. Returns the shape of x.
    """
    x, dy = real(x), real(dy)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, pair(kernel), pair(stride), padding, rounding)
    x = pad(x, rows, columns, -np.inf)
    dx = np.zeros_like(x)
    for i, j, down, across in windows(rows, columns, pair(kernel), pair(stride)):
        for n, c in np.ndindex(x.shape[:2]):
            largest = np.unravel_index(x[n, c, down, across].argmax(), pair(kernel))
            dx[n, c, down, across][largest] += dy[n, c, i, j]
    return unpad(dx, rows, columns, height, width)


def mean_pool2d(
    x: ArrayLike,
    kernel: int | Pair,
    stride: int | Pair,
    *,
    padding: Padding = 0,
    rounding: Rounding = "exact",
    count_padding: bool = False,
) -> Array:
    """y[n,c,i,j] = the sum of the window / its cells inside the input (``count_padding``: inside input and padding)."""
    x = real(x)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, pair(kernel), pair(stride), padding, rounding)
    cells = counted(rows, columns, height, width, count_padding)
    x = pad(x, rows, columns)
    y = np.zeros((*x.shape[:2], rows.windows, columns.windows))
    for i, j, down, across in windows(rows, columns, pair(kernel), pair(stride)):
        y[:, :, i, j] = x[:, :, down, across].sum((2, 3)) / cells[down, across].sum()
    return y


def mean_pool2d_backward(
    x: ArrayLike,
    dy: ArrayLike,
    kernel: int | Pair,
    stride: int | Pair,
    *,
    padding: Padding = 0,
    rounding: Rounding = "exact",
    count_padding: bool = False,
) -> Array:
    """The gradient of `mean_pool2d`: each dy is shared out evenly among the cells of its window."""
    x, dy = real(x), real(dy)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, pair(kernel), pair(stride), padding, rounding)
    cells = counted(rows, columns, height, width, count_padding)
    dx = np.zeros((*x.shape[:2], *cells.shape))
    for i, j, down, across in windows(rows, columns, pair(kernel), pair(stride)):
        dx[:, :, down, across] += (dy[:, :, i, j] / cells[down, across].sum())[:, :, None, None]
    return unpad(dx, rows, columns, height, width)


def adaptive_mean_pool2d(x: ArrayLike, size: int) -> Array:
    """y[n,c,i,j] = the mean of the cells from floor(i*H/size) to ceil((i+1)*H/size), and likewise across."""
    x = real(x)
    y = np.zeros((*x.shape[:2], size, size))
    for i, j, down, across in adaptive_windows(x.shape[2], x.shape[3], size):
        y[:, :, i, j] = x[:, :, down, across].mean((2, 3))
    return y


def adaptive_mean_pool2d_backward(x: ArrayLike, dy: ArrayLike, size: int) -> Array:
    """The gradient of `adaptive_mean_pool2d`: each dy is shared out evenly among the cells of its window."""
    x, dy = real(x), real(dy)
    dx = np.zeros_like(x)
    for i, j, down, across in adaptive_windows(x.shape[2], x.shape[3], size):
        window = dx[:, :, down, across]
        window += dy[:, :, i, j, None, None] / (window.shape[2] * window.shape[3])
    return dx


@REFERENCE.runs(layers.MaxPool)
class MaxPool(Reference[layers.MaxPool]):
    """`max_pool2d`."""

    def forward(self, x: Array) -> Array:
        layer = self.layer
        return max_pool2d(x, layer.kernel, layer.step, padding=layer.padding, rounding=layer.rounding)


@REFERENCE.runs(layers.MeanPool)
class MeanPool(Reference[layers.MeanPool]):
    """`mean_pool2d`."""

    def forward(self, x: Array) -> Array:
        layer = self.layer
        return mean_pool2d(
            x,
            layer.kernel,
            layer.step,
            padding=layer.padding,
            rounding=layer.rounding,
            count_padding=layer.count_padding,
        )


@REFERENCE.runs(layers.GlobalMeanPool)
class GlobalMeanPool(Reference[layers.GlobalMeanPool]):
    """y[n,c] = the mean of x[n,c]."""

    def forward(self, x: Array) -> Array:
        return x.mean((2, 3))


@REFERENCE.runs(layers.AdaptiveMeanPool)
class AdaptiveMeanPool(Reference[layers.AdaptiveMeanPool]):
    """`adaptive_mean_pool2d`."""

    def forward(self, x: Array) -> Array:
        return adaptive_mean_pool2d(x, self.layer.size)


@REFERENCE.runs(layers.MaxOverTime)
class MaxOverTime(Reference[layers.MaxOverTime]):
    """y[n,c] = the largest of x[n,c]."""

    def forward(self, x: Array) -> Array:
        return x.max((2, 3))
