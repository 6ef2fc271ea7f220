"""What a stretch is made of: convolutions, poolings and shortcuts between numbered maps, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from casecnn.layers.shapes import Pair, Shape, ShapeError, Span

Kind = Literal["convolution", "largest", "mean", "shortcut", "normalise"]

Lie = Callable[[int, int], tuple[Span, Span]]
"""How windows lie on a map of a height and a width."""


@dataclass(frozen=True, eq=False)
class Operation:
    """From map number ``source`` to map number ``target``; map 0 is the stretch's input.

    "convolution": ``weight`` [outputs, channels, rows, columns] and ``bias`` [outputs]; a weight [outputs, n] reads
    whole maps of n numbers, channel by channel, as Flatten lays them. "largest" and "mean": poolings; ``kernel`` None
    is the whole map. "shortcut": every stride-th pixel, and zeros in new channels up to ``channels``. With ``adds`` a
    convolution adds to what the target holds; ``relu`` comes last. ``counts_padding`` is `MeanPool`'s. "normalise":
    local response normalisation with ``response`` (neighbours on each side, alpha, k) and the power 3/4.

    Several operations can have one target of ``width`` channels: each writes its own, from number ``offset`` on.
    """

    kind: Kind
    source: int
    target: int
    kernel: Pair | None = None
    stride: Pair = (1, 1)
    lie: Lie | None = None
    weight: Tensor | None = None
    bias: Tensor | None = None
    channels: int = 0
    relu: bool = False
    adds: bool = False
    counts_padding: bool = False
    response: tuple[int, float, float] = (0, 0.0, 1.0)
    offset: int = 0
    width: int | None = None

    def windows(self, shape: Shape) -> tuple[Pair, Span, Span]:
        """The size of a window over maps (C, H, W), and how the windows lie; raises ShapeError where none fit."""
        _, height, width = shape
        if self.lie is None:
            return (height, width), Span(1, 0, 0), Span(1, 0, 0)
        rows, columns = self.lie(height, width)
        if rows.windows < 1 or columns.windows < 1:
            raise ShapeError("no window fits")
        assert self.kernel is not None
        return self.kernel, rows, columns

    def target_shape(self, shape: Shape) -> Shape:
        """The shape (C, H, W) of the whole target; raises ShapeError where the source does not fit."""
        channels, *size = self.output(shape)
        return (channels if self.width is None else self.width, *size)

    def output(self, shape: Shape) -> Shape:
        """The shape (C, H, W) of what is written; raises ShapeError where the source does not fit."""
        channels, height, width = shape
        if self.kind == "shortcut":
            return self.channels, -(-height // self.stride[0]), -(-width // self.stride[1])
        if self.kind == "normalise":
            return shape
        _, rows, columns = self.windows(shape)
        if self.weight is None:
            return channels, rows.windows, columns.windows
        wanted = self.weight.shape[1]
        if wanted != (channels * height * width if self.weight.dim() == 2 else channels):
            raise ShapeError(f"weights for {wanted} numbers do not fit {shape}")
        return len(self.weight), rows.windows, columns.windows

    def macs(self, shape: Shape) -> int:
        """Multiply-adds for one input (C, H, W)."""
        if self.weight is None:
            return 0
        _, height, width = self.output(shape)
        return self.weight.numel() * height * width
