"""Errors counted: shares with an interval, who is taken for whom, and what is not among the first choices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casecnn.statistics import wilson_interval


@dataclass(frozen=True)
class Share:
    """A share of errors and its 95 % interval (Wilson), all between 0 and 1."""

    errors: int
    n: int

    @property
    def share(self) -> float:
        """Errors over images."""
        return self.errors / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and upper bound."""
        return wilson_interval(self.errors, self.n)

    def as_dict(self) -> dict[str, Any]:
        """The share under stable names."""
        return {"error": self.share, "interval": list(self.interval), "errors": self.errors}


@dataclass(frozen=True, kw_only=True)
class Errors:
    """What a net gets wrong on labelled images.

    `confusion[i, j]` counts images of class i taken for class j, int64 [classes, classes + 1]; the last column is every
    output that is no class of the data. `missed[i]` counts images of class i whose class was not among the first `top`.
    """

    classes: tuple[str, ...]
    top: int
    confusion: np.ndarray
    missed: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Images of each class, int64 [classes]."""
        return self.confusion.sum(1)

    @property
    def pictures(self) -> int:
        """Images that were classified."""
        return int(self.confusion.sum())

    @property
    def top1(self) -> Share:
        """Images whose class was not the net's first choice."""
        return Share(self.pictures - int(np.trace(self.confusion)), self.pictures)

    @property
    def topk(self) -> Share:
        """Images whose class was not among the net's first `top` choices."""
        return Share(int(self.missed.sum()), self.pictures)

    def confusions(self, most: int = 10) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: (class, taken for, how often), falling; ties in the order of the classes."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        names = (*self.classes, "another class")
        rows = [(*np.unravel_index(place, wrong.shape), int(wrong.flat[place])) for place in order]
        return [(self.classes[i], names[j], count) for i, j, count in rows if count]

    def error_fields(self) -> dict[str, Any]:
        """Errors in all, by class, and the most frequent mistakes, under stable names."""
        right = np.diagonal(self.confusion)
        return {
            "top1": self.top1.as_dict(),
            f"top{self.top}": self.topk.as_dict(),
            "per_class": [
                {"class": name, "images": int(n), "top1_errors": int(n - r), f"top{self.top}_errors": int(m)}
                for name, n, r, m in zip(self.classes, self.counts, right, self.missed, strict=True)
            ],
            "confusions": [{"class": a, "taken_for": b, "images": n} for a, b, n in self.confusions()],
        }


BINS = 10
"""Bins of equal width into which probabilities are sorted for the calibration."""


@dataclass
class Calibration:
    """Whether a net is right as often as it says: images sorted by the probability of its first choice into bins.

    `counts`, `right` and `confidence` (sums of probabilities) are [BINS].
    """

    counts: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))
    right: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(BINS))

    def add(self, confidence: np.ndarray, right: np.ndarray) -> None:
        """Count a batch: the probability of each first choice, and whether it was right."""
        bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
        np.add.at(self.counts, bins, 1)
        np.add.at(self.right, bins, right)
        np.add.at(self.confidence, bins, confidence)

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between confidence and accuracy, bins weighted by their size.

        Source: Naeini et al. 2015; Guo et al. 2017, equation 3.
        """
        return float(np.abs(self.confidence - self.right).sum() / max(self.counts.sum(), 1))

    def as_dict(self) -> dict[str, Any]:
        """The calibration under stable names; bins without images are left out."""
        return {
            "expected_calibration_error": self.error,
            "reliability": [
                {
                    "from": place / BINS,
                    "to": (place + 1) / BINS,
                    "images": int(n),
                    "confidence": c / n,
                    "accuracy": r / n,
                }
                for place, (n, r, c) in enumerate(
                    zip(self.counts.tolist(), self.right.tolist(), self.confidence.tolist(), strict=True)
                )
                if n
            ],
        }

    def lines(self) -> list[str]:
        """The bins as a table: how often the net says so-and-so probable, and how often it is right then."""
        rows = [f"  {'probability':<13}{'images':>9}{'says':>9}{'is right':>10}"]
        for place, (n, right, said) in enumerate(zip(self.counts, self.right, self.confidence, strict=True)):
            if n:
                span = f"{place / BINS:.1f} to {(place + 1) / BINS:.1f}"
                rows.append(f"  {span:<13}{n:>9,}{100 * said / n:>8.1f}%{100 * right / n:>9.1f}%")
        return rows

    def line(self) -> str:
        """The calibration in a line."""
        total = max(int(self.counts.sum()), 1)
        said, right = self.confidence.sum() / total, self.right.sum() / total
        return (
            f"calibration: says {said:.1%} on average, is right {right:.1%}; expected calibration error "
            f"{100 * self.error:.1f} points"
        )


def ranks(p: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The place of each target among the outputs, 0 for the first choice: int64 [n] for p [n, outputs].

    Equal outputs are in the order of their numbers, so that a net that gives the same for all is not right for all.
    """
    own = np.take_along_axis(p, target[:, None], 1)
    before = (p == own) & (np.arange(p.shape[1]) < target[:, None])
    return ((p > own) | before).sum(1)


@dataclass
class Tally:
    """Counts errors batch by batch. `output[label]` is the net's output, of `outputs`, that means a class."""

    output: np.ndarray
    outputs: int
    top: int
    confusion: np.ndarray = field(init=False)
    missed: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        classes = len(self.output)
        self.confusion = np.zeros((classes, classes + 1), np.int64)
        self.missed = np.zeros(classes, np.int64)
        self._class_of = np.full(self.outputs, classes)
        self._class_of[self.output] = np.arange(classes)

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Count a batch: scores [n, outputs], the larger the likelier, and labels int64 [n]."""
        np.add.at(self.confusion, (labels, self._class_of[scores.argmax(1)]), 1)
        np.add.at(self.missed, labels[ranks(scores, self.output[labels]) >= self.top], 1)

    def errors(self, classes: tuple[str, ...]) -> Errors:
        """Return what was counted."""
        return Errors(classes=classes, top=self.top, confusion=self.confusion, missed=self.missed)
