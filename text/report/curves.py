"""How well the probability of a label tells its texts from the others: ROC and precision-recall curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MOST_POINTS = 500  # of a curve that is kept


class Curve(NamedTuple):
    """A label against the rest, over all thresholds of its probability.

    ``roc`` is [points, 2]: the fraction of the other texts, and of the label's own, that are given the label;
    ``precision_recall`` is [points, 2]: recall and precision. ``roc_auc`` is the area under the first, the chance that
    a text of the label gets a higher probability than another; ``average_precision`` is that under the second.
    """

    label: str
    roc_auc: float
    average_precision: float
    roc: np.ndarray
    precision_recall: np.ndarray


def curves(scores: np.ndarray, truth: np.ndarray, labels: Sequence[str]) -> tuple[Curve, ...]:
    """Return a curve for each label that some texts have and others do not.

    ``scores`` are [texts, labels], the higher the likelier; ``truth`` int [texts], or bool [texts, labels] for several
    labels a text. The areas are scikit-learn's, of all points; of the curves `MOST_POINTS` are kept.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    found = []
    for place, label in enumerate(labels):
        has = truth[:, place] if truth.ndim == 2 else truth == place
        if not has.any() or has.all():
            continue
        own = scores[:, place]
        false, true, _ = roc_curve(has, own)
        precision, recall, _ = precision_recall_curve(has, own)
        found.append(
            Curve(
                label,
                float(roc_auc_score(has, own)),
                float(average_precision_score(has, own)),
                _thinned(np.stack([false, true], 1)),
                _thinned(np.stack([recall, precision], 1)),
            )
        )
    return tuple(found)


def mean_of(found: Sequence[Curve], figure: str) -> float:
    """Return the mean over the labels of "roc_auc" or "average_precision"; not a number where there is no curve."""
    return sum(getattr(curve, figure) for curve in found) / len(found) if found else math.nan


def _thinned(points: np.ndarray) -> np.ndarray:
    if len(points) <= MOST_POINTS:
        return points
    return points[np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(int)]
