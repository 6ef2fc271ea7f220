"""A net as data: a name, an input shape and layers; its shapes, counts and memory follow without torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

from casecnn.errors import InputError
from casecnn.layers.composite import AuxiliaryHead, start
from casecnn.layers.layer import Layer, Row, at_least_one, check_names, trace_chain
from casecnn.layers.shapes import Pair, Shape, ShapeError, shape_text


@dataclass(frozen=True)
class Memory:
    """Activation memory for one input (a batch of one); parameters are not in it.

    ``forward`` keeps the input and every layer's output, except where a layer can overwrite its input: activations,
    Softmax, Flatten, PositionBias, sums and concatenations never count, Dropout and BatchNorm do not at inference.
    ``training`` also holds the outputs of Dropout, BatchNorm and auxiliary heads, and for every output kept a gradient
    of the same size (not for the input). It is an upper bound for a framework that frees what it no longer needs; masks
    and arg-max indices are left out.
    """

    forward_elements: int
    training_elements: int
    bytes_per_element: int = 4

    @property
    def forward_bytes(self) -> int:
        """Activation memory at inference, in bytes."""
        return self.forward_elements * self.bytes_per_element

    @property
    def training_bytes(self) -> int:
        """Activation memory in training, in bytes."""
        return self.training_elements * self.bytes_per_element


@dataclass(frozen=True)
class Net:
    """A net declared in the notation of the papers' tables.

    ``input`` is (C, H, W) or (n,), without the batch axis. ``rows`` has one row for each layer in the order of the
    forward pass, with dotted names inside composite layers. Totals are those of the net that predicts: auxiliary heads,
    which work in training only, have rows, but are not in ``weights``, ``biases``, ``parameters`` and ``macs``.

    Raises InputError (a ShapeError that shows the sum, where layers do not fit) when it is declared, not later.
    """

    name: str
    input: Shape
    layers: tuple[Layer, ...]
    rows: tuple[Row, ...] = field(init=False, repr=False, compare=False)
    output_shape: Shape = field(init=False, repr=False, compare=False)
    receptive_field: Pair = field(init=False, repr=False, compare=False)
    """Of one output element, (height, width) in input cells; padding counts, so it may be larger than the input."""

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "input", tuple(self.input))
        put(self, "layers", tuple(self.layers))
        if len(self.input) not in (1, 3) or not at_least_one(self.input):
            raise InputError(f"net `{self.name}`: input (={self.input}) must be (channels, height, width) or (units,)")
        if not self.layers:
            raise InputError(f"net `{self.name}`: there must be at least one layer")
        check_names(self.layers, f"net `{self.name}`")
        try:
            trace = trace_chain(self.layers, self.input, start(self.input))
        except ShapeError as error:
            raise ShapeError(f"net `{self.name}`, {error}") from None
        heads = {layer.name for layer in self.layers if isinstance(layer, AuxiliaryHead)}
        for row in trace.rows:
            if row.auxiliary and row.name.split(".")[0] not in heads:
                raise InputError(f"net `{self.name}`: auxiliary head of `{row.name}` must stand in the net itself")
        put(self, "rows", trace.rows)
        put(self, "output_shape", trace.shape)
        put(self, "receptive_field", trace.field.size)

    @property
    def weights(self) -> int:
        """Parameters without the biases (a BatchNorm's scale is a weight, its shift a bias)."""
        return sum(row.weights for row in self.rows if not row.auxiliary)

    @property
    def biases(self) -> int:
        """Biases, a BatchNorm's shifts among them."""
        return sum(row.biases for row in self.rows if not row.auxiliary)

    @property
    def parameters(self) -> int:
        """Trainable numbers: weights and biases; running averages are not counted."""
        return self.weights + self.biases

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions and linear layers for one input: no biases, pooling or normalisation."""
        return sum(row.macs for row in self.rows if not row.auxiliary)

    @property
    def auxiliary_parameters(self) -> int:
        """Weights and biases of the auxiliary heads, which only training needs."""
        return sum(row.parameters for row in self.rows if row.auxiliary)

    @property
    def auxiliary_macs(self) -> int:
        """Multiply-adds of the auxiliary heads for one input."""
        return sum(row.macs for row in self.rows if row.auxiliary)

    def without_heads(self) -> Net:
        """The net that predicts: this one without its auxiliary heads."""
        layers = tuple(layer for layer in self.layers if not isinstance(layer, AuxiliaryHead))
        return self if len(layers) == len(self.layers) else replace(self, layers=layers)

    @property
    def flops(self) -> int:
        """Floating-point operations for one input: two for each multiply-add (papers often print MACs as FLOPs)."""
        return 2 * self.macs

    def memory(self, bytes_per_element: int = 4) -> Memory:
        """Activation memory for one input; 4 bytes an element is float32, 2 are bfloat16."""
        size = prod(self.input)
        forward = size + sum(row.forward_elements for row in self.rows if not row.auxiliary)
        training = size + 2 * sum(row.training_elements for row in self.rows)
        return Memory(forward, training, bytes_per_element)

    def row(self, name: str) -> Row:
        """The row with the dotted name ``name``; raises InputError where there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        names = ", ".join(row.name for row in self.rows)
        raise InputError(f"net `{self.name}` has no layer `{name}`; its layers are {names}")

    def __str__(self) -> str:
        return (
            f"{self.name}: {shape_text(self.input)} to {shape_text(self.output_shape)}, "
            f"{self.parameters:,} parameters, {self.macs:,} MACs"
        )
