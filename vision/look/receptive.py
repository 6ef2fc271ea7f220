"""Where in the input an element of a feature map looks: the exact window, padding and strides followed back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from casecnn.errors import InputError
from casecnn.layers.composite import AuxiliaryHead, Branches, Repeat, Residual, start
from casecnn.layers.convolution import Conv, Linear
from casecnn.layers.historic import RadialBasis, Subsampling, TableConv
from casecnn.layers.layer import Layer, trace_chain
from casecnn.layers.net import Net
from casecnn.layers.pooling import AdaptiveMeanPool, GlobalMeanPool, MaxOverTime, Pool
from casecnn.layers.shapes import Shape, pair


class Window(NamedTuple):
    """Rows top to bottom-1 and columns left to right-1 of the input; parts in the padding lie outside it."""

    top: int
    left: int
    bottom: int
    right: int

    def inside(self, height: int, width: int) -> Window:
        """The part of the window that is on an input of ``height`` x ``width``."""
        return Window(max(self.top, 0), max(self.left, 0), min(self.bottom, height), min(self.right, width))

    def moved_inside(self, height: int, width: int) -> Window:
        """A window of the same size that is wholly on the input, as near as can be; no larger than the input."""
        high, wide = min(self.bottom - self.top, height), min(self.right - self.left, width)
        top, left = min(max(self.top, 0), height - high), min(max(self.left, 0), width - wide)
        return Window(top, left, top + high, left + wide)


def window(net: Net, layer: str, row: int = 0, column: int = 0) -> Window:
    """The window of the net's input that the element (row, column) of the output of ``layer`` depends on.

    ``layer`` is a dotted name, ``row`` and ``column`` are 0 for a vector, which looks at everything. The height and
    width of an inner element's window are the layer's receptive field. Raises InputError for a name that the net lacks.
    """
    net.row(layer)
    return _along(net.layers, net.input, layer.split("."), Window(row, column, row + 1, column + 1))


def _along(layers: Sequence[Layer], shape: Shape, path: Sequence[str] | None, seen: Window) -> Window:
    """Follow ``seen``, a window of the output of the layer at ``path`` (None: of the last), back through a chain."""
    passed: list[tuple[Layer, Shape]] = []
    for layer in layers:
        if path and layer.name == path[0]:
            seen = _within(layer, shape, path[1:], seen) if path[1:] else _through(layer, shape, seen)
            break
        passed.append((layer, shape))
        shape = layer.output_shape(shape)
    for layer, entering in reversed(passed):
        seen = _through(layer, entering, seen)
    return seen


def _within(layer: Layer, shape: Shape, path: Sequence[str], seen: Window) -> Window:
    """Back to the input of a composite layer from one of its parts."""
    match layer:
        case Residual():
            chain = layer.body if path[0] == "body" else layer.projection(shape)
            return _along(chain, shape, path[1:], seen)
        case Branches():
            chain = next(branch for branch in layer.branches if any(part.name == path[0] for part in branch))
            return _along(chain, shape, path, seen)
        case AuxiliaryHead():
            return _along(layer.layers, shape, path, seen)
        case Repeat():
            shapes = [shape]
            for chain in layer.chains[: int(path[0]) - 1]:
                shapes.append(trace_chain(chain, shapes[-1], start(shapes[-1])).shape)
            if path[1:]:
                seen = _along(layer.chains[int(path[0]) - 1], shapes[-1], path[1:], seen)
                shapes.pop()
            for chain, entering in zip(reversed(layer.chains[: len(shapes)]), reversed(shapes), strict=True):
                seen = _along(chain, entering, None, seen)
            return seen
    raise InputError(f"layer `{layer.name}` has no part `{path[0]}`")


def _through(layer: Layer, shape: Shape, seen: Window) -> Window:
    """Back to the input of a layer from a window of its output."""
    match layer:
        case Conv() | Pool() | TableConv() | Subsampling():
            kernel = pair(layer.kernel)
            stride = (
                layer.step
                if isinstance(layer, Pool)
                else kernel
                if isinstance(layer, Subsampling)
                else pair(layer.stride)
            )
            dilation = pair(layer.dilation) if isinstance(layer, Conv) else (1, 1)
            spans = layer.spans(shape[1], shape[2])
            first = [seen[axis] * stride[axis] - spans[axis].before for axis in (0, 1)]
            last = [
                (seen[axis + 2] - 1) * stride[axis] - spans[axis].before + dilation[axis] * (kernel[axis] - 1) + 1
                for axis in (0, 1)
            ]
            return Window(first[0], first[1], last[0], last[1])
        case Linear() | GlobalMeanPool() | MaxOverTime() | RadialBasis():
            return Window(0, 0, *shape[1:]) if len(shape) == 3 else Window(0, 0, 1, 1)
        case AdaptiveMeanPool():
            (top, bottom), (left, right) = (
                (seen[axis] * cells // layer.size, -(-seen[axis + 2] * cells // layer.size))
                for axis, cells in enumerate(shape[1:])
            )
            return Window(top, left, bottom, right)
        case Residual():
            return _joined([_along(layer.body, shape, None, seen), _shortcut(layer, shape, seen)])
        case Branches():
            return _joined([_along(chain, shape, None, seen) for chain in layer.branches])
        case Repeat():
            return _within(layer, shape, (str(layer.times),), seen)
    if (
        len(shape) == 3 and len(layer.output_shape(shape)) == 1
    ):  # Flatten: an element of a vector may come from anywhere
        return Window(0, 0, *shape[1:])
    return seen


def _shortcut(layer: Residual, shape: Shape, seen: Window) -> Window:
    """Back through a shortcut: option A, without layers, takes every stride-th cell."""
    chain = layer.projection(shape)
    if chain:
        return _along(chain, shape, None, seen)
    y, x = layer.stride(shape)
    return Window(seen.top * y, seen.left * x, (seen.bottom - 1) * y + 1, (seen.right - 1) * x + 1)


def _joined(windows: Sequence[Window]) -> Window:
    top, left, bottom, right = zip(*windows, strict=True)
    return Window(min(top), min(left), max(bottom), max(right))
