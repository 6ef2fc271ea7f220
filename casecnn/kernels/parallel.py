"""Compiled work shared out among threads piece by piece, and the threads that do it: those of torch's own OpenMP.

After each parallel operation torch's OpenMP threads spin for some milliseconds, ready for the next. Threads of another
pool would fight them for the cores, so that work between two operations of torch is best done by the very same ones.
Where torch has no OpenMP that can be asked, there is a pool.

Nobody waits for a thread, only for pieces of work: a thread that the system has not let run yet, because another
program has its core, holds no piece, and the others do its share.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from casecnn.compiled import cfunc, njit

SPINS = 2000  # looks at a counter before the core is offered to others

_LONG = ir.IntType(64)


def instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """What compiled functions may call: `function` takes types, and gives a signature and what generates the code."""
    return intrinsic(function)


def _counter(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _LONG.as_pointer())


@instruction
def fetch_add(typing: Any, address: Any, value: Any) -> Any:
    """Add to the int64 at an address, and return what it was; as one step, seen by all threads after all before it."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("add", _counter(builder, values[0]), values[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@instruction
def _look(typing: Any, address: Any) -> Any:
    """The int64 at an address that other threads change."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if platform.machine() in ("x86_64", "AMD64"):
            name = "llvm.x86.sse2.pause"
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(builder.module.globals.get(name) or ir.Function(builder.module, kind, name), [])
        return builder.load_atomic(_counter(builder, values[0]), "acquire", 8)

    return types.int64(types.int64), generate


@instruction
def _call(typing: Any, function: Any) -> Any:
    """The C function at an address, int f(void)."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@njit(nogil=True)
def wait_for(address, count, offer):
    """Until the counter at an address has reached a count. `offer` is `offer_core()`."""
    spins = 0
    while _look(address) < count:
        spins += 1
        if spins > SPINS:
            _call(offer)


@cache
def offer_core() -> int:
    """The address of the system's function that lets another thread run on this core."""
    windows = sys.platform == "win32"
    function = ctypes.CDLL("kernel32").SwitchToThread if windows else ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def run(address: int, plan: np.ndarray, threads: int) -> None:
    """Call a compiled function on several threads at once, this one among them, each with the same int64 array.

    `address` is that of a C function, void f(int64 *), see `compiled`. It must share out its work by counters in the
    plan: how many of the threads come, and when, is not said. Returns when all that came have ended.
    """
    run_at(address, plan.ctypes.data, threads)


def run_at(address: int, plan: int, threads: int) -> None:
    """As `run`; ``plan`` is the array's address, which takes longer to ask for than some plans take."""
    if threads == 1:
        _function(address)(plan)
    elif not _forks and (parallel := _openmp()):
        parallel(address, plan, threads, 0)
    else:
        others = [_pool(threads).submit(_function(address), plan) for _ in range(threads - 1)]
        _function(address)(plan)
        for other in others:
            if not other.cancel():
                other.result()


@cache
def compiled(function: Callable[[Any], None]) -> int:
    """The address of a function of a pointer to int64, compiled (and kept on disk) the first time it is asked for."""
    return int(_library(function).address)


@cache
def _library(function: Callable[[Any], None]) -> Any:
    return cfunc(types.void(types.CPointer(types.int64)), cache=True)(function)


@cache
def _function(address: int) -> Callable[[int], None]:
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)


@cache
def _openmp() -> Callable[[int, int, int, int], None] | None:
    """OpenMP's `GOMP_parallel` in the library that torch has loaded: void f(function, data, threads, flags).

    GCC's library has it, and so does LLVM's, for programs that GCC compiled.
    """
    if sys.platform == "win32" or "OpenMP" not in torch.__config__.parallel_info():
        return None
    packages = Path(torch.__file__).parents[1]
    own = [*packages.glob("torch/lib/lib*omp*.so*"), *packages.glob("torch.libs/lib*omp*.so*")]
    for name in [*map(str, own), "libgomp.so.1", "libomp.so", "libiomp5.so"]:
        try:
            parallel = ctypes.CDLL(name, mode=os.RTLD_NOW | os.RTLD_NOLOAD).GOMP_parallel
        except (OSError, AttributeError):  # not loaded, or another library of that name
            continue
        parallel.argtypes, parallel.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
        return parallel
    return None


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="kernel")


def _forked() -> None:
    """Threads do not survive a fork, and OpenMP goes on waiting for them."""
    global _forks
    _forks = True
    _pool.cache_clear()


_forks = False  # whether this process is one that began as another's copy
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
