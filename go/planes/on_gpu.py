"""The 48 planes of thousands of boards made on a GPU, from positions of one byte a point.

The CPU reads records and ladders (`casecnn.go.planes.compact`); the GPU does the rest and writes the planes where and
as the net wants them. The kernel is compiled by Triton, which comes with torch's builds for CUDA; where it is missing
or fails, the CPU makes all planes.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from casecnn.console import warn
from casecnn.go.board.record import PLAY, pack
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import COLOUR, new_state
from casecnn.go.planes.compact import compact_state
from casecnn.go.planes.fast import state_features
from casecnn.go.planes.table import PLANES

PROGRAMS = 1024
"""Boards at once: enough for every GPU, and their working memory (27 MB on 19x19) fits the cache of large ones."""


def planes_on_gpu(compact: Tensor, size: int, dtype: torch.dtype = torch.float32, warps: int | None = None) -> Tensor:
    """The planes [n, 48, size, size] of compact positions uint8 [n, size * size], channels last, on their device.

    Equal to those of `casecnn.go.planes.fast` bit by bit. `warps` of 32 threads, a power of 2, share a board, with no
    more threads than points; by default there is a thread for each point, or for two on boards over 22x22. On the CPU
    it runs only where TRITON_INTERPRET=1 was set before Triton was imported. Raises ImportError without Triton.
    """
    from casecnn.go.planes.kernel import planes_kernel, scratch_words, set_words

    n = len(compact)
    block = max(128, 1 << (size * size - 1).bit_length())
    compact = compact.contiguous()
    out = torch.empty(n, size, size, PLANES, dtype=dtype, device=compact.device)
    scratch = torch.empty(min(n, PROGRAMS) * scratch_words(size, block), dtype=torch.int32, device=compact.device)
    with torch.cuda.device_of(compact):
        for begin in range(0, n, PROGRAMS):
            part = slice(begin, begin + PROGRAMS)
            planes_kernel[(len(compact[part]),)](
                compact[part],
                out[part],
                scratch,
                size=size,
                block=block,
                words=set_words(size),
                num_warps=warps or min(16, block // 32),
                num_stages=1,
                enable_fp_fusion=False,
            )
    return out.permute(0, 3, 1, 2)


def net_input(inputs: Tensor, dtype: torch.dtype) -> Tensor:
    """Planes as a net takes them, [n, 48, size, size], channels last.

    `inputs` are planes uint8 [n, 48, size, size], or compact positions uint8 [n, size * size] on a device on which
    `works_on` holds.
    """
    if inputs.dim() == 2:
        return planes_on_gpu(inputs, math.isqrt(inputs.shape[1]), dtype)
    return inputs.to(dtype, memory_format=torch.channels_last)


@cache
def works_on(device: torch.device, size: int) -> bool:
    """Whether `planes_on_gpu` runs on the device and gives what the CPU gives; if not on a GPU, a warning says why.

    It is tried on three short games, which also compiles the kernel.
    """
    if device.type != "cuda":
        return False
    try:
        with torch.cuda.device(device):
            return _equal(device, size)
    except Exception as error:  # Triton raises its own errors, the C compiler's and the driver's
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        warn(f"planes are made on the CPU, since the GPU's kernel does not run: {reason}")
        return False


def _equal(device: torch.device, size: int) -> bool:
    rng = np.random.default_rng(0)
    states = []
    for number in range(3):
        state = new_state(size)
        for point in rng.permutation(size * size)[: size * size * (number + 1) // 4].tolist():
            apply_event(state, np.uint16(pack(PLAY, int(state.info[COLOUR]), point)))
        states.append(state)
    compact = np.stack([compact_state(state) for state in states])
    found = planes_on_gpu(torch.from_numpy(compact).to(device), size).cpu().numpy()
    if np.array_equal(found, np.stack([state_features(state) for state in states])):
        return True
    warn("planes are made on the CPU, since the GPU's kernel gives others")
    return False
