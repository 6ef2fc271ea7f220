"""The layers that hold weights: Conv, Linear, and the bias per position of AlphaGo's last layer."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from casecnn.layers.layer import Activation, Field, Layer, WayBack, at_least_one, check_activation, maps, vector
from casecnn.layers.shapes import ROUNDINGS, Padding, Pair, Rounding, Shape, ShapeError, Span, pair, sides, spans
from casecnn.layers.windows import Windowed


def check_windows(layer: Layer, kernel: object, stride: object, padding: Padding, rounding: str) -> None:
    """The rules that every layer with windows shares: positive kernel and stride, known padding and rounding."""
    layer.need(at_least_one(kernel, stride), f"kernel (={kernel}) and stride (={stride}) must be at least 1")
    layer.need(rounding in ROUNDINGS, f"rounding (={rounding}) must be one of {', '.join(ROUNDINGS)}")
    if isinstance(padding, str):
        layer.need(padding in ("same", "valid"), f'padding (={padding}) must be cells, "same" or "valid"')
        layer.need(rounding == "exact", f'padding "{padding}" rounds in its own way; leave rounding (={rounding}) out')
    else:
        cells = [cell for side in sides(padding) for cell in side]
        counts = all(isinstance(cell, int) and cell >= 0 for cell in cells)
        layer.need(counts, f"padding (={padding}) must be whole numbers of at least 0")


@dataclass(frozen=True)
class Conv(Windowed):
    """Convolution (as the field means it: correlation): ``channels`` filters over (C, H, W).

    ``kernel``, ``stride`` and ``dilation`` are a number or (vertical, horizontal). ``padding`` is zeros: a number, a
    pair, ((top, bottom), (left, right)), or TensorFlow's "same" (as many windows as stride steps; the odd cell goes to
    the bottom right) and "valid" (none; a remainder is dropped). With a number of cells, a remainder is an error unless
    ``rounding`` is "floor" (drop it, as torch does) or "ceil" (add zeros for one more window).
    ``groups`` splits the channels as AlexNet's two GPUs did. ``activation`` is applied last: "relu", "tanh", "sigmoid".
    """

    channels: int
    kernel: int | Pair
    stride: int | Pair = 1
    padding: Padding = 0
    groups: int = 1
    bias: bool = True
    activation: Activation = None
    rounding: Rounding = "exact"
    dilation: int | Pair = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_windows(self, self.kernel, self.stride, self.padding, self.rounding)
        self.need(at_least_one(self.channels), f"channels (={self.channels}) must be at least 1")
        self.need(at_least_one(self.dilation), f"dilation (={self.dilation}) must be at least 1")
        self.need(at_least_one(self.groups), f"groups (={self.groups}) must be at least 1")
        self.need(self.channels % self.groups == 0, f"groups (={self.groups}) must divide channels (={self.channels})")
        check_activation(self, self.activation)

    def spans(self, height: int, width: int) -> tuple[Span, Span]:
        dilation = pair(self.dilation)
        return spans(height, width, pair(self.kernel), pair(self.stride), self.padding, self.rounding, dilation)

    def output_shape(self, shape: Shape) -> Shape:
        c, h, w = maps(shape)
        if c % self.groups:
            raise ShapeError(f"groups (={self.groups}) must divide the input's channels (={c})")
        rows, columns = self.spans(h, w)
        return self.channels, rows.windows, columns.windows

    def weights(self, shape: Shape) -> int:
        return self.channels * shape[0] // self.groups * prod(pair(self.kernel))

    def biases(self, shape: Shape) -> int:
        return self.channels if self.bias else 0

    def macs(self, shape: Shape) -> int:
        return self.weights(shape) * prod(self.output_shape(shape)[1:])

    @property
    def geometry(self) -> tuple[Pair, Pair]:
        kernel, dilation = pair(self.kernel), pair(self.dilation)
        reach = (dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1)
        return reach, pair(self.stride)


@dataclass(frozen=True)
class Linear(Layer):
    """Fully connected layer: a vector of n numbers to ``units`` numbers. Maps have to be flattened before."""

    units: int
    bias: bool = True
    activation: Activation = None

    way_back: ClassVar[WayBack] = "transposed"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need(at_least_one(self.units), f"units (={self.units}) must be at least 1")
        check_activation(self, self.activation)

    def output_shape(self, shape: Shape) -> Shape:
        vector(shape)
        return (self.units,)

    def weights(self, shape: Shape) -> int:
        return self.units * shape[0]

    def biases(self, shape: Shape) -> int:
        return self.units if self.bias else 0

    def macs(self, shape: Shape) -> int:
        return self.weights(shape)

    def field(self, field: Field) -> Field:
        whole = field.through(field.extent, (1, 1))  # every unit sees every position
        return Field(whole.size, whole.jump, (1, 1))


@dataclass(frozen=True)
class PositionBias(Layer):
    """A bias for each position of each map, (C, H, W) of them: AlphaGo's policy net has one per board point."""

    own_memory: ClassVar[Literal["always", "training", "never"]] = "never"
    way_back: ClassVar[WayBack] = "transposed"

    def output_shape(self, shape: Shape) -> Shape:
        return maps(shape)

    def biases(self, shape: Shape) -> int:
        return prod(shape)
