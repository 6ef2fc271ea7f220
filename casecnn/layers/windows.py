"""Layers that slide a window over maps, and which part of the input a part of their output depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from casecnn.layers.layer import Field, Layer, WayBack
from casecnn.layers.shapes import Pair, Shape, Span, Window


@dataclass(frozen=True)
class Windowed(Layer):
    """Base of the layers with windows: `spans` and `geometry` of a class say all that follows."""

    way_back: ClassVar[WayBack] = "transposed"

    def spans(self, height: int, width: int) -> tuple[Span, Span]:
        """How the windows lie on a map of ``height`` x ``width``."""
        raise NotImplementedError

    @property
    def geometry(self) -> tuple[Pair, Pair]:
        """Cells that a window reaches over, dilation included, and cells it moves by; each (vertical, horizontal)."""
        raise NotImplementedError

    def field(self, field: Field) -> Field:
        return field.through(*self.geometry)

    def input_window(self, shape: Shape, window: Window) -> Window:
        reach, step = self.geometry
        before = [span.before for span in self.spans(shape[1], shape[2])]
        first = [window[axis] * step[axis] - before[axis] for axis in (0, 1)]
        last = [(window[axis + 2] - 1) * step[axis] - before[axis] + reach[axis] for axis in (0, 1)]
        return Window(first[0], first[1], last[0], last[1])
