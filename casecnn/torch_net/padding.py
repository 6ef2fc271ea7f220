"""Padding laid out as the windows of a convolution or pooling ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor
from torch.nn import functional as F

from casecnn.layers.shapes import Pair, Span


class Windowed(Protocol):
    """A layer whose windows lie on maps."""

    def spans(self, height: int, width: int) -> tuple[Span, Span]:
        """How the windows lie on a map of ``height`` x ``width``."""
        ...


def padded(x: Tensor, rows: Span, columns: Span, value: float = 0.0) -> Tensor:
    """``x`` [N, C, H, W] with the padding and overhang that the windows ask for."""
    return F.pad(
        x, (columns.before, columns.after + columns.overhang, rows.before, rows.after + rows.overhang), value=value
    )


class Windows:
    """How a layer's windows lie on the maps that came last, since maps of one size mostly follow each other."""

    def __init__(self, layer: Windowed) -> None:
        self.layer = layer
        self._last: tuple[Sequence[int], tuple[Span, Span, Pair | None] | None] = ((), None)

    def of(self, x: Tensor) -> tuple[Span, Span, Pair | None]:
        """The windows over x [N, C, H, W], and torch's padding, the same before and after, where it does."""
        size, (before, found) = x.shape[2:], self._last
        if found is None or size != before:
            rows, columns = self.layer.spans(size[0], size[1])
            found = rows, columns, (rows.before, columns.before) if even(rows, columns) else None
            self._last = size, found
        return found

    def padded(self, x: Tensor) -> tuple[Tensor, Pair]:
        """``x`` and the padding, the same before and after, that a convolution still has to add to it."""
        rows, columns, padding = self.of(x)
        return (padded(x, rows, columns), (0, 0)) if padding is None else (x, padding)


def even(rows: Span, columns: Span) -> bool:
    """Whether torch's own padding, the same before and after, does."""
    return rows.before == rows.after + rows.overhang and columns.before == columns.after + columns.overhang
