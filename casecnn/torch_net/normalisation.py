"""Normalisation: across neighbouring channels (AlexNet) and across the batch (ResNet)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from casecnn import layers
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Shape
from casecnn.torch_net.pointwise import activated
from casecnn.torch_net.registry import TORCH


@TORCH.runs(layers.LocalResponseNorm)
class LocalResponseNorm(nn.Module):
    """LocalResponseNorm by the paper's formula: torch's divides alpha by n, which is undone here.

    Where no gradient is wanted the sum of squares is made of whole maps, several times as fast as torch's mean over a
    third axis.
    """

    def __init__(self, layer: layers.LocalResponseNorm, shape: Shape) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        wide = x.float() if x.dtype == torch.bfloat16 else x  # torch has none in bfloat16 on a CPU
        if torch.is_grad_enabled():
            y = F.local_response_norm(wide, layer.n, layer.alpha * layer.n, layer.beta, layer.k)
            return y.to(x.dtype)
        squares = wide * wide
        sums = squares.clone()
        for far in range(1, min(layer.n // 2, x.shape[1] - 1) + 1):
            sums[:, far:] += squares[:, :-far]
            sums[:, :-far] += squares[:, far:]
        sums.mul_(layer.alpha).add_(layer.k)
        if layer.beta == 0.75:
            root = sums.rsqrt_()  # to the power of -3/4 faster than by pow
            y = torch.mul(wide, root, out=squares).mul_(root.sqrt_())
        else:
            y = torch.mul(wide, sums.pow_(-layer.beta), out=squares)
        return y.to(x.dtype)


@TORCH.runs(layers.BatchNorm)
class BatchNorm(_BatchNorm):
    """BatchNorm over axis 1 of [N, C, H, W] or [N, n]."""

    def __init__(self, layer: layers.BatchNorm, shape: Shape) -> None:
        super().__init__(shape[0], layer.epsilon, layer.momentum)
        self.activation: Activation = layer.activation

    def _check_input_dim(self, input: Tensor) -> None:
        """Maps and vectors are both welcome."""

    def forward(self, input: Tensor) -> Tensor:
        return activated(super().forward(input), self.activation)
