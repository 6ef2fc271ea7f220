"""How good a text model is on labelled texts: accuracy, F1, confusions, and whether its probabilities hold."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.text.model.classify import Classifier
from casecnn.text.model.predict import probabilities

BATCH = 2048  # texts scored at once


class LabelRow(NamedTuple):
    """One label: of `texts` texts that have it `right` were given it, of `given` texts that were given it."""

    label: str
    texts: int
    given: int
    right: int

    @property
    def precision(self) -> float:
        """The share of texts given the label that have it; not a number where none was."""
        return self.right / self.given if self.given else math.nan

    @property
    def recall(self) -> float:
        """The share of texts with the label that were given it; not a number where there are none."""
        return self.right / self.texts if self.texts else math.nan

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; not a number for a label that neither occurs nor is given."""
        either = self.texts + self.given
        return 2 * self.right / either if either else math.nan


class Bin(NamedTuple):
    """Answers with a probability above `low` and at most `high`: how many, their mean probability, the share right."""

    low: float
    high: float
    answers: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's figures on `texts` texts.

    `accuracy` is the share of texts with the right label; in a multi-label model with all labels right. `confusion` is
    int64 [labels, labels], true label by row and given label by column; [labels, 2, 2] in a multi-label model: for each
    label the texts that have it (row 1) or not, and were given it (column 1) or not. `log_loss` is the mean of -ln of
    the true label's probability, in a multi-label model of all its labels' together. `bins` sort the answers by the
    probability of the label that was given (multi-label: every label of every text by its probability). `ece` is the
    expected calibration error of Guo et al. 2017, equation 3: |confidence - accuracy| averaged over the bins by count.
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

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the labels that occur or were given; 1 where there are none (several labels a text, none)."""
        found = [row.f1 for row in self.rows if not math.isnan(row.f1)]
        return sum(found) / len(found) if found else 1.0

    @property
    def micro_f1(self) -> float:
        """F1 of all labels counted together; with one label a text this is the accuracy."""
        right = sum(row.right for row in self.rows)
        either = sum(row.texts + row.given for row in self.rows)
        return 2 * right / either if either else 1.0

    @property
    def ece(self) -> float:
        """The expected calibration error, 0 to 1."""
        total = sum(entry.answers for entry in self.bins)
        return (
            sum(entry.answers * abs(entry.confidence - entry.accuracy) for entry in self.bins if entry.answers) / total
        )

    @property
    def standard_error(self) -> float:
        """Of the accuracy, as chance would have it with so many texts."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.texts)

    @property
    def most_frequent(self) -> float:
        """The accuracy of always giving the most frequent label: what a model has to beat."""
        return max(row.texts for row in self.rows) / self.texts

    def as_dict(self) -> dict[str, Any]:
        """The figures under stable names; what is not a number is None."""

        def number(value: float) -> float | None:
            return None if math.isnan(value) else round(value, 8)

        return {
            "texts": self.texts,
            "without_known_words": self.without_known_words,
            "accuracy": number(self.accuracy),
            "standard_error": number(self.standard_error),
            "macro_f1": number(self.macro_f1),
            "micro_f1": number(self.micro_f1),
            "log_loss": number(self.log_loss),
            "ece": number(self.ece),
            "labels": {
                row.label: {
                    "texts": row.texts,
                    "given": row.given,
                    "precision": number(row.precision),
                    "recall": number(row.recall),
                    "f1": number(row.f1),
                }
                for row in self.rows
            },
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
    """Scores texts and compares with their labels: a name each, in a multi-label model a collection of names each.

    Raises InputError where there is no text, their numbers differ, or a label is not one of the model's; `source` names
    the data in it. UsageError for `bins` below 1.
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
    return measure(np.concatenate(logits), truth, model.labels, bins=bins, without_known_words=unknown)


def truth_of(labels: Sequence[Any], names: Sequence[str], multi_label: bool, source: str = "the data") -> np.ndarray:
    """Labels as places among a model's: int64 [texts]; with `multi_label` bool [texts, labels].

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
            f"{source} has labels that the model does not: {_some(strange)}; the model's are {_some(names)} "
            "(`--rename OLD=NEW` gives one of the model's names)"
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
    """The figures of logits [texts, labels] against the truth: int [texts], or bool [texts, labels] for multi-label.

    Raises UsageError for `bins` below 1 or above a million.
    """
    if not 1 <= bins <= 1_000_000:
        raise UsageError(f"`bins` (={bins}) must be at least 1 and at most 1000000")
    multi_label = truth.ndim == 2
    shares = probabilities(logits, multi_label)
    columns = np.arange(len(labels))
    if multi_label:
        given, has = shares >= 0.5, truth
        accuracy = float((given == has).all(axis=1).mean())
        values = np.where(has, logits, -np.asarray(logits, np.float64))
        log_loss = float(np.logaddexp(0, -values).sum(axis=1).mean())
        confusion = np.empty((len(labels), 2, 2), np.int64)
        for true in (0, 1):
            for guess in (0, 1):
                confusion[:, true, guess] = ((has == true) & (given == guess)).sum(axis=0)
        confidence, right = shares.ravel(), has.ravel()
    else:
        choice = shares.argmax(axis=1)
        given, has = choice[:, None] == columns, truth[:, None] == columns
        accuracy = float((choice == truth).mean())
        values = np.asarray(logits, np.float64)
        values = values - values.max(axis=1, keepdims=True)
        log_loss = float((np.log(np.exp(values).sum(axis=1)) - values[np.arange(len(truth)), truth]).mean())
        confusion = np.zeros((len(labels), len(labels)), np.int64)
        np.add.at(confusion, (truth, choice), 1)
        confidence, right = shares.max(axis=1), choice == truth
    rows = zip(labels, has.sum(0).tolist(), given.sum(0).tolist(), (has & given).sum(0).tolist(), strict=True)
    return Evaluation(
        tuple(labels),
        multi_label,
        len(truth),
        without_known_words,
        accuracy,
        log_loss,
        tuple(LabelRow(*row) for row in rows),
        confusion,
        reliability(confidence, right, bins),
    )


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int) -> tuple[Bin, ...]:
    """Answers sorted into so many bins of equal width by their confidence; the first holds 0 too."""
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, values, minlength=bins) for values in (confidence, right.astype(float)))
    means = [np.divide(total, count, out=np.full(bins, math.nan), where=count > 0) for total in sums]
    return tuple(
        Bin(number / bins, (number + 1) / bins, int(count[number]), float(means[0][number]), float(means[1][number]))
        for number in range(bins)
    )


def renamed(labels: Sequence[Any], names: Mapping[str, str]) -> list[Any]:
    """Labels under other names; those that are not in `names` stay. A collection of labels is renamed one by one."""
    return [
        names.get(str(entry), str(entry)) if isinstance(entry, str) or not isinstance(entry, Collection)
        else tuple(names.get(str(part), str(part)) for part in entry)
        for entry in labels
    ]  # fmt: skip


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
