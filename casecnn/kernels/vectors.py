"""Vector instructions as functions that numba compiles can call, written in LLVM's intermediate code.

Numba's own loops leave it to LLVM which loop becomes vectors and which sums stay in registers. Here both are written
down, with vectors of the CPU's width, for any CPU that LLVM compiles for. Addresses are int64, memory is float32
unless bfloat16 is named. `WIDTH` floats are a vector.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target

from casecnn.kernels.parallel import instruction


def _features() -> set[str]:
    return set(cpu_target.target_context.codegen().magic_tuple()[2].split(","))


@cache
def vector_width() -> int:
    """Floats in a vector of the CPU that numba compiles for; 0 where it has no AVX2 with fused multiply-add."""
    if platform.machine() not in ("x86_64", "AMD64") or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return 0
    features = _features()
    if {"+avx512f", "+avx512vl"} <= features:
        return 16
    return 8 if {"+avx2", "+fma"} <= features else 0


WIDTH = vector_width() or 4
MULTIPLIES_HALVES = WIDTH == 16 and "+avx512bf16" in _features()  # whether the CPU multiplies bfloat16
ROWS = {16: 14, 8: 6, 4: 6}[WIDTH]  # at most, of a block of products; with two vectors a row they fill the registers
VECTORS = 2  # of a row of a block of products

BYTE, HALF, WORD, LONG, FLOAT = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
VECTOR = ir.VectorType(FLOAT, WIDTH)
BYTES = 4 * WIDTH


def long(value: int) -> ir.Constant:
    """An int64."""
    return ir.Constant(LONG, value)


def splat(value: float) -> ir.Constant:
    """A vector of one number."""
    return ir.Constant(VECTOR, [float(np.float32(value))] * WIDTH)


def pointer(builder: Any, address: Any, offset: int, kind: Any) -> Any:
    """To something of a kind, `offset` bytes from an address."""
    place = builder.gep(builder.inttoptr(address, BYTE.as_pointer()), [long(offset)])
    return builder.bitcast(place, kind.as_pointer())


def load(builder: Any, address: Any, offset: int = 0, kind: Any = VECTOR) -> Any:
    """What stands `offset` bytes from an address."""
    return builder.load(pointer(builder, address, offset, kind), align=8 if kind is LONG else 4)


def store(builder: Any, value: Any, address: Any, offset: int = 0) -> None:
    """Write a vector, `offset` bytes from an address."""
    builder.store(value, pointer(builder, address, offset, VECTOR), align=4)


HALF_VECTOR, _WORDS = ir.VectorType(HALF, WIDTH), ir.VectorType(WORD, WIDTH)


def _words(value: int) -> ir.Constant:
    return ir.Constant(_WORDS, [value] * WIDTH)


def load_half(builder: Any, address: Any) -> Any:
    """A vector of bfloat16 at an address, as float32: the upper halves of its numbers."""
    return of_halves(builder, builder.load(pointer(builder, address, 0, HALF_VECTOR), align=2))


def store_half(builder: Any, value: Any, address: Any) -> None:
    """Write a vector as bfloat16 to an address."""
    builder.store(halves_of(builder, value), pointer(builder, address, 0, HALF_VECTOR), align=2)


def of_halves(builder: Any, halves: Any) -> Any:
    """Bits of bfloat16 as float32."""
    return builder.bitcast(builder.shl(builder.zext(halves, _WORDS), _words(16)), VECTOR)


def halves_of(builder: Any, value: Any) -> Any:
    """A vector's bits as bfloat16: each number as the nearest, of two as near the even one."""
    bits = builder.bitcast(value, _WORDS)
    even = builder.and_(builder.lshr(bits, _words(16)), _words(1))
    rounded = builder.lshr(builder.add(builder.add(bits, _words(0x7FFF)), even), _words(16))
    found = builder.select(builder.fcmp_unordered("uno", value, value), _words(0x7FC0), rounded)
    return builder.trunc(found, HALF_VECTOR)


def everywhere(builder: Any, number: Any) -> Any:
    """A float in every lane of a vector."""
    first = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.Constant(WORD, 0))
    lanes = ir.Constant(ir.VectorType(WORD, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, ir.Constant(VECTOR, ir.Undefined), lanes)


class _HalfType(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat, which llvmlite does not have."""

    def __str__(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _HalfType)

    def __hash__(self) -> int:
        return hash(_HalfType)


def adding_pairs(builder: Any) -> Callable[[Any, Any, Any], Any]:
    """The function (x, y, z) to the sums of pairs' products plus z: x and y are vectors of pairs of bfloat16.

    `MULTIPLIES_HALVES` must hold.
    """
    pairs = ir.VectorType(_HalfType(), 2 * WIDTH)
    name = "llvm.x86.avx512bf16.dpbf16ps.512"
    known = builder.module.globals.get(name)
    function = known or ir.Function(builder.module, ir.FunctionType(VECTOR, [VECTOR, pairs, pairs]), name)
    return lambda x, y, z: builder.call(function, [z, builder.bitcast(x, pairs), builder.bitcast(y, pairs)])


def by_number(builder: Any, number: Any, cases: Mapping[int, Callable[[], None]], name: str) -> None:
    """Do what a number names; for one that names nothing the first case. What follows stands in a block `name`."""
    after = builder.append_basic_block(name)
    blocks = [builder.append_basic_block("block") for _ in cases]
    switch = builder.switch(number, blocks[0])
    for at, (block, (case, write)) in enumerate(zip(blocks, cases.items(), strict=True)):
        if at:
            switch.add_case(long(case), block)
        builder.position_at_end(block)
        write()
        builder.branch(after)
    builder.position_at_end(after)


def adding(builder: Any) -> Callable[[Any, Any, Any], Any]:
    """The function (x, y, z) to x * y + z, rounded once where the CPU can."""
    name = f"llvm.fmuladd.v{WIDTH}f32"
    known = builder.module.globals.get(name)
    function = known or ir.Function(builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), name)
    return lambda x, y, z: builder.call(function, [x, y, z])


NUMBERS = ("floor", "scale", "alpha", "k")


def written(arguments: str, generate: Callable[..., None]) -> Callable[..., None]:
    """What compiled functions may call with these arguments; `generate` writes its code.

    All are int64 but those in `NUMBERS`, which are float32.
    """
    names = arguments.split(", ")
    signature = types.void(*[types.float32 if name in NUMBERS else types.int64 for name in names])

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        generate(builder, *values)
        return context.get_dummy_value()

    # Numba binds arguments by the typing function's signature, so that it must have as many.
    by_count: dict[int, Callable[..., Any]] = {
        2: lambda typing, a, b: (signature, code),
        4: lambda typing, a, b, c, d: (signature, code),
        6: lambda typing, a, b, c, d, e, f: (signature, code),
        7: lambda typing, a, b, c, d, e, f, g: (signature, code),
        8: lambda typing, a, b, c, d, e, f, g, h: (signature, code),
        9: lambda typing, a, b, c, d, e, f, g, h, i: (signature, code),
        10: lambda typing, a, b, c, d, e, f, g, h, i, j: (signature, code),
    }
    return instruction(by_count[len(names)])


@instruction
def put(typing: Any, address: Any, value: Any) -> Any:
    """Write an int64 to an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[1], builder.inttoptr(values[0], LONG.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@instruction
def peek(typing: Any, address: Any) -> Any:
    """The int64 at an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(builder.inttoptr(values[0], LONG.as_pointer()), align=8)

    return types.int64(types.int64), generate


@instruction
def copy(typing: Any, source: Any, target: Any, count: Any) -> Any:
    """`count` bytes from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, target = (builder.inttoptr(address, BYTE.as_pointer()) for address in values[:2])
        cgutils.raw_memcpy(builder, target, source, values[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@instruction
def clear(typing: Any, address: Any, count: Any) -> Any:
    """Write `count` bytes of zeros to an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cgutils.memset(builder, builder.inttoptr(values[0], BYTE.as_pointer()), values[1], 0)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate
