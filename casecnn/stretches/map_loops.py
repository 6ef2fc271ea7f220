"""Poolings and local response normalisation, compiled: any number of threads take rows of pixels until none are left.

Channels are done a vector at a time; of a last part of a vector, the last whole vector is done once more. The largest
number of a window is that of its columns' largest, which windows side by side share.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import carray

from casecnn.compiled import forget_stale, njit
from casecnn.kernels import vectors
from casecnn.kernels.parallel import fetch_add
from casecnn.kernels.vectors import BYTES, WIDTH, clear
from casecnn.stretches.map_vectors import (
    mean,
    mean_half,
    normalise,
    normalise_half,
    square,
    square_half,
    tallest,
    tallest_half,
    widest,
    widest_half,
)

forget_stale(Path(__file__).parent, Path(vectors.__file__).parent)

# Slots of a plan, int64 each. The counters, of threads and of rows, have lines of the cache to themselves.
(
    KIND, SIZE, SOURCE, TARGET, IMAGES, HEIGHT, ACROSS, CHANNELS, OUT_HEIGHT, OUT_ACROSS, DOWN, RIGHT, ABOVE, BEFORE,
    LINES, COLUMNS, NEIGHBOURS, SCRATCH, SCRATCH_BYTES, ALPHA, K,
) = range(21)  # fmt: skip
THREADS, ROWS, LENGTH = 32, 40, 48

LARGEST, MEAN, NORMALISE = range(3)  # kinds
HALF = 2  # SIZE: bytes of a number, of bfloat16


@njit(nogil=True, error_model="numpy")
def largest_row(
    image, top, lines, height, across, pixel, half, keys, target, out_across, out_pixel, right, before, columns
):
    """A row of a pooling's output, of windows of `lines` lines from line `top` and of `columns` columns, of an image.

    `pixel` and `out_pixel` are bytes from pixel to pixel; `keys` is memory for a row of the image.
    """
    pitch = across * pixel
    first = max(top, 0)
    count = min(top + lines, height) - first
    source = image + first * pitch
    for place in range(0, pitch, BYTES):
        offset = min(place, pitch - BYTES)
        if half:
            tallest_half(source + offset, count, pitch, keys + offset)
        else:
            tallest(source + offset, count, pitch, keys + offset)
    for x in range(out_across):
        left = x * right - before
        begin = max(left, 0)
        wide = min(left + columns, across) - begin
        at, to = keys + begin * pixel, target + x * out_pixel
        for place in range(0, pixel, BYTES):
            offset = min(place, pixel - BYTES)
            if half:
                widest_half(at + offset, wide, pixel, to + offset)
            else:
                widest(at + offset, wide, pixel, to + offset)


@njit(nogil=True, error_model="numpy")
def _largest(plan, row, keys):
    """A row of a pooling's output; `keys` is memory for a row of the map."""
    image, y = divmod(row, plan[OUT_HEIGHT])
    pixel = plan[CHANNELS] * plan[SIZE]
    largest_row(
        plan[SOURCE] + image * plan[HEIGHT] * plan[ACROSS] * pixel, y * plan[DOWN] - plan[ABOVE], plan[LINES],
        plan[HEIGHT], plan[ACROSS], pixel, plan[SIZE] == HALF, keys, plan[TARGET] + row * plan[OUT_ACROSS] * pixel,
        plan[OUT_ACROSS], pixel, plan[RIGHT], plan[BEFORE], plan[COLUMNS],
    )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def _mean(plan, row):
    """A row of a pooling's output."""
    image, y = divmod(row, plan[OUT_HEIGHT])
    height, across, size, channels = plan[HEIGHT], plan[ACROSS], plan[SIZE], plan[CHANNELS]
    pixel = channels * size
    pitch = across * pixel
    top = y * plan[DOWN] - plan[ABOVE]
    first = max(top, 0)
    lines = min(top + plan[LINES], height) - first
    source = plan[SOURCE] + (image * height + first) * pitch
    target = plan[TARGET] + row * plan[OUT_ACROSS] * pixel
    for x in range(plan[OUT_ACROSS]):
        left = x * plan[RIGHT] - plan[BEFORE]
        begin = max(left, 0)
        columns = min(left + plan[COLUMNS], across) - begin
        scale = np.float32(1) / np.float32(lines * columns)
        at, to = source + begin * pixel, target + x * pixel
        c = 0
        while c < channels:
            offset = min(c, channels - WIDTH) * size
            if size == HALF:
                mean_half(at + offset, lines, pitch, columns, pixel, to + offset, scale)
            else:
                mean(at + offset, lines, pitch, columns, pixel, to + offset, scale)
            c += WIDTH


@njit(nogil=True, error_model="numpy")
def normalise_pixels(source, target, pixels, channels, size, out_pixel, neighbours, alpha, k, squares):
    """Some pixels; `squares` is memory, which begins and ends with zeros for channels that are not there."""
    first = squares + neighbours * 4
    clear(squares, neighbours * 4)
    clear(first + channels * 4, neighbours * 4)
    for _ in range(pixels):
        c = 0
        while c < channels:
            start = min(c, channels - WIDTH)
            if size == HALF:
                square_half(source + start * size, first + start * 4)
            else:
                square(source + start * size, first + start * 4)
            c += WIDTH
        c = 0
        while c < channels:
            start = min(c, channels - WIDTH)
            at, to, sums = source + start * size, target + start * size, squares + start * 4
            if size == HALF:
                normalise_half(at, sums, 2 * neighbours + 1, to, np.float32(alpha), np.float32(k))
            else:
                normalise(at, sums, 2 * neighbours + 1, to, np.float32(alpha), np.float32(k))
            c += WIDTH
        source += channels * size
        target += out_pixel


@njit(nogil=True, error_model="numpy")
def _normalise(plan, row, squares):
    """A row of pixels."""
    pixel, pixels = plan[CHANNELS] * plan[SIZE], plan[ACROSS]
    alpha, k = plan[ALPHA : ALPHA + 1].view(np.float64)[0], plan[K : K + 1].view(np.float64)[0]
    source, target = plan[SOURCE] + row * pixels * pixel, plan[TARGET] + row * pixels * pixel
    normalise_pixels(source, target, pixels, plan[CHANNELS], plan[SIZE], pixel, plan[NEIGHBOURS], alpha, k, squares)


@njit(nogil=True, error_model="numpy")
def _work(plan):
    """A thread's share of a plan."""
    address = plan.ctypes.data
    own = plan[SCRATCH] + fetch_add(address + THREADS * 8, 1) * plan[SCRATCH_BYTES]
    rows = plan[IMAGES] * plan[OUT_HEIGHT]
    row = fetch_add(address + ROWS * 8, 1)
    while row < rows:
        if plan[KIND] == NORMALISE:
            _normalise(plan, row, own)
        elif plan[KIND] == LARGEST:
            _largest(plan, row, own)
        else:
            _mean(plan, row)
        row = fetch_add(address + ROWS * 8, 1)


def work(pointer):
    """The C function of a plan that `casecnn.kernels.parallel.run` calls."""
    _work(carray(pointer, (LENGTH,)))
