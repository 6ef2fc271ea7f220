"""The layers that LeNet-5 had in 1998: a table of connections, trainable sub-sampling, radial basis functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from casecnn import layers
from casecnn.layers.shapes import Padding, Pair, Rounding, pair, spans
from casecnn.reference.arrays import Array, Gradients, pad, real, unpad, windows
from casecnn.reference.pointwise import activated
from casecnn.reference.registry import REFERENCE, Reference


def table_conv2d(
    x: ArrayLike,
    table: Sequence[Sequence[int]],
    weight: ArrayLike,
    bias: ArrayLike,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    rounding: Rounding = "exact",
) -> Array:
    """y[n,o,i,j] = bias[o] + sum over c in table[o] and a,b of weight[(o,c),a,b] * x[n, c, i*stride + a, j*stride + b].

    ``weight`` is [connections, height, width], in the order of the table: all of output 0, then all of output 1, …
    """
    x, weight, bias = real(x), real(weight), real(bias)
    rows, columns = spans(x.shape[2], x.shape[3], weight.shape[1:], pair(stride), padding, rounding)
    x = pad(x, rows, columns)
    y = np.zeros((len(x), len(table), rows.windows, columns.windows)) + bias[:, None, None]
    for i, j, down, across in windows(rows, columns, weight.shape[1:], pair(stride)):
        number = 0
        for o, inputs in enumerate(table):
            for c in inputs:
                y[:, o, i, j] += (weight[number] * x[:, c, down, across]).sum((1, 2))
                number += 1
    return y


def table_conv2d_backward(
    x: ArrayLike,
    table: Sequence[Sequence[int]],
    weight: ArrayLike,
    dy: ArrayLike,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    rounding: Rounding = "exact",
) -> Gradients:
    """The gradients of `table_conv2d`: dw[(o,c)] = sum over n,i,j of dy[n,o,i,j] times x under the window."""
    x, weight, dy = real(x), real(weight), real(dy)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, weight.shape[1:], pair(stride), padding, rounding)
    x = pad(x, rows, columns)
    dx, dw = np.zeros_like(x), np.zeros_like(weight)
    for i, j, down, across in windows(rows, columns, weight.shape[1:], pair(stride)):
        number = 0
        for o, inputs in enumerate(table):
            for c in inputs:
                slope = dy[:, o, i, j, None, None]
                dw[number] += (slope * x[:, c, down, across]).sum(0)
                dx[:, c, down, across] += slope * weight[number]
                number += 1
    return Gradients(unpad(dx, rows, columns, height, width), dw, dy.sum((0, 2, 3)))


def subsample2d(
    x: ArrayLike, weight: ArrayLike, bias: ArrayLike, kernel: int | Pair, *, rounding: Rounding = "exact"
) -> Array:
    """y[n,c,i,j] = weight[c] * the sum of the window + bias[c]; windows of ``kernel`` cells that do not overlap."""
    x, weight, bias = real(x), real(weight), real(bias)
    rows, columns = spans(x.shape[2], x.shape[3], pair(kernel), pair(kernel), 0, rounding)
    y = np.zeros((*x.shape[:2], rows.windows, columns.windows))
    for i, j, down, across in windows(rows, columns, pair(kernel), pair(kernel)):
        y[:, :, i, j] = weight * x[:, :, down, across].sum((2, 3)) + bias
    return y


def subsample2d_backward(
    x: ArrayLike, weight: ArrayLike, dy: ArrayLike, kernel: int | Pair, *, rounding: Rounding = "exact"
) -> Gradients:
    """The gradients of `subsample2d`: each cell of a window gets weight[c] * dy, the weight the window's sum * dy."""
    x, weight, dy = real(x), real(weight), real(dy)
    rows, columns = spans(x.shape[2], x.shape[3], pair(kernel), pair(kernel), 0, rounding)
    dx, dw = np.zeros_like(x), np.zeros_like(weight)
    for i, j, down, across in windows(rows, columns, pair(kernel), pair(kernel)):
        dx[:, :, down, across] += (weight * dy[:, :, i, j])[:, :, None, None]
        dw += (dy[:, :, i, j] * x[:, :, down, across].sum((2, 3))).sum(0)
    return Gradients(dx, dw, dy.sum((0, 2, 3)))


def radial_basis(x: ArrayLike, centres: ArrayLike) -> Array:
    """y[n,o] = - sum over i of (x[n,i] - centres[o,i])^2."""
    return -((real(x)[:, None] - real(centres)) ** 2).sum(2)


def radial_basis_backward(x: ArrayLike, centres: ArrayLike, dy: ArrayLike) -> Array:
    """dx[n,i] = - 2 * sum over o of dy[n,o] * (x[n,i] - centres[o,i])."""
    return -2 * (real(dy)[:, :, None] * (real(x)[:, None] - real(centres))).sum(1)


@REFERENCE.runs(layers.TableConv)
class TableConv(Reference[layers.TableConv]):
    """`table_conv2d`, then the activation."""

    def forward(self, x: Array) -> Array:
        layer = self.layer
        y = table_conv2d(
            x,
            layer.table,
            self.array("weight"),
            self.array("bias"),
            stride=layer.stride,
            padding=layer.padding,
            rounding=layer.rounding,
        )
        return activated(y, layer.activation)


@REFERENCE.runs(layers.Subsampling)
class Subsampling(Reference[layers.Subsampling]):
    """`subsample2d`, then the activation."""

    def forward(self, x: Array) -> Array:
        layer = self.layer
        y = subsample2d(x, self.array("weight"), self.array("bias"), layer.kernel, rounding=layer.rounding)
        return activated(y, layer.activation)


@REFERENCE.runs(layers.RadialBasis)
class RadialBasis(Reference[layers.RadialBasis]):
    """`radial_basis`."""

    def forward(self, x: Array) -> Array:
        return radial_basis(x, self.layer.centres)
