"""The layers that hold weights: Conv, Linear, and the bias per position of AlphaGo's last layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from casecnn import layers
from casecnn.layers.shapes import Padding, Pair, Rounding, pair, spans
from casecnn.reference.arrays import Array, Gradients, group_channels, pad, real, unpad, windows
from casecnn.reference.pointwise import activated
from casecnn.reference.registry import REFERENCE, Reference


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    groups: int = 1,
    rounding: Rounding = "exact",
    dilation: int | Pair = 1,
) -> Array:
    """y[n,o,i,j] = bias[o] + sum over c,a,b of weight[o,c,a,b] * x[n, c, i*stride + a, j*stride + b].

    c runs over the input channels of o's group, and x is padded with zeros. Returns [N, out, H', W'].
    """
    x, weight = real(x), real(weight)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, weight.shape[2:], pair(stride), padding, rounding, pair(dilation))
    x = pad(x, rows, columns)
    y = np.zeros((len(x), len(weight), rows.windows, columns.windows))
    for inputs, outputs in group_channels(weight, groups):
        for i, j, down, across in windows(rows, columns, weight.shape[2:], pair(stride), pair(dilation)):
            y[:, outputs, i, j] = np.einsum("ncab,ocab->no", x[:, inputs, down, across], weight[outputs])
    return y if bias is None else y + real(bias)[:, None, None]


def conv2d_backward(
    x: ArrayLike,
    weight: ArrayLike,
    dy: ArrayLike,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    groups: int = 1,
    rounding: Rounding = "exact",
    dilation: int | Pair = 1,
) -> Gradients:
    """The gradients of `conv2d`.

    dW[o,c,a,b] = sum over n,i,j of dy[n,o,i,j] * x[n, c, i*stride + a, j*stride + b];
    dx[n, c, i*stride + a, j*stride + b] gets the sum of dy[n,o,i,j] * weight[o,c,a,b] over all o,i,j,a,b that meet
    there, and what falls on padding is cut off; db[o] = sum over n,i,j of dy[n,o,i,j].
    """
    x, weight, dy = real(x), real(weight), real(dy)
    height, width = x.shape[2:]
    rows, columns = spans(height, width, weight.shape[2:], pair(stride), padding, rounding, pair(dilation))
    x = pad(x, rows, columns)
    dx, dw = np.zeros_like(x), np.zeros_like(weight)
    for inputs, outputs in group_channels(weight, groups):
        for i, j, down, across in windows(rows, columns, weight.shape[2:], pair(stride), pair(dilation)):
            dw[outputs] += np.einsum("no,ncab->ocab", dy[:, outputs, i, j], x[:, inputs, down, across])
            dx[:, inputs, down, across] += np.einsum("no,ocab->ncab", dy[:, outputs, i, j], weight[outputs])
    return Gradients(unpad(dx, rows, columns, height, width), dw, dy.sum((0, 2, 3)))


def conv1d_weight_gradient(v: ArrayLike, dh: ArrayLike) -> Array:
    """dL/dW[c,i,j] = sum over k,n of dL/dH[k,j,n] * V[k+c,i,n], the lecture's formula for one spatial axis.

    ``v`` is the layer's input V, [positions, in, N]; ``dh`` the gradient of its output H, [positions - width + 1, out,
    N]; the result is [width, in, out]. c is the offset in the kernel, i the input channel, j the output channel, k the
    position and n the sample: H[k,j,n] = sum over c,i of W[c,i,j] * V[k+c,i,n].
    """
    v, dh = real(v), real(dh)
    width = len(v) - len(dh) + 1
    dw = np.zeros((width, v.shape[1], dh.shape[1]))
    for c, i, j in np.ndindex(dw.shape):
        for k in range(len(dh)):
            for n in range(v.shape[2]):
                dw[c, i, j] += dh[k, j, n] * v[k + c, i, n]
    return dw


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """y[n,o] = bias[o] + sum over i of weight[o,i] * x[n,i]."""
    y = real(x) @ real(weight).T
    return y if bias is None else y + real(bias)


def linear_backward(x: ArrayLike, weight: ArrayLike, dy: ArrayLike) -> Gradients:
    """Dx = dy W, dW = dy^T x, db = the sum of dy over the samples."""
    x, weight, dy = real(x), real(weight), real(dy)
    return Gradients(dy @ weight, dy.T @ x, dy.sum(0))


@REFERENCE.runs(layers.Conv)
class Conv(Reference[layers.Conv]):
    """`conv2d`, then the activation."""

    def forward(self, x: Array) -> Array:
        layer = self.layer
        y = conv2d(
            x,
            self.array("weight"),
            self.array("bias") if layer.bias else None,
            stride=layer.stride,
            padding=layer.padding,
            groups=layer.groups,
            rounding=layer.rounding,
            dilation=layer.dilation,
        )
        return activated(y, layer.activation)


@REFERENCE.runs(layers.Linear)
class Linear(Reference[layers.Linear]):
    """`linear`, then the activation."""

    def forward(self, x: Array) -> Array:
        y = linear(x, self.array("weight"), self.array("bias") if self.layer.bias else None)
        return activated(y, self.layer.activation)


@REFERENCE.runs(layers.PositionBias)
class PositionBias(Reference[layers.PositionBias]):
    """y[n,c,i,j] = x[n,c,i,j] + bias[c,i,j]."""

    def forward(self, x: Array) -> Array:
        return x + self.array("bias")
