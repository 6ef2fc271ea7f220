"""Modules made of modules: Chain, Residual, Branches. Parts are called by the names in the declaration."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn import layers
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Shape
from casecnn.torch_net.pointwise import activated
from casecnn.torch_net.registry import TORCH, Parts, add

TORCH.lacks(
    "it has no row of its own, so `casecnn.torch_net.build` makes Chains of what it holds",
    layers.Repeat,
    layers.AuxiliaryHead,
)


class Chain(nn.Module):
    """Named modules one after the other."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        for name, part in parts:
            add(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        for part in self._modules.values():  # children() takes longer than some layers
            x = part(x)  # type: ignore[misc]
        return x


@TORCH.runs(layers.Residual)
class Residual(nn.Module):
    """Residual: activation(body(x) + shortcut(x)). ``shortcut`` has no modules where it is x itself or zero-padded."""

    body: Chain
    shortcut: Chain

    def __init__(self, layer: layers.Residual, shape: Shape, parts: Parts = ()) -> None:
        super().__init__()
        chains = dict(parts)
        self.body = chains["body"]  # type: ignore[assignment]
        self.shortcut = chains.get("shortcut", Chain(()))  # type: ignore[assignment]
        self.stride = layer.stride(shape)
        self.activation: Activation = layer.activation

    def forward(self, x: Tensor) -> Tensor:
        y, side = self.body(x), self.shortcut(x)
        if side.shape != y.shape:  # option A: every stride-th cell, new channels zero
            side = side[:, :, :: self.stride[0], :: self.stride[1]]
            side = F.pad(side, (0, 0, 0, 0, 0, y.shape[1] - side.shape[1]))
        return activated(y + side, self.activation)


@TORCH.runs(layers.Branches)
class Branches(nn.Module):
    """Branches: the outputs of all branches, concatenated on axis 1."""

    def __init__(self, layer: layers.Branches, shape: Shape, parts: Parts = ()) -> None:
        super().__init__()
        self.branches = [[step.name for step in branch] for branch in layer.branches]
        for name, part in parts:
            add(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for branch in self.branches:
            y = x
            for name in branch:
                y = getattr(self, name)(y)
            outputs.append(y)
        return torch.cat(outputs, 1)
