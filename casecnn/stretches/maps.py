"""Poolings and local response normalisation for inference, each with one pass over its maps.

Torch's max pooling also writes down where each largest number was; its normalisation, and its poolings of bfloat16,
are many passes. Maps are [N, C, H, W], float32 or bfloat16, channels last in memory, with as many channels as fill a
vector.

Compiled by numba at the first call, for the CPU at hand, and kept on disk.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from casecnn.kernels.parallel import compiled, run
from casecnn.kernels.vectors import BYTES, vector_width
from casecnn.layers.shapes import Pair, Span
from casecnn.stretches import map_loops as loops

ALONE = 30_000  # numbers read that one thread has done before two have begun
BETA = 0.75  # the one power of a normalisation that is compiled


def fits(x: Tensor) -> bool:
    """Whether maps can be done here."""
    known = x.dtype in (torch.float32, torch.bfloat16) and x.device.type == "cpu" and x.dim() == 4
    return known and x.shape[1] * x.element_size() >= BYTES and x.numel() > 0 and vector_width() > 0


def pool(x: Tensor, largest: bool, kernel: Pair, stride: Pair, rows: Span, columns: Span) -> Tensor:
    """Largest numbers, or means, of windows: [N, C, H, W] to [N, C, H', W']; padding counts for nothing.

    ``rows`` and ``columns`` say how the windows lie; each has at least a pixel of the map. `fits` must hold.
    """
    return _run(
        x,
        rows.windows,
        columns.windows,
        {
            loops.KIND: loops.LARGEST if largest else loops.MEAN, loops.DOWN: stride[0], loops.RIGHT: stride[1],
            loops.ABOVE: rows.before, loops.BEFORE: columns.before, loops.LINES: kernel[0], loops.COLUMNS: kernel[1],
        },
        x.shape[1] * x.shape[3] * x.element_size() if largest else 0,
    )  # fmt: skip


def normalise(x: Tensor, neighbours: int, alpha: float, k: float) -> Tensor:
    """Divide x [N, C, H, W] by (k + alpha sum) ** `BETA`, with sums of squares over ``neighbours`` on each side.

    `fits` must hold.
    """
    numbers = np.array([alpha, k]).view(np.int64)
    return _run(
        x,
        x.shape[2],
        x.shape[3],
        {
            loops.KIND: loops.NORMALISE, loops.NEIGHBOURS: neighbours, loops.ALPHA: numbers[0], loops.K: numbers[1],
        },
        4 * (x.shape[1] + 2 * neighbours),
    )  # fmt: skip


def _run(x: Tensor, out_height: int, out_across: int, values: dict[int, int], scratch: int) -> Tensor:
    """The plan of `values` for maps, with `scratch` bytes of memory for each thread."""
    source = x.detach().permute(0, 2, 3, 1).contiguous()
    count, height, across, channels = source.shape
    out = torch.empty((count, out_height, out_across, channels), dtype=x.dtype)
    plan = np.zeros(loops.LENGTH, np.int64)
    threads = torch.get_num_threads() if x.numel() >= ALONE else 1
    scratch += -scratch % 64
    memory = np.empty(threads * scratch, np.uint8)
    values |= {
        loops.SIZE: x.element_size(), loops.SOURCE: source.data_ptr(), loops.TARGET: out.data_ptr(),
        loops.IMAGES: count, loops.HEIGHT: height, loops.ACROSS: across, loops.CHANNELS: channels,
        loops.OUT_HEIGHT: out_height, loops.OUT_ACROSS: out_across,
        loops.SCRATCH: memory.ctypes.data, loops.SCRATCH_BYTES: scratch,
    }  # fmt: skip
    for slot, value in values.items():
        plan[slot] = value
    run(compiled(loops.work), plan, threads)
    return out.permute(0, 3, 1, 2)
