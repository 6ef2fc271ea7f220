"""An evaluation as a picture: whether probabilities hold, and the ROC and precision-recall curves of the labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from casecnn.console import printable
from casecnn.errors import UsageError
from casecnn.files import atomic_write
from casecnn.fonts import fit_fonts, quietly
from casecnn.text.report.evaluation import Evaluation

ENDINGS = (".png", ".svg", ".pdf")
MOST_LABELS = 8  # with a curve of their own: the most frequent ones
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")  # Okabe, Ito 2008


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raise UsageError where a picture's file has another ending than .png, .svg or .pdf."""
    if Path(path).suffix.lower() not in ENDINGS:
        raise UsageError(f"`image` (={os.fspath(path)}) must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")


def save_picture(found: Evaluation, path: str | os.PathLike[str]) -> None:
    """Draw three panels: accuracy over probability in bins with the number of answers, ROC, precision over recall.

    The same evaluation gives the same file, written whole or not at all. Raises UsageError for another ending than
    .png, .svg or .pdf, InputError where it cannot be written.
    """
    check_picture(path)
    import matplotlib
    from matplotlib.figure import Figure

    kind = Path(path).suffix.lower()[1:]
    with matplotlib.rc_context({"svg.hashsalt": "casecnn", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(13, 4.6), dpi=120, layout="constrained")
        reliability, roc, recall = figure.subplots(1, 3)
        _reliability(reliability, found)
        counts = {row.label: row.texts for row in found.rows}
        chosen = sorted(found.curves, key=lambda curve: -counts[curve.label])[:MOST_LABELS]
        for curve, colour in zip(chosen, _COLOURS, strict=False):
            name = _plain(curve.label)
            roc.plot(*curve.roc.T, color=colour, label=f"{name}: {curve.roc_auc:.3f}")
            recall.plot(*curve.precision_recall.T, color=colour, label=f"{name}: {curve.average_precision:.3f}")
        roc.plot((0, 1), (0, 1), color="0.7", linestyle="--", linewidth=1)
        _finish(roc, "ROC (area)", "fraction of other texts given the label", "fraction of its texts given it", chosen)
        _finish(recall, "precision and recall (average precision)", "recall", "precision", chosen)
        metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
        fit_fonts(figure)
        with quietly(), atomic_write(path) as stream:
            figure.savefig(stream, format=kind, metadata=metadata)


def _reliability(axes: Any, found: Evaluation) -> None:
    full = [entry for entry in found.bins if entry.answers]
    most = max(entry.answers for entry in full)
    for entry in full:
        axes.bar(entry.low, 0.25 * entry.answers / most, entry.high - entry.low, align="edge", color="0.85")
    axes.plot((0, 1), (0, 1), color="0.7", linestyle="--", linewidth=1)
    axes.plot([e.confidence for e in full], [e.accuracy for e in full], color=_COLOURS[0], marker="o")
    axes.set(title=f"calibration (error {100 * found.ece:.1f} %)", xlabel="probability", ylabel="fraction right")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _finish(axes: Any, title: str, x: str, y: str, chosen: list[Any]) -> None:
    axes.set(title=title, xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02))
    if chosen:
        axes.legend(loc="lower right" if "ROC" in title else "lower left", fontsize="small")


def _plain(label: str) -> str:
    """Return a label as a legend shows it: short, and without what matplotlib would hide."""
    shown = printable(label)
    return (shown if len(shown) <= 24 else shown[:23] + "…").lstrip("_") or "?"
