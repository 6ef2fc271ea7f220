"""Layers made of layers: Residual blocks, Branches side by side, Repeat, auxiliary heads. Names in them are dotted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from casecnn.layers.convolution import Conv
from casecnn.layers.layer import (
    Activation,
    Field,
    Layer,
    Row,
    Trace,
    at_least_one,
    chain_window,
    check_activation,
    check_names,
    trace_chain,
)
from casecnn.layers.normalisation import BatchNorm
from casecnn.layers.shapes import Pair, Shape, ShapeError, Window, joined, shape_text

SHORTCUTS = ("A", "B", "C")


@dataclass(frozen=True)
class Residual(Layer):
    """y = activation(body(x) + shortcut(x)), He 2016.

    ``shortcut`` is the paper's option: "A", x itself, subsampled by the body's stride and zero-padded with channels at
    the end where shapes change; "B", a 1x1 convolution with that stride where shapes change, x itself elsewhere; "C",
    the convolution always. With ``batch_norm`` the convolution has a BatchNorm and no bias, else a bias.
    Names: ``block.body.…``, ``block.shortcut.conv``, ``block.shortcut.norm``; ``block`` is the sum.
    """

    body: tuple[Layer, ...]
    shortcut: Literal["A", "B", "C"] = "B"
    activation: Activation = "relu"
    batch_norm: bool = True

    own_memory: ClassVar[Literal["always", "training", "never"]] = "never"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "body", tuple(self.body))
        check_names(self.body, f"layer `{self.name}`")
        self.need(len(self.body) > 0, "body must have at least one layer")
        self.need(self.shortcut in SHORTCUTS, f"shortcut (={self.shortcut}) must be A, B or C")
        check_activation(self, self.activation)

    def stride(self, shape: Shape) -> Pair:
        """How many cells of the input one step of the body's output is, (vertical, horizontal)."""
        return trace_chain(self.body, shape, start(shape)).field.jump

    def projection(self, shape: Shape) -> tuple[Layer, ...]:
        """The layers of the shortcut for an input of ``shape``; none where it is x itself or zero-padded (A)."""
        out = self.output_shape(shape)
        if self.shortcut == "A" or (self.shortcut == "B" and out == shape):
            return ()
        conv = Conv("conv", out[0], 1, self.stride(shape), bias=not self.batch_norm, rounding="floor")
        return (conv, BatchNorm("norm")) if self.batch_norm else (conv,)

    def output_shape(self, shape: Shape) -> Shape:
        out = trace_chain(self.body, shape, start(shape)).shape
        if self.shortcut != "C" and out == shape:
            return out
        if len(shape) != 3 or len(out) != 3:
            raise ShapeError(f"the shortcut takes maps, not {shape_text(shape)} to {shape_text(out)}")
        (c, h, w), (vertical, horizontal) = shape, self.stride(shape)
        fits = (out[0], -(-h // vertical), -(-w // horizontal))
        if fits != out:
            raise ShapeError(f"the body gives {shape_text(out)}, the shortcut {shape_text(fits)}; pad the body")
        if self.shortcut == "A" and out[0] < c:
            raise ShapeError(f"shortcut A can add channels, not take {c} down to {out[0]}; use B")
        return out

    def trace(self, shape: Shape, field: Field, path: str) -> Trace:
        body = trace_chain(self.body, shape, field, f"{path}.body")
        total = super().trace(shape, field, path).rows[0]
        side = trace_chain(self.projection(shape), shape, field, f"{path}.shortcut")
        reached = widest([body.field, side.field])
        return Trace(body.shape, reached, body.rows + side.rows + (replace(total, receptive_field=reached.size),))

    def input_window(self, shape: Shape, window: Window) -> Window:
        chain, (y, x) = self.projection(shape), self.stride(shape)
        if chain:
            side = chain_window(chain, shape, window)
        else:  # option A takes every stride-th cell
            side = Window(window.top * y, window.left * x, (window.bottom - 1) * y + 1, (window.right - 1) * x + 1)
        return joined([chain_window(self.body, shape, window), side])

    def part_window(self, shape: Shape, path: Sequence[str], window: Window) -> Window:
        chain = self.body if path[0] == "body" else self.projection(shape)
        return chain_window(chain, shape, window, path[1:])


@dataclass(frozen=True)
class Branches(Layer):
    """Chains of layers that all take the same input, their outputs concatenated on channels (inception, Kim's widths).

    Layers are named across all branches, so their names must differ: ``inception3a.conv3x3``. Outputs must be maps of
    one height and width, or all vectors. A branch without layers hands the input on.
    """

    branches: tuple[tuple[Layer, ...], ...]

    own_memory: ClassVar[Literal["always", "training", "never"]] = "never"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "branches", tuple(tuple(branch) for branch in self.branches))
        self.need(len(self.branches) > 0, "there must be at least one branch")
        check_names([layer for branch in self.branches for layer in branch], f"layer `{self.name}`")

    def output_shape(self, shape: Shape) -> Shape:
        shapes = [trace_chain(branch, shape, start(shape)).shape for branch in self.branches]
        if len({out[1:] for out in shapes}) > 1 or len({len(out) for out in shapes}) > 1:
            raise ShapeError(f"the branches give {', '.join(map(shape_text, shapes))}; only channels may differ")
        return (sum(out[0] for out in shapes), *shapes[0][1:])

    def trace(self, shape: Shape, field: Field, path: str) -> Trace:
        parts = [trace_chain(branch, shape, field, path) for branch in self.branches]
        total = super().trace(shape, field, path)
        reached = widest([part.field for part in parts])
        rows = tuple(row for part in parts for row in part.rows)
        return Trace(total.shape, reached, (*rows, replace(total.rows[0], receptive_field=reached.size)))

    def input_window(self, shape: Shape, window: Window) -> Window:
        return joined(chain_window(branch, shape, window) for branch in self.branches)

    def part_window(self, shape: Shape, path: Sequence[str], window: Window) -> Window:
        chain = next(branch for branch in self.branches if any(part.name == path[0] for part in branch))
        return chain_window(chain, shape, window, path)


@dataclass(frozen=True)
class Repeat(Layer):
    """The same layers ``times`` times in a row, each with its own weights: ``stage.1.conv``, ``stage.2.conv``, ….

    ``first`` stands in for the first repetition where that differs (ResNet's stages: its stride is 2).
    """

    times: int
    layers: tuple[Layer, ...]
    first: tuple[Layer, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "first", tuple(self.first))
        self.need(at_least_one(self.times), f"times (={self.times}) must be at least 1")
        self.need(len(self.layers) > 0, "there must be at least one layer to repeat")
        check_names(self.layers, f"layer `{self.name}`")
        check_names(self.first, f"layer `{self.name}`")

    @property
    def chains(self) -> tuple[tuple[Layer, ...], ...]:
        """The layers of each repetition."""
        return (self.first or self.layers, *((self.layers,) * (self.times - 1)))

    def output_shape(self, shape: Shape) -> Shape:
        return self.trace(shape, start(shape), self.name).shape

    def trace(self, shape: Shape, field: Field, path: str) -> Trace:
        rows: tuple[Row, ...] = ()
        for number, chain in enumerate(self.chains, 1):
            step = trace_chain(chain, shape, field, f"{path}.{number}")
            shape, field, rows = step.shape, step.field, rows + step.rows
        return Trace(shape, field, rows)

    def input_window(self, shape: Shape, window: Window) -> Window:
        return chain_window(self._numbered(), shape, window)

    def part_window(self, shape: Shape, path: Sequence[str], window: Window) -> Window:
        return chain_window(self._numbered(), shape, window, path)

    def _numbered(self) -> list[Branches]:
        """Each repetition as one layer that bears its number as a name."""
        return [Branches(str(number), (chain,)) for number, chain in enumerate(self.chains, 1)]


@dataclass(frozen=True)
class AuxiliaryHead(Layer):
    """A second classifier on the maps in the middle of a net (Szegedy 2015, section 5); its input goes on unchanged.

    It works in training only: the module that `casecnn.torch_net.build` makes then returns the head's output beside the
    net's, by ``name``, which must therefore be a Python name. A net's totals leave its heads out, as inference does. It
    may stand in a net only, not inside another layer.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "layers", tuple(self.layers))
        self.need(self.name.isidentifier() and self.name != "logits", 'the name must be a Python name, not "logits"')
        self.need(len(self.layers) > 0, "there must be at least one layer")
        check_names(self.layers, f"layer `{self.name}`")

    def trace(self, shape: Shape, field: Field, path: str) -> Trace:
        rows = trace_chain(self.layers, shape, field, path).rows
        return Trace(shape, field, tuple(replace(row, auxiliary=True) for row in rows))

    def part_window(self, shape: Shape, path: Sequence[str], window: Window) -> Window:
        return chain_window(self.layers, shape, window, path)


def start(shape: Shape) -> Field:
    """The receptive field before the first layer: every cell sees itself."""
    return Field((1, 1), (1, 1), (shape[1], shape[2]) if len(shape) == 3 else (1, 1))


def widest(fields: Sequence[Field]) -> Field:
    """The field of chains that run side by side: the largest of each number."""
    h, w = (max(field.size[axis] for field in fields) for axis in (0, 1))
    y, x = (max(field.jump[axis] for field in fields) for axis in (0, 1))
    return Field((h, w), (y, x), fields[0].extent)
