"""Layers without windows or weights: non-linearities, Dropout, Flatten, Softmax."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn import layers
from casecnn.layers.layer import Activation
from casecnn.layers.pointwise import SCALED_TANH
from casecnn.layers.shapes import Shape
from casecnn.torch_net.registry import TORCH


def activated(x: Tensor, activation: Activation) -> Tensor:
    """The activation of ``x``, which nothing else may need: ReLU overwrites it."""
    if activation == "relu":
        return F.relu(x, inplace=True)
    if activation == "scaled_tanh":
        return scaled_tanh(x)
    return x if activation is None else torch.tanh(x) if activation == "tanh" else torch.sigmoid(x)


def scaled_tanh(x: Tensor) -> Tensor:
    """1.7159 * tanh(2/3 * x)."""
    amplitude, slope = SCALED_TANH
    return amplitude * torch.tanh(slope * x)


@TORCH.runs(layers.ReLU)
class ReLU(nn.ReLU):
    """max(x, 0), on any shape."""

    def __init__(self, layer: layers.ReLU, shape: Shape) -> None:
        super().__init__()


@TORCH.runs(layers.Tanh)
class Tanh(nn.Tanh):
    """Hyperbolic tangent, on any shape."""

    def __init__(self, layer: layers.Tanh, shape: Shape) -> None:
        super().__init__()


@TORCH.runs(layers.ScaledTanh)
class ScaledTanh(nn.Module):
    """1.7159 * tanh(2/3 * x), on any shape."""

    def __init__(self, layer: layers.ScaledTanh, shape: Shape) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return scaled_tanh(x)


@TORCH.runs(layers.Sigmoid)
class Sigmoid(nn.Sigmoid):
    """1 / (1 + exp(-x)), on any shape."""

    def __init__(self, layer: layers.Sigmoid, shape: Shape) -> None:
        super().__init__()


@TORCH.runs(layers.Softmax)
class Softmax(nn.Softmax):
    """Softmax over axis 1."""

    def __init__(self, layer: layers.Softmax, shape: Shape) -> None:
        super().__init__(1)


@TORCH.runs(layers.Dropout)
class Dropout(nn.Dropout):
    """In training, zeros with probability ``p``; the rest is scaled by 1 / (1 - p)."""

    def __init__(self, layer: layers.Dropout, shape: Shape) -> None:
        super().__init__(layer.p)


@TORCH.runs(layers.Flatten)
class Flatten(nn.Flatten):
    """[N, C, H, W] to [N, C * H * W]."""

    def __init__(self, layer: layers.Flatten, shape: Shape) -> None:
        super().__init__()
