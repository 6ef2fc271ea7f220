"""Layers without windows or weights: non-linearities, Dropout, Flatten, Softmax."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from casecnn.layers.layer import Layer, WayBack
from casecnn.layers.shapes import Shape

SCALED_TANH = (1.7159, 2 / 3)
"""A and S of ScaledTanh."""


@dataclass(frozen=True)
class InPlace(Layer):
    """A layer whose output can overwrite its input; use one of the classes below."""

    own_memory: ClassVar[Literal["always", "training", "never"]] = "never"


@dataclass(frozen=True)
class ReLU(InPlace):
    """max(x, 0)."""

    way_back: ClassVar[WayBack] = "rectified"


@dataclass(frozen=True)
class Tanh(InPlace):
    """Hyperbolic tangent."""

    way_back: ClassVar[WayBack] = "unchanged"


@dataclass(frozen=True)
class ScaledTanh(InPlace):
    """A * tanh(S * x) with A = 1.7159 and S = 2/3, so that 1 is mapped to 1 (LeCun 1998, appendix A)."""

    way_back: ClassVar[WayBack] = "unchanged"


@dataclass(frozen=True)
class Sigmoid(InPlace):
    """1 / (1 + exp(-x))."""

    way_back: ClassVar[WayBack] = "unchanged"


@dataclass(frozen=True)
class Softmax(InPlace):
    """exp(x) / sum of exp(x) over the units of a vector, or over the channels of maps (at each position).

    `casecnn.torch_net.build.build` leaves a net's last Softmax out by default: losses work on logits.
    """

    way_back: ClassVar[WayBack] = "unchanged"


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, set each value to 0 with probability ``p`` and scale the rest by 1 / (1 - p); else do nothing."""

    p: float = 0.5

    own_memory: ClassVar[Literal["always", "training", "never"]] = "training"
    way_back: ClassVar[WayBack] = "unchanged"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need(0 <= self.p < 1, f"p (={self.p}) must be at least 0 and below 1")


@dataclass(frozen=True)
class Flatten(InPlace):
    """(C, H, W) to a vector of C*H*W numbers, channel by channel, row by row."""

    way_back: ClassVar[WayBack] = "transposed"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)
