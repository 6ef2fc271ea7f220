"""Inner loops of poolings and of local response normalisation as vector instructions.

Maps are float32 or bfloat16, channels last and dense; sums are float32. A vector is WIDTH channels of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from casecnn.kernels.vectors import (
    BYTES,
    LONG,
    VECTOR,
    WIDTH,
    adding,
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

FORMATS: tuple[tuple[Callable[..., Any], Callable[..., None]], ...] = ((load, store), (load_half, store_half))


# --- Largest numbers --------------------------------------------------------------------------------------------------


class Keys:
    """Numbers of ``bits`` bits as whole numbers without sign that lie in the same order, NaN of either sign above all.

    Two whole numbers are compared in one instruction, as many at once as a vector holds.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.kind = ir.VectorType(ir.IntType(bits), 8 * BYTES // bits)
        self._sign = self._all(1 << (bits - 1))
        self._nan = self._all({32: 0x007FFFFF, 16: 0x007F}[bits])  # that of -infinity, and as many NaN lie below it

    def _all(self, value: int) -> ir.Constant:
        return ir.Constant(self.kind, [value] * self.kind.count)

    def of(self, builder: Any, numbers: Any) -> Any:
        """The keys of a vector of numbers: all bits of negative ones turned, the sign of the others; then rotated."""
        turned = builder.ashr(numbers, self._all(self.bits - 1))
        return builder.sub(builder.xor(numbers, builder.or_(turned, self._sign)), self._nan)

    def numbers(self, builder: Any, keys: Any) -> Any:
        """The vector of numbers of keys."""
        back = builder.add(keys, self._nan)
        turned = builder.not_(builder.ashr(back, self._all(self.bits - 1)))
        return builder.xor(back, builder.or_(turned, self._sign))

    def larger(self, builder: Any, one: Any, other: Any) -> Any:
        """The larger key of each two."""
        return builder.select(builder.icmp_unsigned(">", one, other), one, other)

    def load(self, builder: Any, address: Any) -> Any:
        """What stands at an address."""
        return builder.load(pointer(builder, address, 0, self.kind), align=self.bits // 8)

    def store(self, builder: Any, value: Any, address: Any) -> None:
        """Write a vector to an address."""
        builder.store(value, pointer(builder, address, 0, self.kind), align=self.bits // 8)


def _largest(keys: Keys, first: bool) -> Callable[..., None]:
    def generate(builder: Any, source: Any, count: Any, step: Any, target: Any) -> None:
        def read(at: Any) -> Any:
            there = keys.load(builder, at)
            return keys.of(builder, there) if first else there

        before = builder.block
        start = read(source)
        body, done = builder.append_basic_block("body"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", count, long(1)), body, done)
        builder.position_at_end(body)
        at, left, largest = builder.phi(LONG), builder.phi(LONG), builder.phi(keys.kind)
        next_at, next_left = builder.add(at, step), builder.sub(left, long(1))
        next_largest = keys.larger(builder, largest, read(next_at))
        builder.cbranch(builder.icmp_signed(">", next_left, long(1)), body, done)
        builder.position_at_end(done)
        found = builder.phi(keys.kind)
        for phi, entering, turning in [
            (at, source, next_at), (left, count, next_left), (largest, start, next_largest),
        ]:  # fmt: skip
            phi.add_incoming(entering, before)
            phi.add_incoming(turning, body)
        found.add_incoming(start, before)
        found.add_incoming(next_largest, body)
        keys.store(builder, found if first else keys.numbers(builder, found), target)

    return generate


_LARGEST = "source, count, step, target"
tallest, tallest_half = (written(_LARGEST, _largest(Keys(bits), True)) for bits in (32, 16))
widest, widest_half = (written(_LARGEST, _largest(Keys(bits), False)) for bits in (32, 16))
"""tallest(source, count, step, target): the keys of the largest of `count` numbers, `step` bytes apart.

For as many numbers side by side as a vector of BYTES holds. widest(source, count, step, target) makes the largest
numbers of keys. NaN is the largest of all. Those of `_half` are for bfloat16.
"""

# --- Means ------------------------------------------------------------------------------------------------------------


def _mean(read: Callable[..., Any], write: Callable[..., None]) -> Callable[..., None]:
    def generate(
        builder: Any, source: Any, lines: Any, pitch: Any, columns: Any, pixel: Any, target: Any, scale: Any
    ) -> None:
        before = builder.block
        outer, inner, latch, done = (builder.append_basic_block(name) for name in ("outer", "inner", "latch", "done"))
        builder.branch(outer)

        builder.position_at_end(outer)
        line, lines_left, outer_total = builder.phi(LONG), builder.phi(LONG), builder.phi(VECTOR)
        builder.branch(inner)

        builder.position_at_end(inner)
        place, left, total = builder.phi(LONG), builder.phi(LONG), builder.phi(VECTOR)
        next_total = builder.fadd(total, read(builder, place))
        next_place, next_left = builder.add(place, pixel), builder.sub(left, long(1))
        builder.cbranch(builder.icmp_signed(">", next_left, long(0)), inner, latch)

        builder.position_at_end(latch)
        later, less = builder.add(line, pitch), builder.sub(lines_left, long(1))
        builder.cbranch(builder.icmp_signed(">", less, long(0)), outer, done)
        for phi, entering, turning, where, back in [
            (place, line, next_place, outer, inner), (left, columns, next_left, outer, inner),
            (total, outer_total, next_total, outer, inner), (line, source, later, before, latch),
            (lines_left, lines, less, before, latch), (outer_total, splat(0), next_total, before, latch),
        ]:  # fmt: skip
            phi.add_incoming(entering, where)
            phi.add_incoming(turning, back)

        builder.position_at_end(done)
        write(builder, builder.fmul(next_total, everywhere(builder, scale)), target)

    return generate


_MEAN = "source, lines, pitch, columns, pixel, target, scale"
mean, mean_half = (written(_MEAN, _mean(*form)) for form in FORMATS)
"""mean(source, lines, pitch, columns, pixel, target, scale): the sums of a window, multiplied by scale.

The window is `lines` lines, `pitch` bytes apart, of `columns` pixels, `pixel` bytes apart. Those of `_half` are for
maps in bfloat16.
"""


# --- Local response normalisation -------------------------------------------------------------------------------------


def _square(read: Callable[..., Any]) -> Callable[..., None]:
    def generate(builder: Any, source: Any, target: Any) -> None:
        value = read(builder, source)
        store(builder, builder.fmul(value, value), target)

    return generate


square, square_half = (written("source, target", _square(read)) for read, _ in FORMATS)
"""square(source, target): the squares of a vector, as float32."""


def _root(builder: Any, value: Any) -> Any:
    name = f"llvm.sqrt.v{WIDTH}f32"
    known = builder.module.globals.get(name)
    return builder.call(known or ir.Function(builder.module, ir.FunctionType(VECTOR, [VECTOR]), name), [value])


def _normalise(read: Callable[..., Any], write: Callable[..., None]) -> Callable[..., None]:
    def generate(builder: Any, source: Any, squares: Any, count: Any, target: Any, alpha: Any, k: Any) -> None:
        before = builder.block
        body, done = builder.append_basic_block("body"), builder.append_basic_block("done")
        builder.branch(body)
        builder.position_at_end(body)
        at, left, total = builder.phi(LONG), builder.phi(LONG), builder.phi(VECTOR)
        next_total = builder.fadd(total, load(builder, at))
        next_at, next_left = builder.add(at, long(4)), builder.sub(left, long(1))
        builder.cbranch(builder.icmp_signed(">", next_left, long(0)), body, done)
        for phi, entering, turning in [
            (at, squares, next_at), (left, count, next_left), (total, splat(0), next_total),
        ]:  # fmt: skip
            phi.add_incoming(entering, before)
            phi.add_incoming(turning, body)
        builder.position_at_end(done)
        sums = adding(builder)(everywhere(builder, alpha), next_total, everywhere(builder, k))
        root = _root(builder, sums)
        power = builder.fmul(root, _root(builder, root))  # 3/4
        write(builder, builder.fdiv(read(builder, source), power), target)

    return generate


normalise, normalise_half = (written("source, squares, count, target, alpha, k", _normalise(*form)) for form in FORMATS)
"""normalise(source, squares, count, target, alpha, k): x / (k + alpha sum) ** (3/4), for a vector x.

A channel's sum is that of `count` squares, of which the first channel's begin at `squares`, the next one's 4 bytes on.
"""
