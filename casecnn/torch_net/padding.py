"""Padding laid out as the windows of a convolution or pooling ask for it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from casecnn.layers.convolution import Conv
from casecnn.layers.shapes import Pair, Span


def padded(x: Tensor, rows: Span, columns: Span, value: float = 0.0) -> Tensor:
    """``x`` [N, C, H, W] with the padding and overhang that the windows ask for."""
    return F.pad(
        x, (columns.before, columns.after + columns.overhang, rows.before, rows.after + rows.overhang), value=value
    )


def padded_for(x: Tensor, layer: Conv) -> tuple[Tensor, Pair]:
    """``x`` [N, C, H, W] and the padding, the same before and after, that a convolution still has to add to it."""
    rows, columns = layer.spans(x.shape[2], x.shape[3])
    if even(rows, columns):
        return x, (rows.before, columns.before)
    return padded(x, rows, columns), (0, 0)


def even(rows: Span, columns: Span) -> bool:
    """Whether torch's own padding, the same before and after, does."""
    return rows.before == rows.after + rows.overhang and columns.before == columns.after + columns.overhang
