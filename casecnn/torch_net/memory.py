"""Where a batch does not fit into the device's memory: how large a batch would."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable

import torch

from casecnn.errors import InputError


class BatchTooLarge(InputError):
    """A batch that does not fit into the device's memory; the message says which size would."""


def largest_that_fits(attempt: Callable[[int], object], size: int) -> int:
    """Return the largest of size/2, size/4, ... for which ``attempt`` does not run out of memory; 0 where none does.

    ``attempt(n)`` does the work for a batch of n and keeps nothing.
    """
    while size > 1:
        size //= 2
        free()
        with contextlib.suppress(torch.OutOfMemoryError):
            attempt(size)
            return size
    return 0


def too_large(size: int, fits: int, device: torch.device, searched: bool = True) -> BatchTooLarge:
    """Return the error for a batch of ``size`` where one of ``fits`` (0: none) would do, if that was searched."""
    remedy = f"a batch of {fits} does" if fits else "not even a batch of 1 does: use a smaller net or another device"
    if not searched:
        remedy = "use a smaller one"
    return BatchTooLarge(f"a batch of {size} does not fit into the memory of {device}; {remedy}")


def free() -> None:
    """Give back the memory that failed work has left behind."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
