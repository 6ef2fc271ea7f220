"""A model's worst mistakes on labelled texts, each with the n-grams that led to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from casecnn.checks import whole
from casecnn.console import printable
from casecnn.errors import InputError
from casecnn.text.model.classify import Answer, Classifier
from casecnn.text.report.evaluation import BATCH, truth_of
from casecnn.text.report.highlight import highlighted, shown

SHOWN = 3  # n-grams for a mistake


class Mistake(NamedTuple):
    """A text that got a wrong label: its place in the data (from 0), its label, and the answer with its explanation."""

    text: int
    label: str
    answer: Answer

    def as_dict(self) -> dict[str, Any]:
        """Return the mistake under stable names; `evidence` are the n-grams that spoke most for the wrong label."""
        return {
            "row": self.text + 1,
            "label": self.label,
            "given": self.answer.labels[self.answer.chosen[0]],
            "probability": self.answer.probability,
            "text": self.answer.text,
            "evidence": self.evidence(),
        }

    def evidence(self) -> list[str]:
        """Return the n-grams that spoke most for the wrong label."""
        explanation = self.answer.explanation
        if explanation is None:
            return []
        return [explanation.ngram(piece) for piece in explanation.evidence_for(self.answer.chosen[0], SHOWN)]


def worst_mistakes(
    classifier: Classifier, texts: Sequence[str], labels: Sequence[Any], *, top: int = 10, source: str = "the data"
) -> list[Mistake]:
    """Return the texts with a wrong label, the surest answers first, at most ``top`` of them.

    Raises InputError for labels that the model does not have and for a model that gives several labels a text,
    UsageError for ``top`` below 1.
    """
    whole("top", top, 1)
    model = classifier.model
    if model.multi_label:
        raise InputError("mistakes are shown of models that give one label; this one may give several, or none")
    truth = truth_of(labels, model.labels, False, source)
    found: list[tuple[float, int]] = []
    for number, answer in enumerate(_answers(classifier, texts)):
        given = answer.chosen[0]
        if given != truth[number]:
            found.append((float(answer.probabilities[given]), number))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    numbers = [number for _, number in found[:top]]
    answers = classifier.classify([texts[number] for number in numbers], explained=True)
    return [
        Mistake(number, model.labels[truth[number]], answer) for number, answer in zip(numbers, answers, strict=True)
    ]


def mistakes_text(mistakes: Sequence[Mistake], *, colour: bool = False) -> str:
    """Return mistakes for people: labels, probability, and the text with the words that led astray marked."""
    if not mistakes:
        return "no text has a wrong label"
    blocks = []
    for mistake in mistakes:
        explanation, given = mistake.answer.explanation, mistake.answer.chosen[0]
        assert explanation is not None
        head = (
            f"row {mistake.text + 1}: {printable(mistake.label)}, taken for "
            f"{printable(mistake.answer.labels[given])} ({np.max(mistake.answer.probabilities):.4f})"
        )
        evidence = ", ".join(f'"{shown(ngram)}"' for ngram in mistake.evidence()) or "no n-gram"
        blocks.append(f"{head}\n  {highlighted(explanation, given, colour)}\n  because of {evidence}")
    return "\n\n".join(blocks)


def _answers(classifier: Classifier, texts: Sequence[str]) -> Iterator[Answer]:
    for first in range(0, len(texts), BATCH):
        yield from classifier.classify(texts[first : first + BATCH])
