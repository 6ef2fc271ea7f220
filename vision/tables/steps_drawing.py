"""A convolution or a pooling worked out, as a drawing: input with its padding, filter, output, and the gradients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from casecnn.layers.shapes import pair
from casecnn.vision.figure import COLOURS, GREY, INK, check_figure, new_figure, save_figure
from casecnn.vision.tables.steps import Worked, number
from casecnn.vision.tables.words import step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = 0.42  # inches


def draw_steps(found: Worked, path: str | os.PathLike[str]) -> None:
    """Draw the first channel of everything; .png, .svg or .pdf.

    Cells of padding are hatched, cells that no window sees are grey. The first and the last window are outlined, as are
    the elements of the output that they give. The second row holds the gradients.
    """
    check_figure("image", path)
    padded = found.padded[0]
    upper = [("input x", padded), *([("filter W", found.weight[0, 0])] if found.weight is not None else [])]
    upper.append(("output y", found.y[0]))
    lower = [("dL/dy", found.dy[0]), *([("dL/dW", found.dw[0, 0])] if found.dw is not None else [])]
    lower.append(("dL/dx", found.dx[0]))
    wide = max(sum(array.shape[1] for _, array in row) + 2.2 * len(row) for row in (upper, lower)) * CELL
    high = (max(a.shape[0] for _, a in upper) + max(a.shape[0] for _, a in lower) + 6.4) * CELL
    with new_figure(max(wide, 5.2), high, facecolor="white") as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        width, height = max(wide, 5.2) / CELL, high / CELL
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        axes.text(0.8, 0.9, found.title, fontsize=12, color=INK, weight="bold", va="center")
        top = 2.6
        for place, row in enumerate((upper, lower)):
            left = 0.8
            for name, array in row:
                _grid(axes, left, top, array, name)
                if name == "input x":
                    _mark_input(axes, left, top, found)
                if name == "output y":
                    for (r, c), colour in _ends(found):
                        _outline(axes, left + c, top + r, 1, 1, colour)
                left += array.shape[1] + 2.2
            top += max(array.shape[0] for _, array in row) + 2.4
            if place == 0:
                note = "hatched: padding; grey: no window sees it; outlined: the first and the last window"
                axes.text(0.8, top - 1.75, note, fontsize=8, color=GREY, va="center")
        save_figure(figure, path, "image")


def _ends(found: Worked) -> list[tuple[tuple[int, int], str]]:
    last = found.rows.windows - 1, found.columns.windows - 1
    return [((0, 0), COLOURS[1]), *([(last, COLOURS[0])] if last != (0, 0) else [])]


def _mark_input(axes: Axes, left: float, top: float, found: Worked) -> None:
    """Hatch the padding, grey what no window sees, outline the first and the last window."""
    from matplotlib.patches import Rectangle

    padded = found.padded[0]
    seen = np.zeros(padded.shape, bool)
    for _, _, down, across in found.windows():
        seen[down, across] = True
    rows, columns = found.rows, found.columns
    high, wide = found.x.shape[1:]
    for r, c in np.ndindex(padded.shape):
        inside = rows.before <= r < rows.before + high and columns.before <= c < columns.before + wide
        if not inside:
            axes.add_patch(Rectangle((left + c, top + r), 1, 1, fill=False, hatch="////", edgecolor="#bbbbbb", lw=0))
        if not seen[r, c]:
            axes.add_patch(Rectangle((left + c, top + r), 1, 1, facecolor="#d9d9d9", alpha=0.8, lw=0))
    kernel, stride = pair(found.layer.kernel), step(found.layer)
    for (r, c), colour in _ends(found):
        _outline(axes, left + c * stride[1], top + r * stride[0], kernel[1], kernel[0], colour)


def _outline(axes: Axes, x: float, y: float, wide: float, high: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), wide, high, fill=False, edgecolor=colour, lw=2.4, zorder=4))


def _grid(axes: Axes, left: float, top: float, array: np.ndarray, name: str) -> None:
    """Draw a map as a grid of numbers under its name."""
    from matplotlib.patches import Rectangle

    axes.text(left, top - 0.45, name, fontsize=11, color=INK, weight="bold", va="center")
    for r, c in np.ndindex(array.shape):
        axes.add_patch(Rectangle((left + c, top + r), 1, 1, facecolor="white", edgecolor="#999999", lw=0.7, zorder=0))
        shown = "" if array[r, c] == -np.inf else number(array[r, c])
        axes.text(left + c + 0.5, top + r + 0.52, shown, ha="center", va="center", fontsize=10 if len(shown) < 4 else 8)
