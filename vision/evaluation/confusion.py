"""The confusion matrix as a figure; of many classes in blocks, with the worst pairs listed beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from casecnn.console import printable
from casecnn.vision.evaluation.errors import Errors
from casecnn.vision.figure import GREY, INK, check_figure, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUMBERS = 25
"""Up to this many classes have their counts written into the cells, and their names at the sides."""

BLOCKS = 40
"""More classes than `SINGLE` are drawn in about this many blocks of neighbours."""

SINGLE = 60
PAIRS = 24
"""Pairs that are listed beside blocks."""


def draw_confusion(found: Errors, path: str | os.PathLike[str], title: str = "") -> None:
    """Write the fractions of each class's images by what they were taken for, as PNG, SVG or PDF.

    Rows are the true classes and add up to 1; the last column, where any image is in it, is every other class that the
    net knows. More than 60 classes are drawn as blocks of neighbours with the worst pairs beside them. Raises
    UsageError for another ending, InputError where the file cannot be written.
    """
    check_figure("confusion", path)
    known = found.counts > 0
    counts = found.confusion[known]
    names = [printable(name) for name, some in zip(found.classes, known, strict=True) if some]
    columns = [printable(name) for name in found.classes]
    if counts[:, -1].any():
        columns.append("another class")
    else:
        counts = counts[:, :-1]
    blocks = len(columns) > SINGLE
    side = 8.0 if blocks else min(max(4.0, 0.42 * len(columns)), 12.0)
    with new_figure(side + (6.6 if blocks else 2.2), side + 1.4, layout="constrained") as figure:
        figure.suptitle(title or f"top-1 error {found.top1.share:.2%}")
        if blocks:
            left, right = figure.subplots(1, 2, width_ratios=(1.0, 0.62))
            image = _blocks(left, counts)
            _pairs(right, found)
        else:
            left = figure.add_subplot()
            image = _cells(left, counts, names, columns)
        left.set(xlabel="taken for", ylabel="is")
        figure.colorbar(image, ax=left, label="fraction of the true class's images")
        save_figure(figure, path, "confusion")


def _cells(axes: Axes, counts: np.ndarray, names: list[str], columns: list[str]):
    """Draw every class as a row, with its counts where there are few classes."""
    fractions = counts / counts.sum(1, keepdims=True)
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if len(columns) <= NUMBERS:
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        for row, column in np.argwhere(counts):
            colour = "white" if fractions[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=colour, fontsize=8)
    return image


def _blocks(axes: Axes, counts: np.ndarray):
    """Draw blocks of neighbouring classes; right answers are left out, so that mistakes can be seen."""
    size = -(-counts.shape[0] // BLOCKS)
    wrong = counts.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    rows = np.arange(0, counts.shape[0], size)
    columns = np.arange(0, counts.shape[1], size)
    blocks = np.add.reduceat(np.add.reduceat(wrong, rows, 0), columns, 1)
    fractions = blocks / np.add.reduceat(counts.sum(1), rows)[:, None]
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=max(fractions.max(), 1e-9), aspect="auto")
    every = max(1, len(columns) // 8)
    axes.set_xticks(range(0, len(columns), every), [f"{c + 1:,}" for c in columns[::every]])
    axes.set_yticks(range(0, len(rows), every), [f"{r + 1:,}" for r in rows[::every]])
    axes.set_title(f"mistakes in blocks of {size} classes; right answers left out", fontsize=10, color=GREY)
    return image


def _pairs(axes: Axes, found: Errors) -> None:
    """List the most frequent mistakes."""
    axes.axis("off")
    axes.set_title("most often mistaken", fontsize=11, loc="left")
    rows = found.confusions(PAIRS)
    for place, (name, taken, count) in enumerate(rows or [("no mistakes", "", 0)]):
        text = f"{count:>4,}  {_short(name)}  for  {_short(taken)}" if count else name
        axes.text(0, 0.985 - place / PAIRS, text, fontsize=9, color=INK, va="top", transform=axes.transAxes)


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= 22 else f"{name[:21]}…"
