"""Pooling layers: each works on every map on its own and has no parameters and no multiply-adds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import ClassVar

from casecnn.layers.convolution import check_windows
from casecnn.layers.layer import Field, Layer, WayBack, at_least_one, maps
from casecnn.layers.shapes import Padding, Pair, Rounding, Shape, ShapeError, Span, Window, pair, sides, spans
from casecnn.layers.windows import Windowed


@dataclass(frozen=True)
class Pool(Windowed):
    """What max and mean pooling share; use MaxPool or MeanPool.

    ``stride`` is the kernel where it is left out (windows that do not overlap). ``padding`` and ``rounding`` are as in
    Conv, but padding must be smaller than the kernel, so that no window holds padding alone.
    """

    kernel: int | Pair
    stride: int | Pair | None = None
    padding: Padding = 0
    rounding: Rounding = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_windows(self, self.kernel, self.step, self.padding, self.rounding)
        if not isinstance(self.padding, str):
            small = all(max(cells) < size for cells, size in zip(sides(self.padding), pair(self.kernel), strict=True))
            self.need(small, f"padding (={self.padding}) must be smaller than the kernel (={self.kernel})")

    @property
    def step(self) -> Pair:
        """The stride as (vertical, horizontal)."""
        return pair(self.kernel if self.stride is None else self.stride)

    def spans(self, height: int, width: int) -> tuple[Span, Span]:
        return spans(height, width, pair(self.kernel), self.step, self.padding, self.rounding)

    def output_shape(self, shape: Shape) -> Shape:
        c, h, w = maps(shape)
        rows, columns = self.spans(h, w)
        return c, rows.windows, columns.windows

    @property
    def geometry(self) -> tuple[Pair, Pair]:
        return pair(self.kernel), self.step


@dataclass(frozen=True)
class MaxPool(Pool):
    """The largest value of each window; padding never wins. The gradient goes to the first largest in row order."""


@dataclass(frozen=True)
class MeanPool(Pool):
    """The mean of each window.

    A window over the border is divided by its cells inside the input; with ``count_padding`` the padding's zeros count
    too (torch's default), though never the overhang of ``rounding="ceil"``.
    """

    count_padding: bool = False


@dataclass(frozen=True)
class GlobalMeanPool(Layer):
    """The mean of each map: (C, H, W) to a vector of C numbers."""

    way_back: ClassVar[WayBack] = "transposed"

    def output_shape(self, shape: Shape) -> Shape:
        return (maps(shape)[0],)

    def field(self, field: Field) -> Field:
        whole = field.through(field.extent, (1, 1))
        return Field(whole.size, whole.jump, (1, 1))


@dataclass(frozen=True)
class AdaptiveMeanPool(Layer):
    """The means of ``size`` x ``size`` windows that cover any map: (C, H, W) to (C, size, size), torchvision's way.

    Along an axis of n cells, window i reaches from floor(i*n/size) to ceil((i+1)*n/size): windows overlap, or repeat
    cells, where ``size`` does not divide n.
    """

    size: int

    way_back: ClassVar[WayBack] = "transposed"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need(at_least_one(self.size), f"size (={self.size}) must be at least 1")

    def output_shape(self, shape: Shape) -> Shape:
        return maps(shape)[0], self.size, self.size

    def field(self, field: Field) -> Field:
        kernel, step = (tuple(f(n / self.size) for n in field.extent) for f in (ceil, floor))
        return field.through((kernel[0], kernel[1]), (max(step[0], 1), max(step[1], 1)))

    def input_window(self, shape: Shape, window: Window) -> Window:
        (top, bottom), (left, right) = (
            (window[axis] * cells // self.size, -(-window[axis + 2] * cells // self.size))
            for axis, cells in enumerate(shape[1:])
        )
        return Window(top, left, bottom, right)


@dataclass(frozen=True)
class MaxOverTime(Layer):
    """The largest value of each map over the sentence: (C, length, 1) to a vector of C numbers (Collobert; Kim 2014).

    The maps must be one column wide: the convolution before it spans the whole word vector.
    """

    way_back: ClassVar[WayBack] = "transposed"

    def output_shape(self, shape: Shape) -> Shape:
        c, _, width = maps(shape)
        if width != 1:
            raise ShapeError(f"takes maps one column wide, got {width} columns; let the kernel span the word vectors")
        return (c,)

    def field(self, field: Field) -> Field:
        whole = field.through(field.extent, (1, 1))
        return Field(whole.size, whole.jump, (1, 1))
