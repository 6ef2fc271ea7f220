"""Training in bfloat16 on AMX tiles: a convolution of stride 1 with its gradients.

The gradient of the input is a convolution with the weights turned round. That of a weight is a sum over all pixels of
all images: for each pixel and each cell of the window one matrix product over 32 images. Its left factor has a row
for each channel of the input, its right factor a column for each of the output's gradient. Images and channels change
places for that, a few rows of the map at a time, so that they stay in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn.compiled import njit
from casecnn.kernels.amx import (
    CONFIGURATION,
    ROWS,
    STEP_BYTES,
    accumulate,
    add16,
    configure,
    interleave16,
    release,
    transpose16,
)
from casecnn.kernels.amx_convolution import convolve, each, lay_out, numbers, zeros
from casecnn.kernels.convolution import Convolution
from casecnn.layers.shapes import Pair

GROUP = 32  # images, over which the products of one step are added up
_TILE_BYTES = STEP_BYTES // 2


def fits(convolution: Convolution, padding: Pair, count: int) -> bool:
    """Whether tiles do a convolution's training steps with `count` images, faster than torch in float32."""
    rows, columns = convolution.kernel
    wide = _is_wide(convolution.weight, convolution.stride, convolution.dilation, convolution.groups)
    return wide and padding[0] < rows and padding[1] < columns and count >= GROUP // 2


def _is_wide(weight: Tensor, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int) -> bool:
    plain = stride == dilation == (1, 1) and groups == 1
    return plain and min(len(weight), weight[0].numel()) >= ROWS


def fit_most(net: nn.Module) -> bool:
    """Whether `fits` holds for at least half of a net's convolutions, for large enough batches."""
    convolutions = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    wide = [_is_wide(conv.weight, conv.stride, conv.dilation, conv.groups) for conv in convolutions]
    return 2 * sum(wide) >= max(1, len(wide))


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair, relu: bool = False) -> Tensor:
    """The convolution of x [N, C, H, W] with weight [outputs, C, rows, columns], stride 1; bfloat16, channels last.

    x and weight are rounded to bfloat16, sums are float32. Differentiable: gradients have their tensors' types; that of
    the output is rounded to bfloat16, too. `padding` is less than the window.
    """
    return _Convolution.apply(x, weight, bias, padding, relu)  # type: ignore[no-any-return, no-untyped-call]


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair, relu: bool) -> Tensor:
        rounded = x.to(torch.bfloat16, memory_format=torch.channels_last)
        y = convolve(rounded, lay_out(weight, bias), (1, 1), padding, relu)
        ctx.save_for_backward(rounded, weight, y if relu else None)
        ctx.padding, ctx.kind, ctx.bias = padding, x.dtype, None if bias is None else bias.dtype
        return y

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        gradient = given[0].to(torch.bfloat16, memory_format=torch.channels_last)
        if y is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, y, 0)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            turned = lay_out(weight.flip(2, 3).transpose(0, 1))
            rest = weight.shape[2] - 1 - ctx.padding[0], weight.shape[3] - 1 - ctx.padding[1]
            of_x = convolve(gradient, turned, (1, 1), rest).to(ctx.kind)
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            of_weight, of_bias = gradients(x, gradient, (weight.shape[2], weight.shape[3]), ctx.padding)
            of_weight, of_bias = of_weight.to(weight.dtype), None if ctx.bias is None else of_bias.to(ctx.bias)
        return of_x, of_weight, of_bias, None, None


def gradients(x: Tensor, gradient: Tensor, kernel: Pair, padding: Pair) -> tuple[Tensor, Tensor]:
    """The gradients of the weights and of the bias of a convolution of stride 1, as float32.

    dL/dW[o, c, a, b] = sum over n, i, j of x[n, c, i + a, j + b] * dL/dy[n, o, i, j], with x padded by zeros;
    dL/db[o] = sum over n, i, j of dL/dy[n, o, i, j]. x [N, C, H, W] and dL/dy [N, outputs, H', W'] are bfloat16.
    """
    left, right = (numbers(_filled_up(t.detach().permute(0, 2, 3, 1))) for t in (x, gradient))
    groups, (channels, outputs) = len(left) // GROUP, (left.shape[3], right.shape[3])
    width, out_width, (rows, columns) = left.shape[2], right.shape[2], kernel
    down, across = channels // ROWS, outputs // ROWS
    threads = max(1, min(torch.get_num_threads(), groups))
    sums = [zeros(rows * columns * down * across * ROWS * ROWS, np.float32) for _ in range(threads)]
    biases = [zeros(outputs, np.float32) for _ in range(threads)]

    def work(i: int) -> None:
        exchanged = zeros(rows * width * channels * GROUP, np.int16)
        pairs = zeros(out_width * outputs * GROUP, np.int16)
        part = slice(groups * i // threads * GROUP, groups * (i + 1) // threads * GROUP)
        _add_up(CONFIGURATION, left[part], right[part], exchanged, pairs, sums[i], biases[i], kernel, padding)

    each(threads, work)
    total = torch.from_numpy(sum(sums[1:], sums[0])).view(rows, columns, down, across, ROWS, ROWS)
    by_output = total.permute(3, 5, 2, 4, 0, 1).reshape(outputs, channels, rows, columns)
    used = gradient.shape[1]
    return by_output[:used, : x.shape[1]], torch.from_numpy(sum(biases[1:], biases[0]))[:used]


def _filled_up(x: Tensor) -> Tensor:
    """[N, H, W, C] with zeros up to whole groups of images and blocks of channels, contiguous."""
    return F.pad(x, (0, -x.shape[3] % ROWS, 0, 0, 0, 0, 0, -len(x) % GROUP)).contiguous()


@njit(cache=True, nogil=True)
def _add_up(configuration, left, right, exchanged, pairs, sums, bias, kernel, padding):
    """Add the images left int16 [n, H, W, C] and right [n, H', W', outputs] to `sums`, and to `bias`.

    `sums` has blocks of 32 channels by 32 outputs for each cell. All numbers are multiples of 32. Of 32 images
    `exchanged` holds the rows under a window, [row of the window, W, C, 32], and `pairs` one row of the output, as
    tiles of pairs of images.
    """
    configure(configuration.ctypes.data)
    source, tiles, total, biases = exchanged.ctypes.data, pairs.ctypes.data, sums.ctypes.data, bias.ctypes.data
    count, height, width, channels = left.shape
    out_height, out_width, outputs = right.shape[1:]
    (rows, columns), (above, before) = kernel, padding
    down, across = channels // ROWS, outputs // ROWS
    pixel, out_pixel = channels * GROUP * 2, outputs * GROUP * 2  # bytes of 32 images
    picture, out_picture = height * width * channels * 2, out_height * out_width * outputs * 2
    for n in range(0, count, GROUP):
        laid = 0  # rows of the input
        for y in range(out_height):
            for x in range(out_width):
                at = right.ctypes.data + n * out_picture + (y * out_width + x) * outputs * 2
                for i in range(0, GROUP, 2):
                    for c in range(0, outputs, 16):
                        first = at + i * out_picture + c * 2
                        to = tiles + x * out_pixel + c // 16 * _TILE_BYTES + i * 32
                        interleave16(first, first + out_picture, to)
                        add16(first, biases + c * 4)
                        add16(first + out_picture, biases + c * 4)
            while laid < min(height, y - above + rows):
                for x in range(width):
                    at = left.ctypes.data + n * picture + (laid * width + x) * channels * 2
                    to = source + (laid % rows * width + x) * pixel
                    for i in range(0, GROUP, 16):
                        for c in range(0, channels, 16):
                            transpose16(at + i * picture + c * 2, picture, to + c * GROUP * 2 + i * 2, GROUP * 2)
                laid += 1
            for r in range(rows):
                row = y + r - above
                if row < 0 or row >= height:
                    continue
                for k in range(columns):
                    begin, end = max(0, before - k), min(out_width, width + before - k)
                    at = source + (row % rows * width + begin + k - before) * pixel
                    for i in range(down):
                        for j in range(across):
                            block = total + (((r * columns + k) * down + i) * across + j) * ROWS * ROWS * 4
                            right_at = tiles + begin * out_pixel + j * STEP_BYTES
                            accumulate(at + i * ROWS * GROUP * 2, right_at, pixel, out_pixel, end - begin, block)
    release()
