"""Inner loops of small layers as vector instructions: a few outputs of a convolution, and one of a pooling.

Maps are float32 or bfloat16, channels last and dense, so that a line of a window is one run of numbers. A vector is
WIDTH channels; of a map's last one only as many are written as there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir

from casecnn.kernels.vectors import (
    BYTES,
    FLOAT,
    HALF_VECTOR,
    LONG,
    MULTIPLIES_HALVES,
    ROWS,
    VECTOR,
    VECTORS,
    WIDTH,
    WORD,
    adding,
    adding_pairs,
    by_number,
    everywhere,
    halves_of,
    load,
    load_half,
    long,
    of_halves,
    pointer,
    splat,
    store,
    store_half,
    written,
)

MOST_ROWS = {16: 14, 8: 10, 4: 10}[WIDTH]  # of a block one vector wide: sums enough to keep both multipliers busy
WIDE = 4 * VECTORS  # vectors of a block of one row, for the same reason
HALVES = 1024  # added to the shape of a block in bfloat16

# Slots of a step, int64 each: see `casecnn.stretches.loops`.
PITCH, LINES, RUN, PIXEL, OUT_PIXEL, ADD = range(18, 24)


def _slot(builder: Any, step: Any, slot: int) -> Any:
    return load(builder, step, 8 * slot, LONG)


def _convolve(
    builder: Any, step: Any, shape: Any, source: Any, weights: Any, bias: Any, target: Any, rest: Any, floor: Any
) -> None:
    shapes = [(r, 1) for r in range(1, MOST_ROWS + 1)] + [(r, VECTORS) for r in range(1, ROWS + 1)]
    shapes += [(1, 2 * VECTORS), (1, WIDE)]
    blocks = {
        half * HALVES + r * WIDE + v: partial(
            _block, builder, r, v, half, step, source, weights, bias, target, rest, floor
        )
        for half in (False, *([True] if MULTIPLIES_HALVES else []))
        for r, v in shapes
    }
    by_number(builder, shape, blocks, "convolved")


def _block(
    builder: Any,
    rows: int,
    vectors: int,
    half: bool,
    step: Any,
    source: Any,
    weights: Any,
    bias: Any,
    target: Any,
    rest: Any,
    floor: Any,
) -> None:
    """All sums stay in registers."""
    add = adding_pairs(builder) if half else adding(builder)
    pixel, out_pixel = _slot(builder, step, PIXEL), _slot(builder, step, OUT_PIXEL)
    pitch, lines, run = (_slot(builder, step, slot) for slot in (PITCH, LINES, RUN))
    shift = [load(builder, bias, v * BYTES) for v in range(vectors)]
    # Four rows share a pointer, so that the pointers of a block fit into the registers that there are for them.
    near = [long(0), pixel, builder.mul(pixel, long(2)), builder.mul(pixel, long(3))]
    far = builder.mul(pixel, long(4))
    groups = -(-rows // 4)
    blocks, wide = -(-vectors // VECTORS), min(vectors, VECTORS)
    block_bytes = builder.mul(builder.mul(lines, run), long(wide * BYTES))
    before = builder.block
    outer, inner, latch, done = (builder.append_basic_block(name) for name in ("outer", "inner", "latch", "done"))
    builder.branch(outer)

    builder.position_at_end(outer)
    line, outer_other, outer_count = (builder.phi(LONG) for _ in range(3))
    outer_sums = [builder.phi(VECTOR) for _ in range(rows * vectors)]
    begins = [line]
    for _ in range(groups - 1):
        begins.append(builder.add(begins[-1], far))
    builder.branch(inner)

    builder.position_at_end(inner)
    places = [builder.phi(LONG) for _ in range(groups)]
    other, count = builder.phi(LONG), builder.phi(LONG)
    sums = [builder.phi(VECTOR) for _ in range(rows * vectors)]
    others = [other]
    for _ in range(blocks - 1):
        others.append(builder.add(others[-1], block_bytes))
    factors = [load(builder, each, v * BYTES) for each in others for v in range(wide)]
    totals = []
    for row in range(rows):
        number = everywhere(builder, load(builder, builder.add(places[row // 4], near[row % 4]), 0, FLOAT))
        totals += [add(number, factor, sums[row * vectors + v]) for v, factor in enumerate(factors)]
    next_places = [builder.add(place, long(4)) for place in places]
    next_other = builder.add(other, long(wide * BYTES))
    next_count = builder.sub(count, long(1))
    builder.cbranch(builder.icmp_signed(">", next_count, long(0)), inner, latch)

    builder.position_at_end(latch)
    later_line, later_count = builder.add(line, pitch), builder.sub(outer_count, long(1))
    builder.cbranch(builder.icmp_signed(">", later_count, long(0)), outer, done)

    for value, entering, turning in [
        *zip(places, begins, next_places, strict=True), (other, outer_other, next_other), (count, run, next_count),
        *zip(sums, outer_sums, totals, strict=True),
    ]:  # fmt: skip
        value.add_incoming(entering, outer)
        value.add_incoming(turning, inner)
    for value, entering, turning in [
        (line, source, later_line), (outer_other, weights, next_other), (outer_count, lines, later_count),
        *((outer_sum, shift[number % vectors], totals[number]) for number, outer_sum in enumerate(outer_sums)),
    ]:  # fmt: skip
        value.add_incoming(entering, before)
        value.add_incoming(turning, latch)

    builder.position_at_end(done)
    least = everywhere(builder, floor)
    adds = builder.icmp_signed("!=", _slot(builder, step, ADD), long(0))
    whole = builder.icmp_signed("==", rest, long(WIDTH))
    with builder.if_else(adds) as (then, otherwise):
        with then:
            _put(builder, rows, vectors, half, totals, target, out_pixel, rest, whole, least, True)
        with otherwise:
            _put(builder, rows, vectors, half, totals, target, out_pixel, rest, whole, least, False)


def _put(
    builder: Any,
    rows: int,
    vectors: int,
    half: bool,
    totals: list[Any],
    target: Any,
    out_pixel: Any,
    rest: Any,
    whole: Any,
    least: Any,
    adds: bool,
) -> None:
    """Write a block of outputs, after the sum with what is there, if wanted."""
    read, write = (load_half, store_half) if half else (load, store)
    read_part, write_part = (_load_part_half, _store_part_half) if half else (_load_part, _store_part)
    with builder.if_else(whole) as (then, otherwise):
        for branch, partly in ((then, False), (otherwise, True)):
            with branch:
                at = target
                for row in range(rows):
                    for v in range(vectors):
                        value, last = totals[row * vectors + v], partly and v == vectors - 1
                        place = builder.add(at, long(v * (BYTES // 2 if half else BYTES)))
                        if adds:
                            there = read_part(builder, place, rest) if last else read(builder, place)
                            value = builder.fadd(value, there)
                        value = builder.select(builder.fcmp_ordered("<", value, least), least, value)  # NaN stays NaN
                        write_part(builder, value, place, rest) if last else write(builder, value, place)
                    at = builder.add(at, out_pixel)


_LANES = ir.VectorType(ir.IntType(1), WIDTH)
_NUMBERS = ir.VectorType(LONG, WIDTH)


def _lanes(builder: Any, count: Any) -> Any:
    """True for the first `count` lanes of a vector."""
    first = builder.insert_element(ir.Constant(_NUMBERS, ir.Undefined), count, ir.Constant(WORD, 0))
    zeros = ir.Constant(ir.VectorType(WORD, WIDTH), [0] * WIDTH)
    counts = builder.shuffle_vector(first, ir.Constant(_NUMBERS, ir.Undefined), zeros)
    return builder.icmp_signed("<", ir.Constant(_NUMBERS, list(range(WIDTH))), counts)


def _masked(builder: Any, name: str, kind: Any, number: str = "f32") -> Any:
    full = f"llvm.masked.{name}.v{WIDTH}{number}.p0"
    return builder.module.globals.get(full) or ir.Function(builder.module, kind, full)


def _store_part(builder: Any, value: Any, address: Any, count: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [VECTOR, VECTOR.as_pointer(), WORD, _LANES])
    place = pointer(builder, address, 0, VECTOR)
    builder.call(_masked(builder, "store", kind), [value, place, ir.Constant(WORD, 4), _lanes(builder, count)])


def _load_part(builder: Any, address: Any, count: Any) -> Any:
    kind = ir.FunctionType(VECTOR, [VECTOR.as_pointer(), WORD, _LANES, VECTOR])
    place = pointer(builder, address, 0, VECTOR)
    lanes = _lanes(builder, count)
    return builder.call(_masked(builder, "load", kind), [place, ir.Constant(WORD, 4), lanes, splat(0)])


def _store_part_half(builder: Any, value: Any, address: Any, count: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [HALF_VECTOR, HALF_VECTOR.as_pointer(), WORD, _LANES])
    place = pointer(builder, address, 0, HALF_VECTOR)
    lanes = _lanes(builder, count)
    builder.call(
        _masked(builder, "store", kind, "i16"), [halves_of(builder, value), place, ir.Constant(WORD, 2), lanes]
    )


def _load_part_half(builder: Any, address: Any, count: Any) -> Any:
    kind = ir.FunctionType(HALF_VECTOR, [HALF_VECTOR.as_pointer(), WORD, _LANES, HALF_VECTOR])
    place, nothing = pointer(builder, address, 0, HALF_VECTOR), ir.Constant(HALF_VECTOR, [0] * WIDTH)
    lanes = _lanes(builder, count)
    halves = builder.call(_masked(builder, "load", kind, "i16"), [place, ir.Constant(WORD, 2), lanes, nothing])
    return of_halves(builder, halves)


convolve = written("step, shape, source, weights, bias, target, rest, floor", _convolve)
"""convolve(step, shape, source, weights, bias, target, rest, floor): outputs of a convolution side by side.

`shape` is rows * WIDE + vectors: so many outputs, PIXEL bytes apart in the input and OUT_PIXEL in the output, of
`vectors` times WIDTH channels, the last `rest` long. A window is LINES lines, PITCH bytes apart, of RUN numbers; for
each of its numbers `weights` has the vectors, VECTORS at a time. With ADD what is there already is added; below `floor`
they are `floor`. There are blocks of up to MOST_ROWS rows of one vector, of up to ROWS rows of VECTORS, and of one row
of two or four times as many.

With HALVES added to `shape` maps and weights are bfloat16, and RUN counts pairs of numbers, for each of which `weights`
has vectors of pairs. `MULTIPLIES_HALVES` must hold.
"""


def _pool(largest: bool) -> Callable[..., None]:
    def generate(
        builder: Any,
        source: Any,
        lines: Any,
        pitch: Any,
        columns: Any,
        pixel: Any,
        target: Any,
        rest: Any,
        scale: Any,
        floor: Any,
    ) -> None:
        before = builder.block
        outer, inner, latch, done = (builder.append_basic_block(name) for name in ("outer", "inner", "latch", "done"))
        start = splat(float("-inf") if largest else 0)
        builder.branch(outer)

        builder.position_at_end(outer)
        line, lines_left, outer_total = builder.phi(LONG), builder.phi(LONG), builder.phi(VECTOR)
        builder.branch(inner)

        builder.position_at_end(inner)
        place, left, total = builder.phi(LONG), builder.phi(LONG), builder.phi(VECTOR)
        value = _load_part(builder, place, rest)
        if largest:
            keeps = builder.or_(builder.fcmp_ordered(">", total, value), builder.fcmp_unordered("uno", total, total))
            next_total = builder.select(keeps, total, value)  # NaN is the largest
        else:
            next_total = builder.fadd(total, value)
        next_place, next_left = builder.add(place, pixel), builder.sub(left, long(1))
        builder.cbranch(builder.icmp_signed(">", next_left, long(0)), inner, latch)

        builder.position_at_end(latch)
        later, less = builder.add(line, pitch), builder.sub(lines_left, long(1))
        builder.cbranch(builder.icmp_signed(">", less, long(0)), outer, done)
        for phi, entering, turning, where, back in [
            (place, line, next_place, outer, inner), (left, columns, next_left, outer, inner),
            (total, outer_total, next_total, outer, inner), (line, source, later, before, latch),
            (lines_left, lines, less, before, latch), (outer_total, start, next_total, before, latch),
        ]:  # fmt: skip
            phi.add_incoming(entering, where)
            phi.add_incoming(turning, back)

        builder.position_at_end(done)
        least = everywhere(builder, floor)
        found = next_total if largest else builder.fmul(next_total, everywhere(builder, scale))
        found = builder.select(builder.fcmp_ordered("<", found, least), least, found)
        _store_part(builder, found, target, rest)

    return generate


_POOLED = "source, lines, pitch, columns, pixel, target, rest, scale, floor"
largest, mean = (written(_POOLED, _pool(kind)) for kind in (True, False))
"""largest(source, lines, pitch, columns, pixel, target, rest, scale, floor): a window's largest number; mean: the sum.

For the first `rest` channels of a vector; the window is `lines` lines, `pitch` bytes apart, of `columns` numbers,
`pixel` bytes apart. The sum is multiplied by `scale`; below `floor` the result is `floor`.
"""
