"""Window arithmetic: how many windows of a kernel fit along one axis, and with which padding.

The lectures' sum is ``(W - F + 2P) / S + 1``. It is shown, not rounded away, when it does not come out whole.
Pure Python: neither torch nor numpy is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from casecnn.errors import InputError

Shape = tuple[int, ...]
"""``(C, H, W)`` of a stack of maps or ``(n,)`` of a vector; the batch axis is left out."""

Pair = tuple[int, int]
Padding = int | Pair | tuple[Pair, Pair] | Literal["same", "valid"]
"""Cells of padding: one number for all sides, ``(vertical, horizontal)``, ``((top, bottom), (left, right))``,
or TensorFlow's ``"same"`` and ``"valid"``."""

Rounding = Literal["exact", "floor", "ceil"]
"""What to do where the sum is not whole: refuse, drop the last cells, or let the last window overhang."""

ROUNDINGS = ("exact", "floor", "ceil")


class ShapeError(InputError):
    """Layers that do not fit together; the message shows the sum."""


class Window(NamedTuple):
    """Rows top to bottom-1 and columns left to right-1 of maps; parts in the padding lie outside them.

    A vector is one cell.
    """

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


def whole(shape: Shape) -> Window:
    """The window of everything: of all cells of maps, or of a vector."""
    return Window(0, 0, *shape[1:]) if len(shape) == 3 else Window(0, 0, 1, 1)


def joined(windows: Iterable[Window]) -> Window:
    """The smallest window that holds all of ``windows``."""
    top, left, bottom, right = zip(*windows, strict=True)
    return Window(min(top), min(left), max(bottom), max(right))


@dataclass(frozen=True)
class Span:
    """How a kernel's windows lie along one axis.

    ``before`` and ``after`` are the padding cells that the layer asks for; ``overhang`` are the cells past them that
    ``rounding="ceil"`` adds for the last window; ``dropped`` are the last cells (padding included) that no window sees.
    """

    windows: int
    before: int
    after: int
    overhang: int = 0
    dropped: int = 0


def pair(value: int | Pair) -> Pair:
    """``3`` means ``(3, 3)``: the same vertically and horizontally."""
    return (value, value) if isinstance(value, int) else value


def sides(padding: Padding) -> tuple[Pair, Pair]:
    """The four numbers ``((top, bottom), (left, right))`` of an explicit padding ("same" depends on the input size)."""
    if padding == "valid":
        return (0, 0), (0, 0)
    if isinstance(padding, str):
        raise ShapeError(f'padding "{padding}" has no fixed number of cells: ask `spans` with an input size')
    vertical, horizontal = (padding, padding) if isinstance(padding, int) else padding
    return pair(vertical), pair(horizontal)


def span(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: Pair | Literal["same", "valid"] = (0, 0),
    rounding: Rounding = "exact",
    dilation: int = 1,
    axis: str = "size",
) -> Span:
    """Lay windows along an axis of ``size`` cells.

    ``"valid"`` takes no padding and drops what is left over; ``"same"`` gives ``ceil(size / stride)`` windows and
    splits the padding that this needs, the odd cell going to the end (TensorFlow). With explicit padding,
    ``rounding`` says what happens to a remainder. ``"ceil"`` leaves out a last window that would start past the
    input and the padding before it (Caffe, torch).

    Raises ShapeError where the kernel is larger than the padded input, and where the sum is not whole under "exact".
    """
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        windows = -(-size // stride)
        needed = (windows - 1) * stride + reach - size
        total = max(needed, 0)
        return Span(windows, total // 2, total - total // 2, dropped=max(-needed, 0))
    if isinstance(padding, str):
        padding, rounding = (0, 0), "floor"
    before, after = padding
    room = size + before + after - reach
    if room < 0:
        sum_ = window_sum(size, reach, stride, padding)
        raise ShapeError(f"{axis} {sum_}: the kernel is larger than its input; use a smaller kernel or more padding")
    windows, rest = room // stride + 1, room % stride
    if rest == 0 or rounding == "floor":
        return Span(windows, before, after, dropped=rest)
    if rounding == "ceil":
        if windows * stride < size + before:
            return Span(windows + 1, before, after, overhang=stride - rest)
        return Span(windows, before, after, dropped=rest)
    raise ShapeError(
        f"{axis} {window_sum(size, reach, stride, padding)} is not a whole number of windows; "
        "change input, kernel, stride or padding, or round: floor drops the rest, ceil adds zeros"
    )


def spans(
    height: int, width: int, kernel: Pair, stride: Pair, padding: Padding, rounding: Rounding, dilation: Pair = (1, 1)
) -> tuple[Span, Span]:
    """`span` for both axes of a map."""
    across: tuple[Pair | Literal["same", "valid"], ...]
    across = (padding, padding) if isinstance(padding, str) else sides(padding)
    return (
        span(height, kernel[0], stride[0], across[0], rounding, dilation[0], "height"),
        span(width, kernel[1], stride[1], across[1], rounding, dilation[1], "width"),
    )


def window_sum(size: int, kernel: int, stride: int, padding: Pair) -> str:
    """The sum as the lectures write it, with its result: ``"(228-11)/4+1 = 55.25"``."""
    before, after = padding
    padded = "" if before == after == 0 else f"+2*{before}" if before == after else f"+{before}+{after}"
    return f"({size}-{kernel}{padded})/{stride}+1 = {(size - kernel + before + after) / stride + 1:.6g}"


def shape_text(shape: Shape) -> str:
    """``(96, 55, 55)`` as ``"96x55x55"``."""
    return "x".join(map(str, shape))
