"""Several like convolutions in a row on AMX tiles, image by image, in one compiled call.

Each layer's result goes straight into the frame that the next one reads, so an image stays in the cache from the first
layer to the last, and nothing is copied, allocated or handed back to Python between them. Policy networks are mostly
that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from casecnn.compiled import njit
from casecnn.kernels.amx import CONFIGURATION, DEPTH, ROWS, STEP_BYTES, configure, multiply, release
from casecnn.kernels.amx_convolution import CACHED, TileConvolution, block, each, finish, frame_of, lay, numbers, zeros


class TileChain:
    """Convolutions one after the other, each of which follows the one before.

    From bfloat16 [N, C, H, W], channels last, to the same shape, with the same numbers as from one at a time.
    """

    def __init__(self, convolutions: Sequence[TileConvolution]) -> None:
        self.convolutions = tuple(convolutions)
        self.kernel = rows, columns = convolutions[0].weights.kernel
        self.padding = rows // 2, columns // 2
        self.right = np.concatenate([conv.weights.right for conv in convolutions])
        self.bias = np.stack([conv.weights.bias for conv in convolutions])
        relus = [conv.convolution.activation == "relu" for conv in convolutions]
        self.floors = np.array([0 if relu else -np.inf for relu in relus], np.float32)
        for conv, right in zip(convolutions, np.split(self.right, len(convolutions)), strict=True):
            conv.weights = conv.weights._replace(right=right)  # the same memory

    def __call__(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        frame = frame_of(channels, self.kernel, (1, 1), self.padding, (width, height, width), False)
        if frame.length * 2 > CACHED:
            for conv in self.convolutions:
                x = conv(x, self.padding)
            return x
        source = x.detach().permute(0, 2, 3, 1).contiguous()
        out = torch.empty_like(source)
        left, target = numbers(source), numbers(out)
        threads = max(1, min(torch.get_num_threads(), count))

        def work(i: int) -> None:
            frames = zeros(2 * frame.length, np.int16).reshape(2, frame.length)
            part = slice(count * i // threads, count * (i + 1) // threads)
            _pictures(
                CONFIGURATION, block(), frames, left[part], self.right, self.bias, self.floors, target[part], frame
            )

        each(threads, work)
        return out.permute(0, 3, 1, 2)


@njit(cache=True, nogil=True)
def _pictures(configuration, block, frames, left, weights, shifts, floors, target, f):
    """Send the images left int16 [n, H, W, C] through all layers into target, of the same shape.

    `frames` int16 [2, f.length] are zero. `weights` are flat; each of the layers has as many. `shifts` float32 [layers,
    C].
    """
    configure(configuration.ctypes.data)
    product = block.ctypes.data
    spare = product + ROWS * ROWS * 4
    pixel, steps = f.depth * 2, f.depth // DEPTH
    pixels = (f.out_height - 1) * f.wide + f.out_width
    block_bytes = len(f.offsets) * steps * STEP_BYTES
    inside = (f.above * f.wide + f.before) * pixel  # where a frame's image begins
    for n in range(len(left)):
        lay(left[n], frames[0], f)
        right = weights.ctypes.data
        for layer in range(len(floors)):
            source, out, pitch = frames[layer % 2].ctypes.data, frames[1 - layer % 2].ctypes.data + inside, f.wide
            if layer == len(floors) - 1:
                out, pitch = target[n].ctypes.data, f.out_width
            for first in range(0, f.depth, ROWS):
                bias = shifts[layer].ctypes.data + first * 4
                for m in range(0, pixels, ROWS):
                    multiply(source + m * pixel, pixel, f.offsets, steps, right, product)
                    row, column = m // f.wide, m % f.wide
                    for i in range(min(ROWS, pixels - m)):
                        if column < f.out_width:
                            to = out + (row * pitch + column) * pixel + first * 2
                            finish(product + i * ROWS * 4, bias, to, ROWS, False, floors[layer], spare)
                        column += 1
                        if column == f.wide:
                            column, row = 0, row + 1
                right += block_bytes
    release()
