"""The layers that LeNet-5 had in 1998 and hardly any net after it.

They are a table of connections, trainable sub-sampling, and radial basis functions for output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from casecnn.layers.convolution import check_windows
from casecnn.layers.layer import Activation, Field, Layer, at_least_one, check_activation, maps, vector
from casecnn.layers.shapes import ROUNDINGS, Padding, Pair, Rounding, Shape, ShapeError, Span, pair, spans
from casecnn.layers.windows import Windowed


@dataclass(frozen=True)
class TableConv(Windowed):
    """Convolution in which each output map sees only the input maps that a table names (LeCun 1998, table I).

    ``table`` has, for each output map, the input maps that it sees, counted from 0 and rising. There is one kernel for
    each connection: the weight is [connections, height, width], in the table's order. ``kernel``, ``stride``,
    ``padding`` and ``rounding`` are as in Conv; every output map has a bias.
    """

    table: Sequence[Sequence[int]]
    kernel: int | Pair
    stride: int | Pair = 1
    padding: Padding = 0
    activation: Activation = None
    rounding: Rounding = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "table", tuple(tuple(inputs) for inputs in self.table))
        check_windows(self, self.kernel, self.stride, self.padding, self.rounding)
        self.need(len(self.table) > 0, "table must have at least one output map")
        for output, inputs in enumerate(self.table):
            rising = all(isinstance(c, int) for c in inputs) and list(inputs) == sorted(set(inputs))
            self.need(
                rising and len(inputs) > 0 and inputs[0] >= 0,
                f"table: output map {output} sees {tuple(inputs)}; name at least one input map, from 0, rising",
            )
        check_activation(self, self.activation)

    @property
    def connections(self) -> tuple[Pair, ...]:
        """(output map, input map) of each kernel."""
        return tuple((output, c) for output, inputs in enumerate(self.table) for c in inputs)

    def spans(self, height: int, width: int) -> tuple[Span, Span]:
        return spans(height, width, pair(self.kernel), pair(self.stride), self.padding, self.rounding)

    def output_shape(self, shape: Shape) -> Shape:
        c, h, w = maps(shape)
        last = max(inputs[-1] for inputs in self.table)
        if last >= c:
            raise ShapeError(f"the table names input map {last}, the last of the {c} there are is {c - 1}")
        rows, columns = self.spans(h, w)
        return len(self.table), rows.windows, columns.windows

    def weights(self, shape: Shape) -> int:
        return len(self.connections) * prod(pair(self.kernel))

    def biases(self, shape: Shape) -> int:
        return len(self.table)

    def macs(self, shape: Shape) -> int:
        return self.weights(shape) * prod(self.output_shape(shape)[1:])

    @property
    def geometry(self) -> tuple[Pair, Pair]:
        return pair(self.kernel), pair(self.stride)


@dataclass(frozen=True)
class Subsampling(Windowed):
    """The sum of each window, times a trainable coefficient of its map, plus a trainable bias (LeCun 1998, II.B).

    Windows of ``kernel`` cells do not overlap. No multiply-adds are counted, as for every pool.
    """

    kernel: int | Pair
    activation: Activation = None
    rounding: Rounding = "exact"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need(at_least_one(self.kernel), f"kernel (={self.kernel}) must be at least 1")
        known = self.rounding in ROUNDINGS[:2]
        self.need(known, f"rounding (={self.rounding}) must be exact or floor")
        check_activation(self, self.activation)

    def spans(self, height: int, width: int) -> tuple[Span, Span]:
        return spans(height, width, pair(self.kernel), pair(self.kernel), 0, self.rounding)

    def output_shape(self, shape: Shape) -> Shape:
        c, h, w = maps(shape)
        rows, columns = self.spans(h, w)
        return c, rows.windows, columns.windows

    def weights(self, shape: Shape) -> int:
        return shape[0]

    def biases(self, shape: Shape) -> int:
        return shape[0]

    @property
    def geometry(self) -> tuple[Pair, Pair]:
        return pair(self.kernel), pair(self.kernel)


@dataclass(frozen=True)
class RadialBasis(Layer):
    """Minus the squared distance of the input vector from each of the ``centres``, which are fixed: no parameters.

    LeCun 1998, equation 7, calls the squared distance a penalty; its negative is a logit: with the softmax after it,
    cross-entropy is the paper's equation 9 without the constant j. Multiply-adds are counted as for a Linear.
    """

    centres: Sequence[Sequence[float]] = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "centres", tuple(tuple(centre) for centre in self.centres))
        lengths = {len(centre) for centre in self.centres}
        self.need(len(lengths) == 1 and lengths != {0}, "centres must be at least one vector, all of one length")

    def output_shape(self, shape: Shape) -> Shape:
        if vector(shape) != len(self.centres[0]):
            raise ShapeError(f"the centres have {len(self.centres[0])} numbers, the input has {shape[0]}")
        return (len(self.centres),)

    def macs(self, shape: Shape) -> int:
        return len(self.centres) * shape[0]

    def field(self, field: Field) -> Field:
        whole = field.through(field.extent, (1, 1))
        return Field(whole.size, whole.jump, (1, 1))
