"""How good a text model is on labelled texts: accuracy, F1, confusions, and whether its probabilities hold."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from casecnn.checks import whole
from casecnn.choose import listed
from casecnn.errors import InputError
from casecnn.statistics import standard_error
from casecnn.text.model.classify import Classifier
from casecnn.text.model.predict import probabilities
from casecnn.text.report.curves import Curve, curves, mean_of

BATCH = 2048  # texts scored at once
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
TOP_K = (2, 3, 5)


class LabelRow(NamedTuple):
    """One label: ``texts`` texts have it, ``given`` were given it, ``right`` both."""

    label: str
    texts: int
    given: int
    right: int

    @property
    def precision(self) -> float:
        """Return the fraction of the texts given the label that have it; not a number where none was."""
        return self.right / self.given if self.given else math.nan

    @property
    def recall(self) -> float:
        """Return the fraction of the texts with the label that were given it; not a number where there are none."""
        return self.right / self.texts if self.texts else math.nan

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall; not a number for a label that nothing has or is given."""
        either = self.texts + self.given
        return 2 * self.right / either if either else math.nan


class Bin(NamedTuple):
    """Answers with a probability above ``low`` and at most ``high``: how many, their mean, the fraction right."""

    low: float
    high: float
    answers: int
    confidence: float
    accuracy: float


class Threshold(NamedTuple):
    """The answers with a probability of at least ``least``: how many, and the fraction of them that is right."""

    least: float
    answers: int
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's metrics on ``texts`` texts.

    ``accuracy`` is the fraction of texts with the right label; in a multi-label model with all labels right.
    ``confusion`` is int64 [labels, labels], true label by row and given label by column. In a multi-label model it is
    [labels, 2, 2]: for each label the texts that have it (row 1) or not, and were given it (column 1) or not.
    ``log_loss`` is the mean of -ln of the true label's probability; in a multi-label model the labels' losses are added
    up. ``bins`` sort the answers by the probability of the label that was given (multi-label: every label of every text
    by its probability). ``ece`` is the expected calibration error of Guo et al. 2017, equation 3: |confidence -
    accuracy| averaged over the bins by count. ``thresholds`` say what `unsure` costs and brings (see
    `casecnn.text.model.classify.Classifier`), and ``top_k`` how often the true label is among the k likeliest; neither
    is there in a multi-label model, and ``top_k`` only with more than k labels. ``curves`` are those of
    `casecnn.text.report.curves`; `measure` leaves them out.
    """

    labels: tuple[str, ...]
    multi_label: bool
    texts: int
    without_known_words: int
    accuracy: float
    log_loss: float
    rows: tuple[LabelRow, ...]
    confusion: np.ndarray
    bins: tuple[Bin, ...]
    thresholds: tuple[Threshold, ...] = ()
    top_k: Mapping[int, float] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()

    @property
    def macro_f1(self) -> float:
        """Return the mean F1 of the labels that occur or were given; 1 where none is."""
        found = [row.f1 for row in self.rows if not math.isnan(row.f1)]
        return sum(found) / len(found) if found else 1.0

    @property
    def micro_f1(self) -> float:
        """Return F1 of all labels counted together; with one label a text this is the accuracy."""
        right = sum(row.right for row in self.rows)
        either = sum(row.texts + row.given for row in self.rows)
        return 2 * right / either if either else 1.0

    @property
    def ece(self) -> float:
        """Return the expected calibration error, 0 to 1."""
        total = sum(entry.answers for entry in self.bins)
        return (
            sum(entry.answers * abs(entry.confidence - entry.accuracy) for entry in self.bins if entry.answers) / total
        )

    @property
    def standard_error(self) -> float:
        """Return the standard error of the accuracy on this number of texts."""
        return standard_error(self.accuracy, self.texts)

    @property
    def most_frequent(self) -> float:
        """Return the accuracy of always giving the most frequent label: a model has to beat it."""
        return max(row.texts for row in self.rows) / self.texts

    def as_dict(self) -> dict[str, Any]:
        """Return the metrics under stable names; what is not a number is None."""

        def number(value: float) -> float | None:
            return None if math.isnan(value) else round(value, 8)

        ranking = {
            curve.label: {"roc_auc": number(curve.roc_auc), "average_precision": number(curve.average_precision)}
            for curve in self.curves
        }
        return {
            "texts": self.texts,
            "without_known_words": self.without_known_words,
            "accuracy": number(self.accuracy),
            "standard_error": number(self.standard_error),
            "macro_f1": number(self.macro_f1),
            "micro_f1": number(self.micro_f1),
            "log_loss": number(self.log_loss),
            "ece": number(self.ece),
            "roc_auc": number(mean_of(self.curves, "roc_auc")),
            "average_precision": number(mean_of(self.curves, "average_precision")),
            "labels": {
                row.label: {
                    "texts": row.texts,
                    "given": row.given,
                    "precision": number(row.precision),
                    "recall": number(row.recall),
                    "f1": number(row.f1),
                    **ranking.get(row.label, {}),
                }
                for row in self.rows
            },
            "top_k": {str(k): number(value) for k, value in self.top_k.items()},
            "thresholds": [
                {"at_least": entry.least, "answers": entry.answers, "accuracy": number(entry.accuracy)}
                for entry in self.thresholds
            ],
            "confusion": {"labels": list(self.labels), "counts": self.confusion.tolist()},
            "calibration": [
                {
                    "above": round(entry.low, 8),
                    "up_to": round(entry.high, 8),
                    "answers": entry.answers,
                    "confidence": number(entry.confidence),
                    "accuracy": number(entry.accuracy),
                }
                for entry in self.bins
            ],
        }


def evaluate(
    classifier: Classifier, texts: Sequence[str], labels: Sequence[Any], *, bins: int = 10, source: str = "the data"
) -> Evaluation:
    """Score texts and compare with their labels: a name each, in a multi-label model a collection of names each.

    Raises InputError where there is no text, texts and labels differ in number, or a label is not one of the model's;
    ``source`` names the data in it. Raises UsageError for ``bins`` below 1.
    """
    model = classifier.model
    truth = truth_of(labels, model.labels, model.multi_label, source)
    if len(texts) != len(truth):
        raise InputError(f"{source}: there are {len(texts)} texts and {len(truth)} labels; each text needs one")
    if not len(truth):
        raise InputError(f"{source}: there is no text to evaluate on")
    logits, unknown = [], 0
    for begin in range(0, len(texts), BATCH):
        scores = classifier.predictor.read([classifier.clean(text) for text in texts[begin : begin + BATCH]])
        logits.append(scores.logits)
        unknown += int((scores.known_words == 0).sum())
    scores_of = np.concatenate(logits)
    found = measure(scores_of, truth, model.labels, bins=bins, without_known_words=unknown)
    return replace(found, curves=curves(probabilities(scores_of, model.multi_label), truth, model.labels))


def truth_of(labels: Sequence[Any], names: Sequence[str], multi_label: bool, source: str = "the data") -> np.ndarray:
    """Return labels as places among a model's: int64 [texts]; with ``multi_label`` bool [texts, labels].

    Raises InputError for labels that the model does not have.
    """
    if not multi_label and any(isinstance(entry, (tuple, list, set, frozenset)) for entry in labels):
        raise InputError(f"{source} has several labels a text; the model gives one")
    rows = [
        [str(part) for part in entry] if isinstance(entry, Collection) and not isinstance(entry, str) else [str(entry)]
        for entry in labels
    ]
    places = {name: place for place, name in enumerate(names)}
    strange = sorted({name for row in rows for name in row} - set(places))
    if strange:
        raise InputError(
            f"{source} has labels that the model does not: {listed(strange, 8)}; the model's are {listed(names, 8)} "
            "(`rename` gives a label one of the model's names, as OLD=NEW)"
        )
    if not multi_label:
        return np.array([places[row[0]] for row in rows], np.int64)
    truth = np.zeros((len(rows), len(names)), bool)
    for number, row in enumerate(rows):
        truth[number, [places[name] for name in row]] = True
    return truth


def measure(
    logits: np.ndarray, truth: np.ndarray, labels: Sequence[str], *, bins: int = 10, without_known_words: int = 0
) -> Evaluation:
    """Compare logits [texts, labels] with the truth: int [texts], or bool [texts, labels] for several labels a text.

    Counts come from scikit-learn's confusion matrices. The log-loss is computed here, from logits: scikit-learn takes
    probabilities, which round to 0 and 1. Raises UsageError for ``bins`` below 1 or above a million.
    """
    whole("bins", bins, 1, 1_000_000)
    from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix, top_k_accuracy_score

    multi_label = truth.ndim == 2
    confidences = probabilities(logits, multi_label)
    scores = np.asarray(logits, np.float64)
    if multi_label:
        given = confidences >= 0.5
        each = np.logaddexp(0, np.where(truth, -scores, scores)).sum(axis=1)
        right = (given == truth).all(axis=1)
        confusion = multilabel_confusion_matrix(truth, given)
        counts = [(matrix[1].sum(), matrix[:, 1].sum(), matrix[1, 1]) for matrix in confusion]
        sorted_into = reliability(confidences.ravel(), truth.ravel(), bins)
        thresholds: tuple[Threshold, ...] = ()
        top_k: dict[int, float] = {}
    else:
        given = confidences.argmax(axis=1)
        each = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(len(truth)), truth]
        right = given == truth
        confusion = confusion_matrix(truth, given, labels=np.arange(len(labels)))
        counts = list(zip(confusion.sum(1), confusion.sum(0), confusion.diagonal(), strict=True))
        sorted_into = reliability(confidences.max(axis=1), right, bins)
        thresholds = tuple(_threshold(least, confidences.max(axis=1), right) for least in THRESHOLDS)
        top_k = {k: float(top_k_accuracy_score(truth, scores, k=k, labels=np.arange(len(labels))))
                 for k in TOP_K if k < len(labels)}  # fmt: skip
    return Evaluation(
        tuple(labels),
        multi_label,
        len(truth),
        without_known_words,
        float(right.mean()),
        float(each.mean()),
        tuple(LabelRow(label, *map(int, row)) for label, row in zip(labels, counts, strict=True)),
        confusion,
        sorted_into,
        thresholds,
        top_k,
    )


def _threshold(least: float, confidence: np.ndarray, right: np.ndarray) -> Threshold:
    sure = confidence >= least
    return Threshold(least, int(sure.sum()), float(right[sure].mean()) if sure.any() else math.nan)


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int) -> tuple[Bin, ...]:
    """Sort answers by their confidence into bins of equal width; the first holds 0 too. See `Evaluation`."""
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, values, minlength=bins) for values in (confidence, right.astype(float)))
    means = [np.divide(total, count, out=np.full(bins, math.nan), where=count > 0) for total in sums]
    return tuple(
        Bin(number / bins, (number + 1) / bins, int(count[number]), float(means[0][number]), float(means[1][number]))
        for number in range(bins)
    )


def renamed(labels: Sequence[Any], names: Mapping[str, str]) -> list[Any]:
    """Give labels other names; those that are not in ``names`` stay. A collection of labels is renamed one by one."""
    return [
        names.get(str(entry), str(entry))
        if isinstance(entry, str) or not isinstance(entry, Collection)
        else tuple(names.get(str(part), str(part)) for part in entry)
        for entry in labels
    ]
