"""Layers made of layers: Residual blocks, Branches side by side, Repeat; auxiliary heads rest at inference."""

from __future__ import annotations

import numpy as np

from casecnn import layers
from casecnn.reference.arrays import Array
from casecnn.reference.pointwise import activated
from casecnn.reference.registry import REFERENCE, Reference


@REFERENCE.runs(layers.Residual)
class Residual(Reference[layers.Residual]):
    """activation(body(x) + shortcut(x))."""

    def forward(self, x: Array) -> Array:
        shape = x.shape[1:]
        y = self.chain(self.layer.body, x, "body.")
        side = self.chain(self.layer.projection(shape), x, "shortcut.")
        if side.shape != y.shape:  # option A
            vertical, horizontal = self.layer.stride(shape)
            kept = side[:, :, ::vertical, ::horizontal]
            side = np.zeros_like(y)
            side[:, : kept.shape[1]] = kept
        return activated(y + side, self.layer.activation)


@REFERENCE.runs(layers.Branches)
class Branches(Reference[layers.Branches]):
    """The outputs of all branches, concatenated on axis 1."""

    def forward(self, x: Array) -> Array:
        return np.concatenate([self.chain(branch, x) for branch in self.layer.branches], 1)


@REFERENCE.runs(layers.Repeat)
class Repeat(Reference[layers.Repeat]):
    """The repetitions one after the other."""

    def forward(self, x: Array) -> Array:
        for number, layers_ in enumerate(self.layer.chains, 1):
            x = self.chain(layers_, x, f"{number}.")
        return x


@REFERENCE.runs(layers.AuxiliaryHead)
class AuxiliaryHead(Reference[layers.AuxiliaryHead]):
    """Hands its input on: heads work in training only."""

    def forward(self, x: Array) -> Array:
        return x
