"""Figures of matplotlib as PNG, SVG or PDF: one way to make and save them, without a window."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casecnn.errors import UsageError
from casecnn.files import atomic_write
from casecnn.fonts import fit_fonts, quietly

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg", ".pdf")
"""What a figure's file may be, told by its ending."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b70")
"""The palette of Okabe and Ito (2008), which the colour-blind tell apart; lines are drawn in this order."""

INK, GREY = "#1d1d1f", "#6b6b70"


def check_figure(option: str, path: str | os.PathLike[str]) -> str:
    """Return the kind of figure that a file's name asks for: png, svg or pdf. Raises UsageError for another ending."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"`{option}` (={os.fspath(path)}) must end in .png, .svg or .pdf")
    return ending[1:]


@contextmanager
def new_figure(width: float, height: float, **settings: Any) -> Iterator[Figure]:
    """Give a figure of `width` x `height` inches; text stays text in SVG. `settings` go to matplotlib's Figure.

    No window is opened and no state is left behind. Save it within the block (see `save_figure`).
    """
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {
        "svg.hashsalt": "casecnn", "svg.fonttype": "none", "text.parse_math": False, "font.size": 11,
        "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42,
    }  # fmt: skip
    with matplotlib.rc_context(style):
        yield Figure(figsize=(width, height), **settings)


def save_figure(figure: Figure, path: str | os.PathLike[str], option: str = "figure", dpi: int = 150) -> None:
    """Write a figure as its file's ending says, whole or not at all; the same figure gives the same file.

    Raises UsageError for another ending than .png, .svg and .pdf, InputError where it cannot be written.
    """
    kind = check_figure(option, path)
    undated: Any = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}[kind]
    fit_fonts(figure)
    with quietly(), atomic_write(path) as stream:
        figure.savefig(stream, format=kind, dpi=dpi, metadata=undated)
