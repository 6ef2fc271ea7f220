"""The reliability diagram (Guo et al. 2017, figure 1): how often a net is right where it says so-and-so probable."""

from __future__ import annotations

import os

import numpy as np

from casecnn.vision.evaluation.errors import BINS, Calibration
from casecnn.vision.figure import COLOURS, GREY, check_figure, new_figure, save_figure


def draw_reliability(found: Calibration, path: str | os.PathLike[str], title: str = "") -> None:
    """Write the accuracy of each bin of probabilities beside what the net said, and below how many images fell there.

    The diagonal is a net that is right as often as it says. Raises UsageError for another ending than .png, .svg and
    .pdf, InputError where the file cannot be written.
    """
    check_figure("calibration", path)
    some = found.counts > 0
    centres = (np.arange(BINS) + 0.5) / BINS
    counts = found.counts[some]
    accuracy, said = found.right[some] / counts, found.confidence[some] / counts
    with new_figure(6.0, 7.0, layout="constrained") as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", label="right as often as it says")
        upper.bar(centres[some], accuracy, 0.92 / BINS, color=COLOURS[0], alpha=0.85, label="is right")
        upper.plot(centres[some], said, "o", color=COLOURS[1], ms=5, clip_on=False, label="says, on average")
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="fraction that is right")
        upper.legend(loc="upper left", frameon=False)
        upper.set_title(title or f"expected calibration error {100 * found.error:.1f} points", fontsize=12)
        lower.bar(centres, found.counts, 0.92 / BINS, color=GREY)
        lower.set_yscale("log")
        lower.yaxis.set_major_formatter("{x:,.0f}")
        lower.set(xlabel="probability of the first choice", ylabel="images")
        save_figure(figure, path, "calibration")
