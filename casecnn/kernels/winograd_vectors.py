"""Inner loops of Winograd's convolution as vector instructions: products of blocks, and the two transforms of tiles.

A tile is 6 by 6 pixels, of which a convolution of 3x3 makes 4 by 4, F(4x4, 3x3), and one of 5x5 makes 2 by 2 (Winograd
1980; Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4). Both evaluate polynomials at
the same six points. Usual are 0, 1, -1, 2, -2 and infinity; 0, ±sqrt(1/2), ±sqrt(2) and infinity keep the products in
like sizes, and so a quarter of the rounding error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir

from casecnn.kernels.vectors import (
    BYTE,
    BYTES,
    FLOAT,
    LONG,
    ROWS,
    VECTOR,
    VECTORS,
    WIDTH,
    WORD,
    adding,
    by_number,
    everywhere,
    load,
    load_half,
    long,
    pointer,
    splat,
    store,
    store_half,
    written,
)

TILE = 6  # pixels of a tile, each way
CELLS = TILE * TILE
NEAR, FAR = math.sqrt(0.5), math.sqrt(2)  # points
POINTS = (0.0, NEAR, -NEAR, FAR, -FAR)  # and infinity

LEAST_ROWS = ROWS // 2  # of a block of products
STEPS = 4  # of the products' inner loop, in one turn
AHEAD = 32 * 1024  # bytes before it is read, the right factor is asked for: it comes from memory


def _fetch(builder: Any, address: Any, offset: int) -> None:
    """Ask for a line of memory, for the second cache, that will be read once."""
    name = "llvm.prefetch.p0"
    kind = ir.FunctionType(ir.VoidType(), [BYTE.as_pointer(), WORD, WORD, WORD])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    reading, second_cache, data = (ir.Constant(WORD, number) for number in (0, 2, 1))
    builder.call(function, [pointer(builder, address, offset, BYTE), reading, second_cache, data])


# --- Products ---------------------------------------------------------------------------------------------------------


def _multiply(
    builder: Any, rows: Any, vectors: Any, left: Any, left_step: Any, right: Any, product: Any, steps: Any
) -> None:
    shapes = [(r, v) for r in range(LEAST_ROWS, ROWS + 1) for v in range(1, VECTORS + 1)]
    blocks = {
        r * VECTORS + v: partial(_block, builder, r, v, left, left_step, right, product, steps) for r, v in shapes
    }
    by_number(builder, builder.add(builder.mul(rows, long(VECTORS)), vectors), blocks, "multiplied")


def _block(
    builder: Any, rows: int, vectors: int, left: Any, left_step: Any, right: Any, product: Any, steps: Any
) -> None:
    """All sums stay in registers. Inner loops as small as these also keep LLVM from loading far ahead, and spilling."""
    before = builder.block
    outer, inner, latch, done = (builder.append_basic_block(name) for name in ("outer", "inner", "latch", "done"))
    add = adding(builder)
    builder.branch(outer)

    builder.position_at_end(outer)
    outer_left, outer_right, outer_count = (builder.phi(LONG) for _ in range(3))
    outer_sums = [builder.phi(VECTOR) for _ in range(rows * vectors)]
    builder.branch(inner)

    builder.position_at_end(inner)
    at, other, count = (builder.phi(LONG) for _ in range(3))
    sums = [builder.phi(VECTOR) for _ in range(rows * vectors)]
    totals: list[Any] = [*sums]
    for step in range(STEPS):
        places = [(step * vectors + v) * BYTES for v in range(vectors)]
        factors = [load(builder, other, place) for place in places]
        for place in places:
            _fetch(builder, other, place + AHEAD)
        for row in range(rows):
            number = everywhere(builder, load(builder, at, row * BYTES + step * 4, FLOAT))
            for v, factor in enumerate(factors):
                totals[row * vectors + v] = add(number, factor, totals[row * vectors + v])
    next_at = builder.add(at, long(STEPS * 4))
    next_other = builder.add(other, long(STEPS * vectors * BYTES))
    next_count = builder.sub(count, long(1))
    builder.cbranch(builder.icmp_signed(">", next_count, long(0)), inner, latch)

    builder.position_at_end(latch)
    later_left, later_count = builder.add(outer_left, left_step), builder.sub(outer_count, long(1))
    builder.cbranch(builder.icmp_signed(">", later_count, long(0)), outer, done)

    for value, entering, turning in [
        (at, outer_left, next_at), (other, outer_right, next_other), (count, long(WIDTH // STEPS), next_count),
        *zip(sums, outer_sums, totals, strict=True),
    ]:  # fmt: skip
        value.add_incoming(entering, outer)
        value.add_incoming(turning, inner)
    for value, entering, turning in [
        (outer_left, left, later_left), (outer_right, right, next_other), (outer_count, steps, later_count),
        *((outer_sum, splat(0), total) for outer_sum, total in zip(outer_sums, totals, strict=True)),
    ]:  # fmt: skip
        value.add_incoming(entering, before)
        value.add_incoming(turning, latch)

    builder.position_at_end(done)
    for number, total in enumerate(totals):
        store(builder, total, product, number * BYTES)


multiply = written("rows, vectors, left, left_step, right, product, steps", _multiply)
"""multiply(rows, vectors, left, left_step, right, product, steps): a block of a matrix product, rows by vectors.

The left factor's rows lie one vector apart; each of `steps` times WIDTH of their numbers are read, and again
`left_step` bytes further. The right factor is read in order, `vectors` vectors for each of the rows' numbers, and so is
the product written. LEAST_ROWS <= rows <= ROWS, 1 <= vectors <= VECTORS.
"""

# --- Transforms -------------------------------------------------------------------------------------------------------


def _evaluate(builder: Any, d: list[Any]) -> list[Any]:
    """Six numbers of a tile's row to six factors: the transposed matrix B of the papers."""
    add = adding(builder)
    near, far = NEAR * NEAR, FAR * FAR  # 1/2 and 2, whose product is 1
    even, odd = add(splat(-far), d[2], d[4]), add(splat(-far), d[1], d[3])
    wide_even, wide_odd = add(splat(-near), d[2], d[4]), add(splat(-near), d[1], d[3])
    return [
        add(splat(-near - far), d[2], builder.fadd(d[0], d[4])),
        add(splat(NEAR), odd, even),
        add(splat(-NEAR), odd, even),
        add(splat(FAR), wide_odd, wide_even),
        add(splat(-FAR), wide_odd, wide_even),
        add(splat(-near - far), d[3], builder.fadd(d[1], d[5])),
    ]


def _interpolate(builder: Any, m: list[Any], outputs: int) -> list[Any]:
    """Six products to 4 or 2 outputs: the transposed matrix A of the papers."""
    add = adding(builder)
    even, odd = builder.fadd(m[1], m[2]), builder.fsub(m[1], m[2])
    wide_even, wide_odd = builder.fadd(m[3], m[4]), builder.fsub(m[3], m[4])
    values = [builder.fadd(builder.fadd(m[0], even), wide_even)]
    for power in range(1, outputs):
        small, large = (even, wide_even) if power % 2 == 0 else (odd, wide_odd)
        values.append(add(splat(NEAR**power), small, builder.fmul(splat(FAR**power), large)))
    values[-1] = builder.fadd(values[-1], m[5])
    return values


def _spread(half: bool) -> Callable[..., None]:
    read = load_half if half else load

    def generate(builder: Any, pixels: Any, offset: Any, target: Any, step: Any) -> None:
        rows = []
        for row in range(TILE):
            cells = [
                read(builder, builder.add(load(builder, pixels, 8 * (row * TILE + column), LONG), offset))
                for column in range(TILE)
            ]
            rows.append(_evaluate(builder, cells))
        columns = [_evaluate(builder, [rows[row][column] for row in range(TILE)]) for column in range(TILE)]
        for row in range(TILE):
            for column in range(TILE):
                store(builder, columns[column][row], target)
                target = builder.add(target, step)

    return generate


spread, spread_half = (written("pixels, offset, target, step", _spread(half)) for half in (False, True))
"""spread(pixels, offset, target, step): a vector of channels of a tile, as 36 factors `step` bytes apart.

`pixels` is the address of an int64 [36]: where each pixel's channels begin; the vector is `offset` bytes from there.
`spread_half` reads pixels in bfloat16.
"""


def _gather(outputs: int, add_side: bool, half: bool = False) -> Callable[..., None]:
    read, write = (load_half, store_half) if half else (load, store)

    def generate(builder: Any, source: Any, step: Any, pixels: Any, offset: Any, bias: Any, floor: Any) -> None:
        rows = []
        for _ in range(TILE):
            products = []
            for _ in range(TILE):
                products.append(load(builder, source))
                source = builder.add(source, step)
            rows.append(_interpolate(builder, products, outputs))
        shift, least = load(builder, bias), everywhere(builder, floor)
        columns = [
            _interpolate(builder, [rows[row][column] for row in range(TILE)], outputs) for column in range(outputs)
        ]
        for row in range(outputs):
            for column in range(outputs):
                place = builder.add(load(builder, pixels, 8 * (row * outputs + column), LONG), offset)
                value = builder.fadd(columns[column][row], shift)
                if add_side:
                    value = builder.fadd(value, read(builder, place))
                low = builder.fcmp_ordered("<", value, least)  # NaN stays NaN
                write(builder, builder.select(low, least, value), place)

    return generate


_GATHERED = "source, step, pixels, offset, bias, floor"
gather4, add_gather4 = (written(_GATHERED, _gather(4, side)) for side in (False, True))
gather2, add_gather2 = (written(_GATHERED, _gather(2, side)) for side in (False, True))
gather4_half, add_gather4_half = (written(_GATHERED, _gather(4, side, half=True)) for side in (False, True))
"""gather(source, step, pixels, offset, bias, floor): a vector of channels of a tile's 4x4 or 2x2 outputs.

36 products, `step` bytes apart from `source`, become the outputs, plus the vector at `bias`, and with `add_` what is
there already; below `floor` they are `floor`. `pixels` is the address of an int64 [16] or [4]: where each output's
channels begin; the vector goes `offset` bytes from there. Those of `_half` are in bfloat16; products and bias are not.
"""
