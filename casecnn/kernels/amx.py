"""The tile instructions of Intel's AMX in compiled Python, and one block of a matrix product made of them.

A tile is a register of 16 rows of 64 bytes. `tdpbf16ps` multiplies a tile of 16 rows and 32 columns of bfloat16 by one
of 32 rows and 16 columns and adds the products, in float32, to a third: 8,192 multiply-adds in 16 cycles, sixteen times
what AVX-512 does in float32. Numba has no name for these instructions; LLVM, below it, has, and `_instruction` hands
them up. The functions exist only where `available` is true: elsewhere LLVM cannot compile them.

Numbers of bfloat16 travel as int16, since NumPy has no such type. Addresses are int64.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from casecnn.compiled import forget_stale, njit

forget_stale(Path(__file__).parent)
llvmlite.binding.initialize_native_asmparser()  # for the one instruction that LLVM's intermediate code cannot name

ROWS = 32  # of a block, and its columns: two tiles each way
DEPTH = 32  # how many products of bfloat16 one step of a block adds up
STEP_BYTES = 2 * 1024  # of the right factor that one step reads: two tiles

_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA = 158, 0x1023, 18  # Linux on x86-64: arch_prctl(ARCH_REQ_XCOMP_PERM, 18)

CONFIGURATION = np.zeros(64, np.uint8)  # of all eight tiles: palette 1, 64 bytes by 16 rows each
CONFIGURATION[0] = 1
CONFIGURATION[16:32].view(np.uint16)[:] = 64
CONFIGURATION[48:56] = 16


@cache
def available() -> bool:
    """Whether this CPU, its operating system, and numba's compiler all know AMX with bfloat16; asks the system for it.

    Linux gives a process the tiles when it asks for them, once.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    if numba.config.CPU_NAME or numba.config.CPU_FEATURES or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return False  # numba compiles for another CPU than this, or not at all
    features = llvmlite.binding.get_host_cpu_features()
    if not (features.get("amx-tile") and features.get("amx-bf16") and features.get("avx512bf16")):
        return False
    return int(ctypes.CDLL(None).syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA)) == 0


_BYTE, _WORD = ir.IntType(8), ir.IntType(32)


def _compiled(function: Callable[..., Any]) -> Callable[..., None]:
    """What compiled functions may call: `function` takes types, and gives a signature and what generates the code."""
    return intrinsic(function)


def _instruction(name: str, tiles: tuple[int, ...], arguments: int) -> Callable[..., None]:
    """LLVM's intrinsic `llvm.x86.<name>` on these tiles, as a function of an address and a stride in bytes, if any."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        given: list[Any] = [ir.Constant(_BYTE, tile) for tile in tiles]
        if values:
            given += [builder.inttoptr(values[0], _BYTE.as_pointer()), *values[1:]]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.module.declare_intrinsic(f"llvm.x86.{name}", (), kind), given)
        return context.get_dummy_value()

    signature = types.void(*[types.int64] * arguments)
    if arguments == 0:
        return _compiled(lambda typing: (signature, generate))
    if arguments == 1:
        return _compiled(lambda typing, address: (signature, generate))
    return _compiled(lambda typing, address, stride: (signature, generate))


configure = _instruction("ldtilecfg", (), 1)
release = _instruction("tilerelease", (), 0)
_zero0, _zero1, _zero2, _zero3 = (_instruction("tilezero", (tile,), 0) for tile in range(4))
_load0, _load1, _load2, _load3 = (_instruction("tileloadd64", (tile,), 2) for tile in range(4))
_load4, _load5, _load6, _load7 = (_instruction("tileloadd64", (tile,), 2) for tile in range(4, 8))
_store0, _store1, _store2, _store3 = (_instruction("tilestored64", (tile,), 2) for tile in range(4))
_multiply046, _multiply147 = _instruction("tdpbf16ps", (0, 4, 6), 0), _instruction("tdpbf16ps", (1, 4, 7), 0)
_multiply256, _multiply357 = _instruction("tdpbf16ps", (2, 5, 6), 0), _instruction("tdpbf16ps", (3, 5, 7), 0)


@njit(inline="always")
def multiply(left, stride, offsets, steps, right, product):
    """A block of a matrix product: float32 [32, 32] at the address `product`.

    The left factor's rows lie `stride` bytes apart, the first at `left`. Each of the `offsets` [n], in bytes, moves
    them by a window's cell, and from there 32 * `steps` columns are read. The right factor is at `right` in the order
    in which it is read, see `casecnn.kernels.amx_convolution.lay_out`.
    """
    _zero0()
    _zero1()
    _zero2()
    _zero3()
    half = 16 * stride
    for cell in range(len(offsets)):
        at = left + offsets[cell]
        for _ in range(steps):
            _load6(right, 64)
            _load4(at, stride)
            _multiply046()
            _load7(right + 1024, 64)
            _multiply147()
            _load5(at + half, stride)
            _multiply256()
            _multiply357()
            at += 64
            right += STEP_BYTES
    _store0(product, 128)
    _store1(product + 64, 128)
    _store2(product + 2048, 128)
    _store3(product + 2112, 128)


@njit(inline="always")
def accumulate(left, right, left_step, right_step, steps, product):
    """Add to a block at `product` the sum of `steps` products of 32 rows, of 32 numbers each, with two tiles.

    Each left factor lies `left_step` bytes after the last, each right one `right_step` bytes.
    """
    _load0(product, 128)
    _load1(product + 64, 128)
    _load2(product + 2048, 128)
    _load3(product + 2112, 128)
    for _ in range(steps):
        _load6(right, 64)
        _load4(left, 64)
        _multiply046()
        _load7(right + 1024, 64)
        _multiply147()
        _load5(left + 1024, 64)
        _multiply256()
        _multiply357()
        left += left_step
        right += right_step
    _store0(product, 128)
    _store1(product + 64, 128)
    _store2(product + 2048, 128)
    _store3(product + 2112, 128)


_FLOATS, _WORDS, _HALVES = (ir.VectorType(kind, 16) for kind in (ir.FloatType(), _WORD, ir.IntType(16)))


def _read(builder: Any, address: Any, kind: Any, align: int) -> Any:
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = align
    return value


def _write(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer())).align = 2


def _shuffled(builder: Any, first: Any, second: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_WORD, len(lanes)), lanes))


def _rounder(add: bool) -> Callable[..., None]:
    """32 channels of a pixel: max(sums + bias [+ side], floor), rounded to even; bfloat16 at the address `out`.

    One instruction rounds: to even, NaN to NaN, and what is below the least normal number to zero.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        sums, bias, side, out, floor = values
        least = ir.Constant(_FLOATS, ir.Undefined)
        for lane in range(16):
            least = builder.insert_element(least, floor, ir.Constant(_WORD, lane))

        def half(first: int) -> Any:
            def at(address: Any, size: int) -> Any:
                return builder.add(address, ir.Constant(address.type, first * size))

            x = builder.fadd(_read(builder, at(sums, 4), _FLOATS, 4), _read(builder, at(bias, 4), _FLOATS, 4))
            if add:
                wide = builder.zext(_read(builder, at(side, 2), _HALVES, 2), _WORDS)
                x = builder.fadd(x, builder.bitcast(builder.shl(wide, ir.Constant(_WORDS, [16] * 16)), _FLOATS))
            return builder.select(builder.fcmp_ordered("<", x, least), least, x)

        kind = ir.FunctionType(_WORDS, [_FLOATS, _FLOATS])
        _write(builder, builder.asm(kind, "vcvtne2ps2bf16 $1, $2, $0", "=v,v,v", [half(0), half(16)], False), out)
        return context.get_dummy_value()

    signature = types.void(types.int64, types.int64, types.int64, types.int64, types.float32)
    return _compiled(lambda typing, sums, bias, side, out, floor: (signature, generate))


round32 = _rounder(add=False)
add_and_round32 = _rounder(add=True)


_EACH_IN_TURN = [lane for pair in zip(range(16), range(16, 32), strict=True) for lane in pair]


@_compiled
def copy(typing: Any, source: Any, target: Any, count: Any) -> Any:
    """`count` bytes from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, target, count = values
        pointers = [builder.inttoptr(address, _BYTE.as_pointer()) for address in (target, source)]
        cgutils.raw_memcpy(builder, pointers[0], pointers[1], count, 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@_compiled
def interleave16(typing: Any, first: Any, second: Any, target: Any) -> Any:
    """16 numbers of 2 bytes from each of two addresses, one of the first, one of the second in turn."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        one, other = (_read(builder, address, _HALVES, 2) for address in values[:2])
        _write(builder, _shuffled(builder, one, other, _EACH_IN_TURN), values[2])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@_compiled
def transpose16(typing: Any, source: Any, stride: Any, target: Any, target_stride: Any) -> Any:
    """A square of 16 by 16 numbers of 2 bytes, rows and columns exchanged; strides in bytes.

    Interleaving each row with the one eight below it, four times, exchanges them.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, stride, target, target_stride = values
        row = source
        rows = []
        for _ in range(16):
            rows.append(_read(builder, row, _HALVES, 2))
            row = builder.add(row, stride)
        for _ in range(4):
            rows = [
                _shuffled(builder, rows[i], rows[i + 8], lanes)
                for i in range(8)
                for lanes in (_EACH_IN_TURN[:16], _EACH_IN_TURN[16:])
            ]
        for value in rows:
            _write(builder, value, target)
            target = builder.add(target, target_stride)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64), generate


@_compiled
def add16(typing: Any, source: Any, sums: Any) -> Any:
    """16 numbers of bfloat16 are added to as many of float32."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        wide = builder.zext(_read(builder, values[0], _HALVES, 2), _WORDS)
        number = builder.bitcast(builder.shl(wide, ir.Constant(_WORDS, [16] * 16)), _FLOATS)
        _write(builder, builder.fadd(number, _read(builder, values[1], _FLOATS, 4)), values[1])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate
