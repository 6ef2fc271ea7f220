"""What every layer description is: a name, an output shape, and the counts that follow from an input shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, Literal

from casecnn.errors import InputError
from casecnn.layers.shapes import Pair, Shape, ShapeError, Window, shape_text, whole

Activation = Literal["relu", "tanh", "scaled_tanh", "sigmoid"] | None
WayBack = Literal["transposed", "rectified", "unchanged"] | None
ACTIVATIONS = (None, "relu", "tanh", "scaled_tanh", "sigmoid")


@dataclass(frozen=True)
class Field:
    """The part of the net's input that one element sees, in input cells, ``(height, width)``.

    ``size`` is the receptive field of one element (theoretical: padding counts as input), ``jump`` the distance between
    the fields of neighbouring elements, ``extent`` how many neighbours there are.
    """

    size: Pair
    jump: Pair
    extent: Pair

    def through(self, kernel: Pair, stride: Pair) -> Field:
        """The field behind a window of ``kernel`` cells that moves by ``stride``."""
        (h, w), (y, x) = self.size, self.jump
        size = (h + (kernel[0] - 1) * y, w + (kernel[1] - 1) * x)
        return Field(size, (y * stride[0], x * stride[1]), self.extent)


@dataclass(frozen=True)
class Row:
    """What one layer of a net costs, for one input (a batch of one).

    ``name`` is the dotted name; it is also the name of the torch module that `casecnn.torch_net.build` makes.
    ``weights`` and ``biases`` are trainable numbers (a BatchNorm's scale is a weight, its shift a bias). ``macs`` are
    multiply-adds of convolutions and linear layers only: no biases, pooling, normalisation, activations or sums.
    ``forward_elements`` and ``training_elements`` are the output elements that need memory of their own (see
    `casecnn.layers.net.Memory`). ``receptive_field`` is (height, width) in input cells. ``layer`` is the description;
    ``auxiliary`` is True for the parts of an AuxiliaryHead, which work in training only.
    """

    name: str
    kind: str
    input_shape: Shape
    output_shape: Shape
    weights: int
    biases: int
    macs: int
    receptive_field: Pair
    forward_elements: int
    training_elements: int
    layer: Layer = field(repr=False)
    auxiliary: bool = False

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def flops(self) -> int:
        """Floating-point operations: two for each multiply-add."""
        return 2 * self.macs


@dataclass(frozen=True)
class Trace:
    """What comes out of a layer, or of a chain of them: shape, receptive field and one row for each part."""

    shape: Shape
    field: Field
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Layer:
    """Base of the layer descriptions: frozen data, no torch. ``name`` is unique among its siblings and has no dot."""

    name: str

    own_memory: ClassVar[Literal["always", "training", "never"]] = "always"
    """When the output needs memory of its own: "never" where it can overwrite its input, "training" where it can
    do so at inference only."""

    way_back: ClassVar[WayBack] = None
    """How a deconvnet (Zeiler and Fergus 2014, section 2.1) takes values back through the layer, its activation left
    aside: by the layer's transpose, through a ReLU, or as they are. None for a layer that has no way back, and for one
    whose parts have theirs."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*", self.name):
            raise InputError(f"layer name {self.name!r} must be letters, digits, underscores and inner hyphens")

    @property
    def kind(self) -> str:
        """The name of the description's class: "Conv", "MaxPool", …."""
        return type(self).__name__

    def output_shape(self, shape: Shape) -> Shape:
        """The output's shape for an input of ``shape``; raises ShapeError where that does not fit."""
        return shape

    def weights(self, shape: Shape) -> int:
        """Trainable numbers without the biases, for an input of ``shape``."""
        return 0

    def biases(self, shape: Shape) -> int:
        """Trainable biases, for an input of ``shape``."""
        return 0

    def macs(self, shape: Shape) -> int:
        """Multiply-adds for one input of ``shape``; biases are not counted."""
        return 0

    def field(self, field: Field) -> Field:
        """The receptive field of an output element, given that of an input element."""
        return field

    def input_window(self, shape: Shape, window: Window) -> Window:
        """The window of an input of ``shape`` that ``window`` of the output depends on.

        Unless a class says otherwise: the same cells; and for a vector, which has no cells, everything.
        """
        return window if len(self.output_shape(shape)) == 3 else whole(shape)

    def part_window(self, shape: Shape, path: Sequence[str], window: Window) -> Window:
        """The window of an input of ``shape`` that ``window`` of the output of the part at ``path`` depends on.

        ``path`` is the part's dotted name within this layer, split. Raises InputError for a layer without parts.
        """
        raise InputError(f"layer `{self.name}` has no part `{path[0]}`")

    def trace(self, shape: Shape, field: Field, path: str) -> Trace:
        """Follow an input of ``shape`` through this layer, which stands at the dotted name ``path``."""
        try:
            out = self.output_shape(shape)
        except ShapeError as error:
            raise ShapeError(f"layer `{path}`: {error}") from None
        reached = self.field(field)
        if len(out) == 3:
            reached = Field(reached.size, reached.jump, (out[1], out[2]))
        elements = prod(out)
        row = Row(
            path,
            self.kind,
            shape,
            out,
            self.weights(shape),
            self.biases(shape),
            self.macs(shape),
            reached.size,
            forward_elements=elements if self.own_memory == "always" else 0,
            training_elements=elements if self.own_memory != "never" else 0,
            layer=self,
        )
        return Trace(out, reached, (row,))

    def need(self, holds: bool, rule: str) -> None:
        """Raise the error that says which layer breaks which rule, unless ``holds``."""
        if not holds:
            raise InputError(f"layer `{self.name}`: {rule}")


def trace_chain(layers: Iterable[Layer], shape: Shape, field: Field, path: str = "") -> Trace:
    """Follow an input through layers that stand one after the other under the dotted name ``path``."""
    rows: list[Row] = []
    for layer in layers:
        step = layer.trace(shape, field, f"{path}.{layer.name}" if path else layer.name)
        shape, field = step.shape, step.field
        rows.extend(step.rows)
    return Trace(shape, field, tuple(rows))


def chain_window(layers: Iterable[Layer], shape: Shape, window: Window, path: Sequence[str] = ()) -> Window:
    """The window of a chain's input that ``window`` of the output of the layer at ``path`` (or of the last) needs."""
    passed: list[tuple[Layer, Shape]] = []
    for layer in layers:
        if path and layer.name == path[0]:
            inner = path[1:]
            window = layer.part_window(shape, inner, window) if inner else layer.input_window(shape, window)
            break
        passed.append((layer, shape))
        shape = layer.output_shape(shape)
    for layer, entering in reversed(passed):
        window = layer.input_window(entering, window)
    return window


def check_names(layers: Sequence[Layer], owner: str) -> None:
    """Siblings need different names: state-dict keys and table rows are made of them."""
    seen: set[str] = set()
    for layer in layers:
        if not isinstance(layer, Layer):
            raise InputError(f"{owner}: {layer!r} is not a layer description; see casecnn.layers")
        if layer.name in seen:
            raise InputError(f"{owner}: two layers are called `{layer.name}`; names must differ")
        seen.add(layer.name)


def maps(shape: Shape) -> tuple[int, int, int]:
    """``shape`` as (C, H, W), or a ShapeError where it is a vector."""
    if len(shape) != 3:
        raise ShapeError(f"takes maps (C, H, W), got a vector of {shape_text(shape)}; put it before Flatten")
    return shape[0], shape[1], shape[2]


def vector(shape: Shape) -> int:
    """``shape`` as a vector's length, or a ShapeError where it is a stack of maps."""
    if len(shape) != 1:
        raise ShapeError(f"takes a vector, got maps of {shape_text(shape)}; put Flatten before it")
    return shape[0]


def check_activation(layer: Layer, activation: object) -> None:
    """Raise the error that names the activations there are, unless ``activation`` is one of them."""
    rule = f"activation (={activation}) must be relu, tanh, scaled_tanh or sigmoid"
    layer.need(activation in ACTIVATIONS, rule)


def at_least_one(*values: object) -> bool:
    """Whether every value, a number or a pair of them, is a whole number of at least 1."""
    parts = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
    return all(isinstance(part, int) and not isinstance(part, bool) and part >= 1 for part in parts)
