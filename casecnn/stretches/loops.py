"""A stretch of small layers, compiled: a plan of steps worked off by any number of threads, piece by piece.

A piece of a step is a band of rows of one image's output. Convolutions by Winograd are steps, too, and share out their
work as in `casecnn.kernels.winograd_loops`, whose plan this one follows. A step ends when all its pieces are done.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import carray

from casecnn.compiled import forget_stale, njit
from casecnn.kernels import winograd_loops
from casecnn.kernels.parallel import fetch_add, wait_for
from casecnn.kernels.vectors import BYTES, ROWS, VECTORS, WIDTH, clear, copy
from casecnn.kernels.winograd_loops import (
    COUNTERS,
    FACTORS_AT,
    HALF,
    HEAD,
    OFFER,
    PRODUCTS_AT,
    SCRATCH,
    SCRATCH_BYTES,
    STEPS,
    ZEROS,
    convolve_tiles,
)
from casecnn.stretches.map_loops import largest_row, normalise_pixels
from casecnn.stretches.map_vectors import mean_half
from casecnn.stretches.windows import HALVES, MOST_ROWS, WIDE, convolve, largest, mean

forget_stale(Path(__file__).parent, Path(winograd_loops.__file__).parent)

# Slots of a step; those of Winograd's are in `casecnn.kernels.winograd_loops`, and KIND.
(
    SOURCE, TARGET, IMAGES, HEIGHT, ACROSS, CHANNELS, OUT_HEIGHT, OUT_ACROSS, OUTPUTS, DOWN, RIGHT, ABOVE, BEFORE,
    COLUMNS, WEIGHTS, BIAS, RELU, BANDS, PITCH, LINES, RUN, PIXEL, OUT_PIXEL, ADD, FIRST_COUNTER,
    SIZE, TILES_OUT_PIXEL, KIND, LINE, IMAGE, BELOW, BEHIND, COPIED, STEP,
) = range(34)  # fmt: skip

COUNTED_ABOVE, COUNTED_BEFORE, COUNTED_BELOW, COUNTED_BEHIND = WEIGHTS, BIAS, LINE, ADD  # padding, of a mean
NEIGHBOURS, ALPHA, K = LINES, WEIGHTS, BIAS  # of a normalisation; the last two are the bits of float64

TILES, WINDOWS, LARGEST, MEAN, SHORTCUT, NORMALISE = range(6)  # kinds


@njit(nogil=True, error_model="numpy")
def _windows(step, piece, own):
    """A band of a convolution's output."""
    image, band = divmod(piece, step[BANDS])
    height, across, outputs = step[OUT_HEIGHT], step[OUT_ACROSS], step[OUTPUTS]
    first, last = height * band // step[BANDS], height * (band + 1) // step[BANDS]
    source = step[SOURCE] + image * step[IMAGE]
    if step[COPIED]:
        _pad(step, source, first * step[DOWN] - step[ABOVE], (last - 1) * step[DOWN] - step[ABOVE] + step[LINES], own)
        source = own
    else:
        source += first * step[LINE]
    target = step[TARGET] + (image * height + first) * across * step[OUT_PIXEL]
    floor = np.float32(0 if step[RELU] else -np.inf)
    vectors_left, block, weights = -(-outputs // WIDTH), 0, step[WEIGHTS]
    size, halves = step[SIZE], HALVES if step[SIZE] == HALF else 0
    while vectors_left > 0:
        vectors = min(VECTORS, vectors_left)
        while across == 1 and vectors < WIDE and 2 * vectors <= vectors_left and vectors >= VECTORS:
            vectors *= 2
        pieces = -(-across // (MOST_ROWS if vectors == 1 else ROWS))
        rest = min(outputs - block, vectors * WIDTH) - (vectors - 1) * WIDTH
        for y in range(last - first):
            at, to = source + y * step[LINE], target + y * across * step[OUT_PIXEL] + block * size
            for part in range(pieces):
                rows = across // pieces + (part < across % pieces)
                shape = halves + rows * WIDE + vectors
                convolve(step.ctypes.data, shape, at, weights, step[BIAS] + block * 4, to, rest, floor)
                at += rows * step[PIXEL]
                to += rows * step[OUT_PIXEL]
        weights += step[LINES] * step[RUN] * vectors * WIDTH * 4
        block += vectors * WIDTH
        vectors_left -= vectors


@njit(nogil=True, error_model="numpy")
def _pad(step, source, top, bottom, target):
    """Rows of an image from `top` to before `bottom`, with zeros where there are none.

    The zeros of a pixel may be one channel more, so that channels are pairs.
    """
    pixel, wide_pixel = step[CHANNELS] * step[SIZE], step[RUN] * 4 // step[COLUMNS]
    across, pitch, before = step[ACROSS], step[PITCH], step[BEFORE] * wide_pixel
    width = across * wide_pixel
    for y in range(top, bottom):
        if 0 <= y < step[HEIGHT]:
            clear(target, before)
            row = source + y * across * pixel
            if pixel == wide_pixel:
                copy(row, target + before, width)
            else:
                clear(target + before, width)
                for x in range(across):
                    copy(row + x * pixel, target + before + x * wide_pixel, pixel)
            clear(target + before + width, pitch - before - width)
        else:
            clear(target, pitch)
        target += pitch


@njit(nogil=True, error_model="numpy")
def _pool(step, piece, own):
    """A band of a pooling's output."""
    image, band = divmod(piece, step[BANDS])
    out_height, out_across, channels = step[OUT_HEIGHT], step[OUT_ACROSS], step[CHANNELS]
    height, across, size = step[HEIGHT], step[ACROSS], step[SIZE]
    pixel = step[CHANNELS] * size
    pitch = across * pixel
    source = step[SOURCE] + image * step[IMAGE]
    floor = np.float32(0 if step[RELU] else -np.inf)
    for y in range(out_height * band // step[BANDS], out_height * (band + 1) // step[BANDS]):
        top = y * step[DOWN] - step[ABOVE]
        bottom = top + step[LINES]
        if step[KIND] == LARGEST and pixel >= BYTES and not step[RELU]:
            target = step[TARGET] + (image * out_height + y) * out_across * step[OUT_PIXEL]
            largest_row(
                source, top, step[LINES], height, across, pixel, size == HALF, own,
                target, out_across, step[OUT_PIXEL], step[RIGHT], step[BEFORE], step[COLUMNS],
            )  # fmt: skip
            continue
        high = min(bottom, height + step[COUNTED_BELOW]) - max(top, -step[COUNTED_ABOVE])
        for x in range(out_across):
            left = x * step[RIGHT] - step[BEFORE]
            right = left + step[COLUMNS]
            wide = min(right, across + step[COUNTED_BEHIND]) - max(left, -step[COUNTED_BEFORE])
            scale = np.float32(1) / np.float32(high * wide)
            i, j = max(top, 0), max(left, 0)
            lines, columns = min(bottom, height) - i, min(right, across) - j
            at = source + i * pitch + j * pixel
            to = step[TARGET] + ((image * out_height + y) * out_across + x) * step[OUT_PIXEL]
            if size == HALF:
                for block in range(0, channels, WIDTH):
                    offset = min(block, channels - WIDTH) * size
                    mean_half(at + offset, lines, pitch, columns, pixel, to + offset, scale)
                continue
            for block in range(0, channels, WIDTH):
                rest = min(WIDTH, channels - block)
                if step[KIND] == LARGEST:
                    largest(at + block * 4, lines, pitch, columns, pixel, to + block * 4, rest, scale, floor)
                else:
                    mean(at + block * 4, lines, pitch, columns, pixel, to + block * 4, rest, scale, floor)


@njit(nogil=True, error_model="numpy")
def _normalise(step, piece, own):
    """A band of a local response normalisation."""
    image, band = divmod(piece, step[BANDS])
    height, across = step[OUT_HEIGHT], step[OUT_ACROSS]
    first, last = height * band // step[BANDS], height * (band + 1) // step[BANDS]
    alpha, k = step[ALPHA : ALPHA + 1].view(np.float64)[0], step[K : K + 1].view(np.float64)[0]
    begin = (image * height + first) * across
    source, target = step[SOURCE] + begin * step[CHANNELS] * step[SIZE], step[TARGET] + begin * step[OUT_PIXEL]
    normalise_pixels(
        source, target, (last - first) * across, step[CHANNELS], step[SIZE], step[OUT_PIXEL], step[NEIGHBOURS],
        alpha, k, own,
    )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def _shortcut(step, piece):
    """A band of a shortcut of option A: every stride-th pixel, zeros in new channels."""
    image, band = divmod(piece, step[BANDS])
    height, across, kept, size = step[OUT_HEIGHT], step[OUT_ACROSS], step[CHANNELS] * step[SIZE], step[OUT_PIXEL]
    for y in range(height * band // step[BANDS], height * (band + 1) // step[BANDS]):
        for x in range(across):
            at = step[SOURCE] + image * step[IMAGE] + (y * step[DOWN] * step[ACROSS] + x * step[RIGHT]) * kept
            to = step[TARGET] + ((image * height + y) * across + x) * size
            copy(at, to, kept)
            clear(to + kept, size - kept)


@njit(nogil=True, error_model="numpy")
def _work(plan):
    """A thread's share of a plan."""
    counters = plan.ctypes.data + plan[COUNTERS] * 8
    own = plan[SCRATCH] + fetch_add(counters, 1) * plan[SCRATCH_BYTES]
    for number in range(plan[STEPS]):
        step = plan[HEAD + number * STEP : HEAD + (number + 1) * STEP]
        first = counters + step[FIRST_COUNTER] * 64
        if step[KIND] == TILES:
            factors, products = own + plan[FACTORS_AT], own + plan[PRODUCTS_AT]
            convolve_tiles(step, first, own, factors, products, plan[ZEROS], plan[OFFER])
            continue
        pieces = step[IMAGES] * step[BANDS]
        piece = fetch_add(first, 1)
        while piece < pieces:
            if step[KIND] == WINDOWS:
                _windows(step, piece, own)
            elif step[KIND] == SHORTCUT:
                _shortcut(step, piece)
            elif step[KIND] == NORMALISE:
                _normalise(step, piece, own)
            else:
                _pool(step, piece, own)
            fetch_add(first + 64, 1)
            piece = fetch_add(first, 1)
        wait_for(first + 64, pieces, plan[OFFER])


def work(pointer):
    """The C function of a plan that `casecnn.kernels.parallel.run` calls."""
    _work(carray(pointer, (carray(pointer, (1,))[0],)))
