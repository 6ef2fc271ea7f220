"""Training in float32 with fewer products: a convolution and its input's gradient by Winograd's algorithm.

The gradient by the input is a convolution, too, with the filters turned around. Both are done as at inference
(`casecnn.kernels.winograd`), with weights that are transformed anew at each step. The gradient by the weights is
torch's: oneDNN has it near to the ceiling of the machine.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from casecnn.kernels import winograd
from casecnn.kernels.convolution import Convolution
from casecnn.kernels.winograd import SIDES, WinogradConvolution
from casecnn.layers.shapes import Pair

LEAST_CHANNELS = 32  # of both sides: with fewer, the transforms take what the products save
LEAST_TILES = 2000  # of a batch: with fewer, transforming the weights takes as long as it saves


def fits(convolution: Convolution, x: Tensor, padding: Pair) -> bool:
    """Whether the convolution of x [N, C, H, W] can be done here, and is faster so, both ways."""
    weight, window = convolution.weight, convolution.kernel
    if (
        min(weight.shape[:2]) < LEAST_CHANNELS
        or not winograd.fits(convolution)
        or max(padding) >= min(window)
        or x.dtype != torch.float32
    ):
        return False
    height, width = (n + 2 * p - k + 1 for n, p, k in zip(x.shape[2:], padding, window, strict=True))
    if height < 1 or width < 1 or x.shape[1] != weight.shape[1]:
        return False
    side = SIDES[window[0]]
    tiles = len(x) * -(-height // side) * -(-width // side)
    return tiles >= LEAST_TILES and winograd.wins(convolution, len(x), height, width)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair, relu: bool) -> Tensor:
    """The convolution of x, with ReLU if wanted; it can be differentiated once. `fits` must hold."""
    y: Tensor = _Convolve.apply(x, weight, bias, padding, relu)  # type: ignore[no-untyped-call]
    return y


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair, relu: bool) -> Tensor:
        kernel = WinogradConvolution(Convolution(weight, bias, padding=padding, activation="relu" if relu else None))
        y = kernel(x, padding)
        ctx.save_for_backward(x, weight, y if relu else None)
        ctx.padding, ctx.biased = padding, bias is not None
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight, y = ctx.saved_tensors
        padding: Pair = ctx.padding
        dy = dy.contiguous(memory_format=torch.channels_last)
        if y is not None:
            dy = torch.ops.aten.threshold_backward(dy, y, 0)
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            turned = weight.detach().flip(2, 3).transpose(0, 1)
            rest = weight.shape[2] - 1 - padding[0], weight.shape[3] - 1 - padding[1]
            dx = WinogradConvolution(Convolution(turned, padding=rest))(dy, rest)
        wanted = [False, ctx.needs_input_grad[1], ctx.biased and ctx.needs_input_grad[2]]
        if any(wanted):
            biases = [len(weight)] if ctx.biased else None
            _, dw, db = torch.ops.aten.convolution_backward(
                dy, x, weight, biases, (1, 1), padding, (1, 1), False, (0, 0), 1, wanted
            )
        return dx, dw, db, None, None
