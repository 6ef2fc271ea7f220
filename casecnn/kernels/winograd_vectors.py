"""Inner loops of Winograd's convolution as vector instructions: products of blocks, and the two transforms of tiles.

Numba's own loops leave it to LLVM which loop becomes vectors and which sums stay in registers. Here both are written
down, in LLVM's intermediate code with vectors of the CPU's width, for any CPU that LLVM compiles for. Addresses are
int64, memory is float32. `WIDTH` floats are a vector.

A tile is 6 by 6 pixels, of which a convolution of 3x3 makes 4 by 4, F(4x4, 3x3), and one of 5x5 makes 2 by 2 (Winograd
1980; Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4). Both evaluate polynomials at
the same six points. Usual are 0, 1, -1, 2, -2 and infinity; 0, ±sqrt(1/2), ±sqrt(2) and infinity keep the products in
like sizes, and so a quarter of the rounding error.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target

from casecnn.kernels.parallel import instruction

TILE = 6  # pixels of a tile, each way
CELLS = TILE * TILE
NEAR, FAR = math.sqrt(0.5), math.sqrt(2)  # points
POINTS = (0.0, NEAR, -NEAR, FAR, -FAR)  # and infinity


@cache
def vector_width() -> int:
    """Floats in a vector of the CPU that numba compiles for; 0 where it has no AVX2 with fused multiply-add."""
    if platform.machine() not in ("x86_64", "AMD64") or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return 0
    features = set(cpu_target.target_context.codegen().magic_tuple()[2].split(","))
    if {"+avx512f", "+avx512vl"} <= features:
        return 16
    return 8 if {"+avx2", "+fma"} <= features else 0


WIDTH = vector_width() or 4
ROWS = {16: 14, 8: 6, 4: 6}[WIDTH]  # at most, of a block of products; with two vectors a row they fill the registers
LEAST_ROWS = ROWS // 2
VECTORS = 2  # of a row of a block of products
STEPS = 4  # of the products' inner loop, in one turn
AHEAD = 32 * 1024  # bytes before it is read, the right factor is asked for: it comes from memory

_BYTE, _WORD, _LONG, _FLOAT = ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, WIDTH)
BYTES = 4 * WIDTH


def _long(value: int) -> ir.Constant:
    return ir.Constant(_LONG, value)


def _splat(value: float) -> ir.Constant:
    return ir.Constant(_VECTOR, [float(np.float32(value))] * WIDTH)


def _pointer(builder: Any, address: Any, offset: int, kind: Any) -> Any:
    pointer = builder.gep(builder.inttoptr(address, _BYTE.as_pointer()), [_long(offset)])
    return builder.bitcast(pointer, kind.as_pointer())


def _load(builder: Any, address: Any, offset: int = 0, kind: Any = _VECTOR) -> Any:
    return builder.load(_pointer(builder, address, offset, kind), align=8 if kind is _LONG else 4)


def _store(builder: Any, value: Any, address: Any, offset: int = 0) -> None:
    builder.store(value, _pointer(builder, address, offset, _VECTOR), align=4)


def _everywhere(builder: Any, number: Any) -> Any:
    """A float in every lane of a vector."""
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(_WORD, 0))
    lanes = ir.Constant(ir.VectorType(_WORD, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), lanes)


def _adding(builder: Any) -> Callable[[Any, Any, Any], Any]:
    """The function (x, y, z) to x * y + z, rounded once where the CPU can."""
    name = f"llvm.fmuladd.v{WIDTH}f32"
    known = builder.module.globals.get(name)
    function = known or ir.Function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), name)
    return lambda x, y, z: builder.call(function, [x, y, z])


def _fetch(builder: Any, address: Any, offset: int) -> None:
    """Ask for a line of memory, for the second cache, that will be read once."""
    name = "llvm.prefetch.p0"
    kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _WORD, _WORD, _WORD])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    reading, second_cache, data = (ir.Constant(_WORD, number) for number in (0, 2, 1))
    builder.call(function, [_pointer(builder, address, offset, _BYTE), reading, second_cache, data])


def _compiled(arguments: str, generate: Callable[..., None]) -> Callable[..., None]:
    """What compiled functions may call with these arguments, all int64 but `floor`; `generate` writes its code."""
    names = arguments.split(", ")
    signature = types.void(*[types.float32 if name == "floor" else types.int64 for name in names])

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        generate(builder, *values)
        return context.get_dummy_value()

    # Numba binds arguments by the typing function's signature, so that it must have as many.
    by_count: dict[int, Callable[..., Any]] = {
        4: lambda typing, a, b, c, d: (signature, code),
        6: lambda typing, a, b, c, d, e, f: (signature, code),
        7: lambda typing, a, b, c, d, e, f, g: (signature, code),
    }
    return instruction(by_count[len(names)])


@instruction
def put(typing: Any, address: Any, value: Any) -> Any:
    """Write an int64 to an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[1], builder.inttoptr(values[0], _LONG.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@instruction
def peek(typing: Any, address: Any) -> Any:
    """The int64 at an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(builder.inttoptr(values[0], _LONG.as_pointer()), align=8)

    return types.int64(types.int64), generate


@instruction
def copy(typing: Any, source: Any, target: Any, count: Any) -> Any:
    """`count` bytes from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, target = (builder.inttoptr(address, _BYTE.as_pointer()) for address in values[:2])
        cgutils.raw_memcpy(builder, target, source, values[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


# --- Products ---------------------------------------------------------------------------------------------------------


def _multiply(
    builder: Any, rows: Any, vectors: Any, left: Any, left_step: Any, right: Any, product: Any, steps: Any
) -> None:
    after = builder.append_basic_block("multiplied")
    chosen = builder.add(builder.mul(rows, _long(VECTORS)), vectors)
    first = builder.append_basic_block("block")
    switch = builder.switch(chosen, first)
    shapes = [(r, v) for r in range(LEAST_ROWS, ROWS + 1) for v in range(1, VECTORS + 1)]
    for number, (r, v) in enumerate(shapes):
        block = builder.append_basic_block("block") if number else first
        if number:
            switch.add_case(_long(r * VECTORS + v), block)
        builder.position_at_end(block)
        _block(builder, r, v, left, left_step, right, product, steps)
        builder.branch(after)
    builder.position_at_end(after)


def _block(
    builder: Any, rows: int, vectors: int, left: Any, left_step: Any, right: Any, product: Any, steps: Any
) -> None:
    """All sums stay in registers. Inner loops as small as these also keep LLVM from loading far ahead, and spilling."""
    before = builder.block
    outer, inner, latch, done = (builder.append_basic_block(name) for name in ("outer", "inner", "latch", "done"))
    add = _adding(builder)
    builder.branch(outer)

    builder.position_at_end(outer)
    outer_left, outer_right, outer_count = (builder.phi(_LONG) for _ in range(3))
    outer_sums = [builder.phi(_VECTOR) for _ in range(rows * vectors)]
    builder.branch(inner)

    builder.position_at_end(inner)
    at, other, count = (builder.phi(_LONG) for _ in range(3))
    sums = [builder.phi(_VECTOR) for _ in range(rows * vectors)]
    totals: list[Any] = [*sums]
    for step in range(STEPS):
        places = [(step * vectors + v) * BYTES for v in range(vectors)]
        factors = [_load(builder, other, place) for place in places]
        for place in places:
            _fetch(builder, other, place + AHEAD)
        for row in range(rows):
            number = _everywhere(builder, _load(builder, at, row * BYTES + step * 4, _FLOAT))
            for v, factor in enumerate(factors):
                totals[row * vectors + v] = add(number, factor, totals[row * vectors + v])
    next_at = builder.add(at, _long(STEPS * 4))
    next_other = builder.add(other, _long(STEPS * vectors * BYTES))
    next_count = builder.sub(count, _long(1))
    builder.cbranch(builder.icmp_signed(">", next_count, _long(0)), inner, latch)

    builder.position_at_end(latch)
    later_left, later_count = builder.add(outer_left, left_step), builder.sub(outer_count, _long(1))
    builder.cbranch(builder.icmp_signed(">", later_count, _long(0)), outer, done)

    for value, entering, turning in [
        (at, outer_left, next_at), (other, outer_right, next_other), (count, _long(WIDTH // STEPS), next_count),
        *zip(sums, outer_sums, totals, strict=True),
    ]:  # fmt: skip
        value.add_incoming(entering, outer)
        value.add_incoming(turning, inner)
    for value, entering, turning in [
        (outer_left, left, later_left), (outer_right, right, next_other), (outer_count, steps, later_count),
        *((outer_sum, _splat(0), total) for outer_sum, total in zip(outer_sums, totals, strict=True)),
    ]:  # fmt: skip
        value.add_incoming(entering, before)
        value.add_incoming(turning, latch)

    builder.position_at_end(done)
    for number, total in enumerate(totals):
        _store(builder, total, product, number * BYTES)


multiply = _compiled("rows, vectors, left, left_step, right, product, steps", _multiply)
"""multiply(rows, vectors, left, left_step, right, product, steps): a block of a matrix product, rows by vectors.

The left factor's rows lie one vector apart; each of `steps` times WIDTH of their numbers are read, and again
`left_step` bytes further. The right factor is read in order, `vectors` vectors for each of the rows' numbers, and so is
the product written. LEAST_ROWS <= rows <= ROWS, 1 <= vectors <= VECTORS.
"""

# --- Transforms -------------------------------------------------------------------------------------------------------


def _evaluate(builder: Any, d: list[Any]) -> list[Any]:
    """Six numbers of a tile's row to six factors: the transposed matrix B of the papers."""
    add = _adding(builder)
    near, far = NEAR * NEAR, FAR * FAR  # 1/2 and 2, whose product is 1
    even, odd = add(_splat(-far), d[2], d[4]), add(_splat(-far), d[1], d[3])
    wide_even, wide_odd = add(_splat(-near), d[2], d[4]), add(_splat(-near), d[1], d[3])
    return [
        add(_splat(-near - far), d[2], builder.fadd(d[0], d[4])),
        add(_splat(NEAR), odd, even),
        add(_splat(-NEAR), odd, even),
        add(_splat(FAR), wide_odd, wide_even),
        add(_splat(-FAR), wide_odd, wide_even),
        add(_splat(-near - far), d[3], builder.fadd(d[1], d[5])),
    ]


def _interpolate(builder: Any, m: list[Any], outputs: int) -> list[Any]:
    """Six products to 4 or 2 outputs: the transposed matrix A of the papers."""
    add = _adding(builder)
    even, odd = builder.fadd(m[1], m[2]), builder.fsub(m[1], m[2])
    wide_even, wide_odd = builder.fadd(m[3], m[4]), builder.fsub(m[3], m[4])
    values = [builder.fadd(builder.fadd(m[0], even), wide_even)]
    for power in range(1, outputs):
        small, large = (even, wide_even) if power % 2 == 0 else (odd, wide_odd)
        values.append(add(_splat(NEAR**power), small, builder.fmul(_splat(FAR**power), large)))
    values[-1] = builder.fadd(values[-1], m[5])
    return values


def _spread(builder: Any, pixels: Any, offset: Any, target: Any, step: Any) -> None:
    rows = []
    for row in range(TILE):
        cells = [
            _load(builder, builder.add(_load(builder, pixels, 8 * (row * TILE + column), _LONG), offset))
            for column in range(TILE)
        ]
        rows.append(_evaluate(builder, cells))
    columns = [_evaluate(builder, [rows[row][column] for row in range(TILE)]) for column in range(TILE)]
    for row in range(TILE):
        for column in range(TILE):
            _store(builder, columns[column][row], target)
            target = builder.add(target, step)


spread = _compiled("pixels, offset, target, step", _spread)
"""spread(pixels, offset, target, step): a vector of channels of a tile, as 36 factors `step` bytes apart.

`pixels` is the address of an int64 [36]: where each pixel's channels begin; the vector is `offset` bytes from there.
"""


def _gather(outputs: int, add_side: bool) -> Callable[..., None]:
    def generate(builder: Any, source: Any, step: Any, pixels: Any, offset: Any, bias: Any, floor: Any) -> None:
        rows = []
        for _ in range(TILE):
            products = []
            for _ in range(TILE):
                products.append(_load(builder, source))
                source = builder.add(source, step)
            rows.append(_interpolate(builder, products, outputs))
        shift, least = _load(builder, bias), _everywhere(builder, floor)
        columns = [
            _interpolate(builder, [rows[row][column] for row in range(TILE)], outputs) for column in range(outputs)
        ]
        for row in range(outputs):
            for column in range(outputs):
                place = builder.add(_load(builder, pixels, 8 * (row * outputs + column), _LONG), offset)
                value = builder.fadd(columns[column][row], shift)
                if add_side:
                    value = builder.fadd(value, _load(builder, place))
                low = builder.fcmp_ordered("<", value, least)  # NaN stays NaN
                _store(builder, builder.select(low, least, value), place)

    return generate


_GATHERED = "source, step, pixels, offset, bias, floor"
gather4, add_gather4 = (_compiled(_GATHERED, _gather(4, side)) for side in (False, True))
gather2, add_gather2 = (_compiled(_GATHERED, _gather(2, side)) for side in (False, True))
"""gather(source, step, pixels, offset, bias, floor): a vector of channels of a tile's 4x4 or 2x2 outputs.

36 products, `step` bytes apart from `source`, become the outputs, plus the vector at `bias`, and with `add_` what is
there already; below `floor` they are `floor`. `pixels` is the address of an int64 [16] or [4]: where each output's
channels begin; the vector goes `offset` bytes from there.
"""
