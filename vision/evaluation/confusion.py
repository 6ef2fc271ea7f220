"""The confusion matrix as a picture, drawn by matplotlib."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from casecnn.errors import UsageError
from casecnn.files import atomic_write
from casecnn.vision.evaluation.measure import Evaluation

NUMBERS = 25
"""Up to so many classes have their counts written into the cells, and their names at the sides."""


def draw_confusion(found: Evaluation, path: str | os.PathLike[str]) -> None:
    """Write the shares of each class's pictures by what they were taken for, as PNG or SVG by the file's ending.

    Rows are the true classes and add up to 1; the last column, where any picture is in it, is every other class that
    the net knows. Raises UsageError for another ending, InputError where the file cannot be written.
    """
    kind = check_name(path)
    from matplotlib.figure import Figure

    known = found.counts > 0
    counts = found.confusion[known]
    names = [name for name, some in zip(found.classes, known, strict=True) if some]
    columns = list(found.classes)
    if counts[:, -1].any():
        columns.append("another class")
    else:
        counts = counts[:, :-1]
    shares = counts / counts.sum(1, keepdims=True)
    side = min(max(4.0, 0.42 * len(columns)), 12.0)
    figure = Figure(figsize=(side + 2.2, side + 1.4), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set(xlabel="taken for", ylabel="is", title=f"{' + '.join(found.nets)}: top-1 error {found.top1.share:.2%}")
    if len(columns) <= NUMBERS:
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, label="share of the class's pictures")
    with atomic_write(path) as stream:
        figure.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else None)


def check_name(path: str | os.PathLike[str]) -> str:
    """The kind of picture that a file's name asks for: png or svg. Raises UsageError for another ending."""
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise UsageError(f"`confusion` (='{os.fspath(path)}') must end in .png or .svg")
    return kind
