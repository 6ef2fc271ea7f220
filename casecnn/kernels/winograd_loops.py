"""Winograd's convolutions, compiled: a plan of steps worked off by any number of threads, tile by tile.

A step is a convolution of some images. Their tiles are counted through, image by image, row by row. What a thread takes
at a time is either a *whole* block of tiles, whose factors stay in the cache that its core has to itself while all
output channels are made of them; or, where there are fewer blocks than threads or the weights are too large to be read
for every block, a part of a *split* block: first the factors of some tiles, for all threads to read, and when all of
those are there, some of the output channels. A step ends when all its pieces are done.

Factors of a block are [36, channels / WIDTH, room, WIDTH], where `room` tiles fit, products [36, tiles, VECTORS,
WIDTH].
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import carray

from casecnn.compiled import forget_stale, njit
from casecnn.kernels.parallel import fetch_add, wait_for
from casecnn.kernels.vectors import BYTES, ROWS, VECTORS, WIDTH, copy, peek, put
from casecnn.kernels.winograd_vectors import (
    CELLS,
    LEAST_ROWS,
    TILE,
    add_gather2,
    add_gather4,
    add_gather4_half,
    gather2,
    gather4,
    gather4_half,
    multiply,
    spread,
    spread_half,
)

forget_stale(Path(__file__).parent)

# Slots of a plan's head. Counters are 64 bytes apart; the first says how many threads have come.
LENGTH, STEPS, COUNTERS, OFFER, SCRATCH, SCRATCH_BYTES, ZEROS, FACTORS_AT, PRODUCTS_AT, HEAD = range(10)

# Slots of a step.
(
    SOURCE, TARGET, HEIGHT, ACROSS, CHANNELS, OUT_HEIGHT, OUT_ACROSS, OUTPUTS, TILES, TILES_DOWN, TILES_ACROSS, SIDE,
    ABOVE, BEFORE, WEIGHTS, BIAS, RELU, ADD, WHOLE, WHOLE_TILES, SPLITS, SPLIT_TILES, PARTS, SHARED, FIRST_COUNTER,
    SIZE, OUT_PIXEL, STEP,
) = range(28)  # fmt: skip

FULL, HALF = 4, 2  # SIZE: bytes of a number of the maps, of float32 and of bfloat16; OUT_PIXEL: from pixel to pixel

OWN_CACHE = 700 * 1024  # bytes of factors that stay in a core's own cache
SHARED_CACHE = 8 * 1024 * 1024  # bytes of factors that stay in the cache of all cores
PRODUCTS_BYTES = 300 * 1024  # of one piece of a split block
FEW_TILES = 20  # read the weights again for a block of fewer tiles, and memory cannot keep up
GROUP = 4  # tiles whose factors a thread makes at a time, of a split block

# Where in a thread's own memory is what, in bytes.
_PIXELS, _OUT_PIXELS, _REST_PIXELS, _REST = 0, 512, 1024, 1536
OWN = 1536 + CELLS * BYTES  # and then a place for outputs beyond the edge, factors and products


class Share(NamedTuple):
    """How a convolution's tiles are shared out."""

    whole: int
    whole_tiles: int
    splits: int
    split_tiles: int
    parts: int


def share_out(tiles: int, channels: int, outputs: int, threads: int) -> Share:
    """Whole blocks, as many as the threads have equal shares of, if weights can be read for each; else split ones."""
    tile = -(-channels // WIDTH) * BYTES * CELLS
    whole = whole_tiles = 0
    most = min(OWN_CACHE // tile, PRODUCTS_BYTES // (CELLS * VECTORS * BYTES))
    if most >= FEW_TILES:
        blocks = -(-tiles // most)
        even = -(-blocks // threads) * threads
        if -(-tiles // even) >= FEW_TILES:
            whole_tiles = -(-tiles // even)
            whole = -(-tiles // whole_tiles)
        else:
            whole_tiles, whole = most, blocks // threads * threads
    left = max(0, tiles - whole * whole_tiles)
    if left == 0:
        return Share(whole, whole_tiles, 0, 0, 1)
    splits = -(-left // max(LEAST_ROWS, SHARED_CACHE // tile))
    split_tiles = -(-left // splits)
    blocks = -(-outputs // (VECTORS * WIDTH))
    parts = -(-split_tiles * CELLS * VECTORS * BYTES // PRODUCTS_BYTES)
    if blocks * parts % threads:
        parts = max(parts, min(-(-2 * threads // blocks), split_tiles // ROWS))
    return Share(whole, whole_tiles, splits, split_tiles, parts)


@njit(inline="always")
def _line(size):
    """A stride of at least so many bytes, an odd number of lines of the cache: 36 places must not share a few sets."""
    return ((size + 63) // 64 | 1) * 64


@njit(nogil=True, error_model="numpy")
def _spread(step, begin, end, factors, first, room, own, zeros):
    """The factors of the tiles from `begin` to `end`; in their block the first of these tiles is number `first`."""
    channels, height, across, size = step[CHANNELS], step[HEIGHT], step[ACROSS], step[SIZE]
    whole = channels // WIDTH
    rest = (channels - whole * WIDTH) * size
    stride = _line((whole + (rest > 0)) * room * BYTES)
    for tile in range(begin, end):
        image, place = divmod(tile, step[TILES_DOWN] * step[TILES_ACROSS])
        down, right = divmod(place, step[TILES_ACROSS])
        top, left = down * step[SIDE] - step[ABOVE], right * step[SIDE] - step[BEFORE]
        base = step[SOURCE] + image * height * across * channels * size
        for i in range(TILE):
            y = top + i
            for j in range(TILE):
                x = left + j
                inside = 0 <= y < height and 0 <= x < across
                pixel = base + (y * across + x) * channels * size if inside else zeros
                put(own + _PIXELS + (i * TILE + j) * 8, pixel)
                if rest:
                    at = own + _REST + (i * TILE + j) * BYTES
                    copy(zeros, at, BYTES)
                    copy(pixel + whole * WIDTH * size, at, rest)
                    put(own + _REST_PIXELS + (i * TILE + j) * 8, at)
        target = factors + (first + tile - begin) * BYTES
        for c in range(whole):
            _spread_vector(size, own + _PIXELS, c * WIDTH * size, target, stride)
            target += room * BYTES
        if rest:
            _spread_vector(size, own + _REST_PIXELS, 0, target, stride)


@njit(nogil=True, error_model="numpy")
def _spread_vector(size, pixels, offset, target, stride):
    if size == FULL:
        spread(pixels, offset, target, stride)
    else:
        spread_half(pixels, offset, target, stride)


@njit(nogil=True, error_model="numpy")
def _multiply(step, factors, first, count, room, block, products):
    """The products of `count` tiles, from number `first`, with a block of outputs; returns how many vectors wide."""
    steps = -(-step[CHANNELS] // WIDTH)
    all_vectors = -(-step[OUTPUTS] // WIDTH)
    vectors = min(VECTORS, all_vectors - block * VECTORS)
    stride, product_stride = _line(steps * room * BYTES), _line(count * VECTORS * BYTES)
    size = steps * WIDTH * BYTES  # of a vector of outputs in one of the 36 matrices
    right = step[WEIGHTS] + block * CELLS * VECTORS * size
    pieces = -(-count // ROWS)
    for cell in range(CELLS):
        left = factors + cell * stride + first * BYTES
        product = products + cell * product_stride
        for piece in range(pieces):
            rows = count // pieces + (piece < count % pieces)
            done = max(rows, LEAST_ROWS)  # too few rows are filled up with what happens to lie there
            multiply(done, vectors, left, room * BYTES, right, product, steps)
            left += rows * BYTES
            product += rows * vectors * BYTES
        right += vectors * size
    return vectors


@njit(nogil=True, error_model="numpy")
def _gather(step, tile, count, block, vectors, products, own, zeros):
    """The outputs of `count` tiles from number `tile` of all."""
    side, outputs, out_height, out_across = step[SIDE], step[OUTPUTS], step[OUT_HEIGHT], step[OUT_ACROSS]
    size, out_pixel = step[SIZE], step[OUT_PIXEL]
    floor = np.float32(0 if step[RELU] else -np.inf)
    stride = _line(count * VECTORS * BYTES)
    nowhere = own + OWN
    for number in range(count):
        image, place = divmod(tile + number, step[TILES_DOWN] * step[TILES_ACROSS])
        down, right = divmod(place, step[TILES_ACROSS])
        base = step[TARGET] + image * out_height * out_across * out_pixel
        for i in range(side):
            y = down * side + i
            for j in range(side):
                x = right * side + j
                inside = y < out_height and x < out_across
                pixel = base + (y * out_across + x) * out_pixel if inside else nowhere
                put(own + _OUT_PIXELS + (i * side + j) * 8, pixel)
        for v in range(vectors):
            source = products + (number * vectors + v) * BYTES
            first = (block * VECTORS + v) * WIDTH
            offset, bias = first * size, step[BIAS] + first * 4
            rest = min(outputs - first, WIDTH) * size
            if rest == WIDTH * size:
                _finish(step, source, stride, own + _OUT_PIXELS, offset, bias, floor)
            else:
                for i in range(side * side):
                    at = own + _REST + i * BYTES
                    put(own + _REST_PIXELS + i * 8, at)
                    if step[ADD]:
                        copy(peek(own + _OUT_PIXELS + i * 8) + offset, at, rest)
                _finish(step, source, stride, own + _REST_PIXELS, 0, bias, floor)
                for i in range(side * side):
                    copy(own + _REST + i * BYTES, peek(own + _OUT_PIXELS + i * 8) + offset, rest)


@njit(inline="always")
def _finish(step, source, stride, pixels, offset, bias, floor):
    if step[SIZE] == HALF:
        if step[ADD]:
            add_gather4_half(source, stride, pixels, offset, bias, floor)
        else:
            gather4_half(source, stride, pixels, offset, bias, floor)
    elif step[SIDE] == 4:
        if step[ADD]:
            add_gather4(source, stride, pixels, offset, bias, floor)
        else:
            gather4(source, stride, pixels, offset, bias, floor)
    elif step[ADD]:
        add_gather2(source, stride, pixels, offset, bias, floor)
    else:
        gather2(source, stride, pixels, offset, bias, floor)


@njit(nogil=True, error_model="numpy")
def _whole(step, piece, own, factors, products, zeros):
    begin = piece * step[WHOLE_TILES]
    count = min(step[WHOLE_TILES], step[TILES] - begin)
    room = max(count, LEAST_ROWS)
    _spread(step, begin, begin + count, factors, 0, room, own, zeros)
    for block in range(-(-step[OUTPUTS] // (VECTORS * WIDTH))):
        vectors = _multiply(step, factors, 0, count, room, block, products)
        _gather(step, begin, count, block, vectors, products, own, zeros)


@njit(nogil=True, error_model="numpy")
def _split(step, begin, count, counters, offer, own, products, zeros):
    """One split block, with all threads; `counters` is the address of its four."""
    room = count + LEAST_ROWS
    pieces = -(-count // GROUP)
    piece: int = fetch_add(counters, 1)
    while piece < pieces:
        first = piece * GROUP
        last = min(first + GROUP, count)
        _spread(step, begin + first, begin + last, step[SHARED], first, room, own, zeros)
        fetch_add(counters + 64, 1)
        piece = fetch_add(counters, 1)
    wait_for(counters + 64, pieces, offer)

    parts = step[PARTS]
    pieces = -(-step[OUTPUTS] // (VECTORS * WIDTH)) * parts
    piece = fetch_add(counters + 128, 1)
    while piece < pieces:
        block, part = divmod(piece, parts)
        first, last = count * part // parts, count * (part + 1) // parts
        vectors = _multiply(step, step[SHARED], first, last - first, room, block, products)
        _gather(step, begin + first, last - first, block, vectors, products, own, zeros)
        fetch_add(counters + 192, 1)
        piece = fetch_add(counters + 128, 1)
    wait_for(counters + 192, pieces, offer)


@njit(nogil=True, error_model="numpy")
def convolve_tiles(step, first, own, factors, products, zeros, offer):
    """A thread's share of a step, whose counters begin at the address `first`."""
    piece = fetch_add(first, 1)
    while piece < step[WHOLE]:
        _whole(step, piece, own, factors, products, zeros)
        fetch_add(first + 64, 1)
        piece = fetch_add(first, 1)
    for split in range(step[SPLITS]):
        begin = step[WHOLE] * step[WHOLE_TILES] + split * step[SPLIT_TILES]
        count = min(step[SPLIT_TILES], step[TILES] - begin)
        _split(step, begin, count, first + 128 + split * 256, offer, own, products, zeros)
    wait_for(first + 64, step[WHOLE], offer)


@njit(nogil=True, error_model="numpy")
def _work(plan):
    """A thread's share of a plan: see the slots above."""
    counters = plan.ctypes.data + plan[COUNTERS] * 8
    own = plan[SCRATCH] + fetch_add(counters, 1) * plan[SCRATCH_BYTES]
    factors, products = own + plan[FACTORS_AT], own + plan[PRODUCTS_AT]
    for number in range(plan[STEPS]):
        step = plan[HEAD + number * STEP : HEAD + (number + 1) * STEP]
        first = counters + step[FIRST_COUNTER] * 64
        convolve_tiles(step, first, own, factors, products, plan[ZEROS], plan[OFFER])


def work(pointer):
    """The C function of a plan that `casecnn.kernels.parallel.run` calls."""
    _work(carray(pointer, (carray(pointer, (1,))[0],)))
