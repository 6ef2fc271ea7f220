"""The layers' mathematics in NumPy float64, forward and backward, as the lectures' formulas: slow, obvious, the judge.

Every fast path is tested against these functions; none of them is meant for work. Maps are [N, C, H, W], vectors [N,
n], convolution weights [out, in/groups, height, width], linear weights [out, in]. A backward function takes the
gradient of the loss with respect to the layer's output, ``dy``, and returns those with respect to its inputs. Inputs of
any real type are converted to float64. Windows, padding and rounding are those of `casecnn.layers.shapes`, and raise
its ShapeError.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from casecnn.layers.shapes import Padding, Pair, Rounding, Span, pair, spans

Array = NDArray[np.float64]


class Gradients(NamedTuple):
    """Gradients of the loss with respect to a layer's input, weight and bias, each of that array's shape."""

    input: Array
    weight: Array
    bias: Array


def real(x: ArrayLike) -> Array:
    """``x`` as a float64 array."""
    return np.asarray(x, dtype=np.float64)


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


def local_response_norm(a: ArrayLike, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> Array:
    """b[i] = a[i] / (k + alpha * sum over j of a[j]^2)^beta, j in the n channels around i (Krizhevsky 2012, 3.3)."""
    a = real(a)
    return a / (k + alpha * neighbour_sum(a**2, n)) ** beta


def local_response_norm_backward(
    a: ArrayLike, db: ArrayLike, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> Array:
    """The gradient of `local_response_norm`.

    With s[i] = k + alpha * sum over j of a[j]^2 it is:

    da[i] = db[i] * s[i]^-beta - 2 * alpha * beta * a[i] * sum over j of db[j] * a[j] * s[j]^(-beta-1),
    because a[i] is in the sum of each of its n neighbours.
    """
    a, db = real(a), real(db)
    s = k + alpha * neighbour_sum(a**2, n)
    return db * s**-beta - 2 * alpha * beta * a * neighbour_sum(db * a * s ** (-beta - 1), n)


def batch_norm(
    x: ArrayLike, mean: ArrayLike, variance: ArrayLike, scale: ArrayLike, shift: ArrayLike, epsilon: float = 1e-5
) -> Array:
    """Inference: scale * (x - mean) / sqrt(variance + epsilon) + shift, each [C], over axis 1 of [N, C, …]."""
    x = real(x)
    m, v, g, b = (real(each).reshape(-1, *[1] * (x.ndim - 2)) for each in (mean, variance, scale, shift))
    return g * (x - m) / np.sqrt(v + epsilon) + b


def linear(x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Array:
    """y[n,o] = bias[o] + sum over i of weight[o,i] * x[n,i]."""
    y = real(x) @ real(weight).T
    return y if bias is None else y + real(bias)


def linear_backward(x: ArrayLike, weight: ArrayLike, dy: ArrayLike) -> Gradients:
    """Dx = dy W, dW = dy^T x, db = the sum of dy over the samples."""
    x, weight, dy = real(x), real(weight), real(dy)
    return Gradients(dy @ weight, dy.T @ x, dy.sum(0))


def relu(x: ArrayLike) -> Array:
    """max(x, 0)."""
    return np.maximum(real(x), 0.0)


def relu_backward(x: ArrayLike, dy: ArrayLike) -> Array:
    """Dy where x > 0, else 0 (at x = 0 too)."""
    return np.where(real(x) > 0, real(dy), 0.0)


def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)), written with tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * real(x)))


def scaled_tanh(x: ArrayLike) -> Array:
    """1.7159 * tanh(2/3 * x) (LeCun 1998, appendix A)."""
    return 1.7159 * np.tanh(2 / 3 * real(x))


def scaled_tanh_backward(x: ArrayLike, dy: ArrayLike) -> Array:
    """Dx = dy * 1.7159 * 2/3 * (1 - tanh(2/3 * x)^2)."""
    return real(dy) * 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * real(x)) ** 2)


def softmax(x: ArrayLike) -> Array:
    """exp(x) / sum of exp(x) over axis 1; the largest x is subtracted first, so that nothing overflows."""
    x = real(x)
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def softmax_backward(x: ArrayLike, dy: ArrayLike) -> Array:
    """dx[i] = y[i] * (dy[i] - sum over j of dy[j] * y[j]), with y = softmax(x)."""
    y, dy = softmax(x), real(dy)
    return y * (dy - (dy * y).sum(1, keepdims=True))


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


def neighbour_sum(x: Array, n: int) -> Array:
    """For each channel, the sum over the n channels around it, as far as there are any."""
    reach = n // 2
    sums = [x[:, max(i - reach, 0) : i + reach + 1].sum(1) for i in range(x.shape[1])]
    return np.stack(sums, 1)
