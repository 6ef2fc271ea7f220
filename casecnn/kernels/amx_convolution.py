"""Convolutions for inference in bfloat16 on the AMX tiles of a CPU, with bias, ReLU and a shortcut's sum.

For machines whose AMX torch's own library, oneDNN, does not use: see `casecnn.kernels.cpu`.

A convolution is one matrix product for each cell of its window, and all of them add up in the same tiles: the left
factor's rows are the channels of neighbouring pixels (NHWC), shifted by the cell. For that an image is copied into a
frame of zeros whose rows follow each other; pixels that overlap the frame's edge are computed and dropped. A stride
splits the frame into as many, so that neighbouring outputs read neighbouring pixels. Where the channels are few, the
window's columns are laid side by side instead. A 1x1 convolution needs no frame.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from casecnn.compiled import njit
from casecnn.kernels.amx import (
    CONFIGURATION,
    DEPTH,
    ROWS,
    STEP_BYTES,
    add_and_round32,
    configure,
    copy,
    multiply,
    release,
    round32,
)
from casecnn.kernels.convolution import Convolution, Kernel
from casecnn.layers.shapes import Pair

CACHED = 512 * 1024  # bytes of the left factor that are used again before others are: they must fit the L2 cache


class TileConvolution:
    """A convolution in bfloat16, channels last, with ReLU if it has one; `fits` must hold.

    Products are exact, sums are float32, the result is rounded once. An image's answer does not depend on the others
    in its batch, nor on the number of threads.
    """

    def __init__(self, convolution: Convolution) -> None:
        self.convolution = convolution
        self.weights = lay_out(convolution.weight, convolution.bias)

    def __call__(self, x: Tensor, padding: Pair) -> Tensor:
        relu = self.convolution.activation == "relu"
        return convolve(x, self.weights, self.convolution.stride, padding, relu)

    def add_to(self, side: Tensor, x: Tensor, padding: Pair, relu: bool) -> Tensor:
        """The convolution of x plus ``side``, ReLU after the sum if wanted; the result overwrites ``side``."""
        return convolve(x, self.weights, self.convolution.stride, padding, relu, side)

    def follows(self, before: Kernel | None) -> bool:
        """Whether it keeps the shape, and has the same window as the one before it, if there is one."""
        own, (rows, columns) = self.convolution, self.weights.kernel
        if before is not None:
            if not isinstance(before, TileConvolution):
                return False
            if (before.weights.kernel, before.weights.outputs) != (self.weights.kernel, self.weights.outputs):
                return False
        if own.weight.shape[1] != self.weights.outputs or self.weights.outputs % DEPTH or self.weights.beside:
            return False
        return own.stride == (1, 1) and bool(rows % 2 and columns % 2) and own.padding == (rows // 2, columns // 2)


def fits(convolution: Convolution) -> bool:
    """Whether a convolution can be one on tiles."""
    plain = convolution.groups == 1 and convolution.dilation == (1, 1) and convolution.activation in (None, "relu")
    return plain and convolution.weight.dtype == torch.bfloat16


class Weights(NamedTuple):
    """A convolution's weights as the tiles read them.

    `right` int16, flat: see `lay_out`. `bias` float32, with zeros up to a multiple of 32. `beside`: the window's
    columns lie side by side, as if they were channels.
    """

    right: np.ndarray
    bias: np.ndarray
    outputs: int
    kernel: Pair
    beside: bool


def lay_out(weight: Tensor, bias: Tensor | None = None) -> Weights:
    """The weights [outputs, channels, rows, columns], of any floating type, in the order in which they are read.

    For each 32 outputs, each cell of the window and each 32 channels, two tiles of 16 outputs; in a tile 16 pairs of
    channels, in a pair the 16 outputs of its first channel and its second one in turn.
    """
    outputs, channels, rows, columns = weight.shape
    # Side by side where that takes fewer products than filling up the channels.
    beside = columns > 1 and -(-columns * channels // DEPTH) < columns * -(-channels // DEPTH)
    cells = weight.detach().float().permute(2, 3, 1, 0)
    if beside:
        cells = cells.reshape(rows, 1, columns * channels, outputs)
    cells = F.pad(cells, (0, -outputs % ROWS, 0, -cells.shape[2] % DEPTH))
    tiles = cells.reshape(cells.shape[0] * cells.shape[1], -1, 16, 2, cells.shape[3] // ROWS, 2, 16)
    right = tiles.permute(4, 0, 1, 5, 2, 6, 3).contiguous().bfloat16().view(torch.int16).numpy().reshape(-1)
    shift = np.zeros(cells.shape[3], np.float32)
    if bias is not None:
        shift[:outputs] = bias.detach().float().numpy()
    return Weights(right, shift, outputs, (rows, columns), beside)


def convolve(
    x: Tensor, weights: Weights, stride: Pair, padding: Pair, relu: bool = False, side: Tensor | None = None
) -> Tensor:
    """The convolution of x, bfloat16 [N, C, H, W], plus `side`, if any, which then takes the result; ReLU after that.

    Windows that do not fit are left out. Returns bfloat16, channels last; no gradient.
    """
    count, channels, *size = x.shape
    height, width = ((n + 2 * p - k) // s + 1 for n, p, k, s in zip(size, padding, weights.kernel, stride, strict=True))
    outputs = weights.outputs
    source = x.detach().permute(0, 2, 3, 1).contiguous()
    out = torch.empty(count, height, width, outputs, dtype=torch.bfloat16)
    if side is not None:
        out = side.detach().permute(0, 2, 3, 1)
        assert out.is_contiguous() and out.shape == (count, height, width, outputs)
    left, target = numbers(source), numbers(out).reshape(-1)
    fixed = (weights.right, weights.bias, target, side is not None, np.float32(0 if relu else -np.inf), outputs)
    threads = torch.get_num_threads()
    pixels = count * height * width
    if weights.kernel == stride == (1, 1) and padding == (0, 0) and channels % DEPTH == 0 and pixels >= ROWS:
        cuts = [pixels * i // threads // ROWS * ROWS for i in range(threads)] + [pixels]
        flat = left.reshape(pixels, channels)
        each(threads, lambda i: _pixels(CONFIGURATION, block(), flat, *fixed, cuts[i], cuts[i + 1]))
    else:
        frame = frame_of(channels, weights.kernel, stride, padding, (size[1], height, width), weights.beside)
        blocks = -(-outputs // ROWS)
        if count >= threads:
            parts = [(count * i // threads, count * (i + 1) // threads, 0, blocks) for i in range(threads)]
        else:
            cuts = [blocks * i // threads for i in range(threads + 1)]
            parts = [(0, count, cuts[i], cuts[i + 1]) for i in range(threads) if cuts[i] < cuts[i + 1]]

        def work(i: int) -> None:
            _pictures(CONFIGURATION, block(), left, *fixed, frame, zeros(frame.length, np.int16), *parts[i])

        each(len(parts), work)
    return out.permute(0, 3, 1, 2)


def numbers(x: Tensor) -> np.ndarray:
    """A tensor of bfloat16 as int16, the same memory."""
    return x.view(torch.int16).numpy()


def zeros(length: int, dtype: type) -> np.ndarray:
    """Zeros that begin at a multiple of 64 bytes: a tile's row then lies in one line of the cache."""
    space = np.zeros(length * np.dtype(dtype).itemsize + 64, np.uint8)
    begin = -space.ctypes.data % 64
    return space[begin : begin + length * np.dtype(dtype).itemsize].view(dtype)


def block() -> np.ndarray:
    """Room for what `casecnn.kernels.amx.multiply` makes, and for 16 numbers more."""
    return zeros(ROWS * ROWS + 16, np.float32)


def each(threads: int, work: Callable[[int], object]) -> None:
    """Call `work` with 0 to threads - 1, at the same time."""
    if threads == 1:
        work(0)
    else:
        list(_pool(threads).map(work, range(threads)))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="tiles")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


class Frame(NamedTuple):
    """Where an image's pixels go: [frames_down, frames_across, high, wide, depth].

    `offsets` int64 [cells], in bytes, lead from an output's first pixel to those under the window's other cells.
    """

    depth: int
    frames_down: int
    frames_across: int
    high: int
    wide: int
    columns: int  # of the window, where they are laid side by side, else 1
    down: int  # strides
    across: int
    above: int  # padding
    before: int
    out_height: int
    out_width: int
    offsets: np.ndarray

    @property
    def length(self) -> int:
        """Numbers in all frames, and what the last block reads beyond them."""
        return (self.frames_down * self.frames_across * self.high * self.wide + ROWS + self.wide) * self.depth


@lru_cache(maxsize=1024)
def frame_of(
    channels: int, kernel: Pair, stride: Pair, padding: Pair, widths: tuple[int, int, int], beside: bool
) -> Frame:
    """The frame for windows over images with this number of channels.

    `widths` are the image's width, the output's height and the output's width.
    """
    (rows, columns), (down, across), (above, before) = kernel, stride, padding
    width, out_height, out_width = widths
    depth = -(-(columns * channels if beside else channels) // DEPTH) * DEPTH
    frames_down, frames_across = min(down, rows), 1 if beside else min(across, columns)
    high = out_height - 1 + -(-rows // down)
    wide = out_width if beside else out_width - 1 + -(-columns // across)
    if across == 1 and not beside:
        after = max(0, wide - before - width)
        wide = max(out_width, wide - min(before, after))  # the zeros before the next row are also those after this one
    places = [
        ((r % down * frames_across + c % across) * high + r // down) * wide + c // across
        for r in range(rows)
        for c in range(1 if beside else columns)
    ]
    return Frame(
        depth,
        frames_down,
        frames_across,
        high,
        wide,
        columns if beside else 1,
        down,
        across,
        above,
        before,
        out_height,
        out_width,
        np.array(places, np.int64) * depth * 2,
    )


@njit(inline="always")
def finish(sums, bias, out, count, add, floor, spare):
    """Round the `count` channels of a pixel, at most 32, whose sums are at one address, to another, `out`.

    At `spare` is room for 32 channels.
    """
    if count == ROWS:
        if add:
            add_and_round32(sums, bias, out, out, floor)
        else:
            round32(sums, bias, out, out, floor)
    else:
        if add:
            copy(out, spare, count * 2)
            add_and_round32(sums, bias, spare, spare, floor)
        else:
            round32(sums, bias, spare, spare, floor)
        copy(spare, out, count * 2)


# Numba frees an array of its own after the last line that names it, addresses of it not counted: working memory comes
# from outside.


@njit(cache=True, nogil=True)
def _pixels(configuration, block, left, weights, shift, target, add, floor, outputs, begin, end):
    """1x1: pixels from `begin` to `end` of left int16 [pixels, channels]; pixels >= 32, channels a multiple of 32."""
    configure(configuration.ctypes.data)
    source, product, out = left.ctypes.data, block.ctypes.data, target.ctypes.data
    spare = product + ROWS * ROWS * 4
    offsets = np.zeros(1, np.int64)
    pixels, channels = left.shape
    stride, steps = 2 * channels, channels // DEPTH
    together = max(ROWS, CACHED // stride // ROWS * ROWS)
    for start in range(begin, end, together):
        stop = min(start + together, end)
        for first in range(0, outputs, ROWS):
            right = weights.ctypes.data + first // ROWS * steps * STEP_BYTES
            bias, count = shift.ctypes.data + first * 4, min(ROWS, outputs - first)
            for m in range(start, stop, ROWS):
                top = min(m, pixels - ROWS)  # the last block reaches back over pixels that are done
                multiply(source + top * stride, stride, offsets, steps, right, product)
                for i in range(m, min(m + ROWS, stop)):
                    at = i * outputs + first
                    finish(product + (i - top) * ROWS * 4, bias, out + at * 2, count, add, floor, spare)
    release()


@njit(cache=True, nogil=True)
def _pictures(
    configuration, block, left, weights, shift, target, add, floor, outputs, f, frame, begin, end, begin_n, end_n
):
    """Convolve with any window: the images from `begin` to `end` of left int16 [N, H, W, C].

    Of their outputs it computes the blocks of 32 from `begin_n` to `end_n`. `frame` int16 [f.length] is zero; `f` is a
    `Frame`.
    """
    configure(configuration.ctypes.data)
    source, product, out = frame.ctypes.data, block.ctypes.data, target.ctypes.data
    spare = product + ROWS * ROWS * 4
    stride, steps = f.depth * 2, f.depth // DEPTH
    pixels = (f.out_height - 1) * f.wide + f.out_width
    together = max(ROWS, CACHED // stride // ROWS * ROWS)
    for n in range(begin, end):
        lay(left[n], frame, f)
        for start in range(0, pixels, together):
            stop = min(start + together, pixels)
            for b in range(begin_n, end_n):
                first = b * ROWS
                right = weights.ctypes.data + b * len(f.offsets) * steps * STEP_BYTES
                bias, count = shift.ctypes.data + first * 4, min(ROWS, outputs - first)
                for m in range(start, stop, ROWS):
                    multiply(source + m * stride, stride, f.offsets, steps, right, product)
                    row, column = m // f.wide, m % f.wide
                    for i in range(min(ROWS, stop - m)):
                        if column < f.out_width:
                            at = ((n * f.out_height + row) * f.out_width + column) * outputs + first
                            finish(product + i * ROWS * 4, bias, out + at * 2, count, add, floor, spare)
                        column += 1
                        if column == f.wide:
                            column, row = 0, row + 1
    release()


@njit(inline="always")
def lay(picture, frame, f):
    """Copy an image [H, W, C] into its frames: each pixel, or all that lie under a row of a window, side by side."""
    height, width, channels = picture.shape
    source, target = picture.ctypes.data, frame.ctypes.data
    pixel = channels * 2
    for y in range(height):
        part, row = (y + f.above) % f.down, (y + f.above) // f.down
        if part >= f.frames_down or row >= f.high:
            continue
        if f.columns == 1 and f.across == 1 and f.depth == channels:
            at = ((part * f.high + row) * f.wide + f.before) * pixel
            copy(source + y * width * pixel, target + at, min(width, f.wide - f.before) * pixel)
            continue
        for x in range(f.wide if f.columns > 1 else width):
            if f.columns > 1:
                side, column, first = 0, x, x * f.across - f.before
                begin, end = max(0, -first), min(f.columns, width - first)
            else:
                side, column, first = (x + f.before) % f.across, (x + f.before) // f.across, x
                begin, end = 0, 1
            if side < f.frames_across and column < f.wide:
                at = (((part * f.frames_across + side) * f.high + row) * f.wide + column) * f.depth * 2
                copy(source + (y * width + first + begin) * pixel, target + at + begin * pixel, (end - begin) * pixel)
