"""Which n-grams speak most for each label over many texts: the explanations of all of them, added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from casecnn.console import progress as progress_bar
from casecnn.errors import InputError
from casecnn.text.model.classify import Classifier
from casecnn.text.model.explain import explain, support
from casecnn.text.report.highlight import shown


class Influence(NamedTuple):
    """An n-gram over all texts: in how many a feature map took its value from it, and what it added to each logit.

    ``contributions`` are float64 [labels], the sum over the texts.
    """

    ngram: str
    texts: int
    contributions: np.ndarray


class ClassWords(NamedTuple):
    """The influences of all n-grams over a number of texts, and what is left: padding and bias.

    Over all of ``influences`` and ``rest`` (float64 [labels]) the contributions to a label add up to the sum of its
    logits over the texts, ``logits`` float64 [labels].
    """

    labels: tuple[str, ...]
    texts: int
    influences: tuple[Influence, ...]
    rest: np.ndarray
    logits: np.ndarray

    def strongest(self, label: int, top: int = 10) -> list[Influence]:
        """Return the n-grams that support a label most, strongest first."""
        chosen = [found for found in self.influences if support(found.contributions)[label] > 0]
        return sorted(chosen, key=lambda found: (-support(found.contributions)[label], found.ngram))[:top]

    def as_dict(self, top: int = 10) -> dict[str, Any]:
        """Return the strongest n-grams of each label under stable names, and the sums that all n-grams add up to."""

        def by_label(values: np.ndarray) -> dict[str, float]:
            return {label: round(float(value), 6) for label, value in zip(self.labels, values, strict=True)}

        return {
            "texts": self.texts,
            "ngrams": len(self.influences),
            "labels": {
                label: [
                    {"ngram": found.ngram, "texts": found.texts, "contributions": by_label(found.contributions)}
                    for found in self.strongest(number, top)
                ]
                for number, label in enumerate(self.labels)
            },
            "padding_and_bias": by_label(self.rest),
            "logits": by_label(self.logits),
        }

    def table(self, top: int = 10) -> str:
        """Return the strongest n-grams of each label for people: support a text, texts, n-gram."""
        blocks = []
        for number, label in enumerate(self.labels):
            lines = [f"for {shown(label)}", "   support  texts  n-gram"]
            for found in self.strongest(number, top):
                value = support(found.contributions)[number] / self.texts
                lines.append(f"{value:>+10.5f}  {found.texts:>5}  {shown(found.ngram)}")
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)


def class_words(classifier: Classifier, texts: Sequence[str], *, progress: bool | None = None) -> ClassWords:
    """Explain the logits of all texts, and add up what each n-gram contributes.

    The support of an n-gram for a label is its contribution to that label's logit less the mean over the labels, which
    softmax ignores. ``progress`` as for `casecnn.console.progress`. Raises InputError where there is no text.
    """
    if not len(texts):
        raise InputError("there is no text to explain")
    labels = classifier.model.labels
    found: dict[str, tuple[set[int], np.ndarray]] = {}
    rest, logits = np.zeros(len(labels)), np.zeros(len(labels))
    with progress_bar(len(texts), "text", "explain", shown=progress) as bar:
        for number, text in enumerate(texts):
            explanation = explain(classifier.predictor, classifier.clean(text))
            logits += explanation.logits
            for piece in explanation.evidence:
                if piece.part != "words":
                    rest += piece.contributions
                    continue
                places, added = found.setdefault(explanation.ngram(piece), (set(), np.zeros(len(labels))))
                places.add(number)
                added += piece.contributions
            bar.update()
    influences = tuple(Influence(ngram, len(places), added) for ngram, (places, added) in found.items())
    return ClassWords(labels, len(texts), influences, rest, logits)
