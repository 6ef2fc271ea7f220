"""Freed memory that stays with the process, for the next tensor.

Glibc gives large blocks back to the system when they are freed, and the system hands out pages anew, filled with zeros,
when the next large tensor is written: for maps of some megabytes that takes as long as a layer computes.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

KEPT = 1 << 30  # bytes of a block, and of free memory at the heap's end
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_OWN_WAYS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_")


@cache
def keep_freed_memory() -> bool:
    """Let glibc keep freed blocks of up to `KEPT` bytes; returns whether it does.

    It does not where the environment says how malloc works, and where there is no glibc. For the whole process, and for
    good: what the process used at its most stays with it.
    """
    told = any(name in os.environ for name in _OWN_WAYS) or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if told or not sys.platform.startswith("linux"):
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    tell.argtypes, tell.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return all([tell(_MMAP_THRESHOLD, KEPT), tell(_TRIM_THRESHOLD, KEPT)])
