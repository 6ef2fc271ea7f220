"""Why a sentence got its label: the n-grams that max-over-time pooling chose, and what each adds to every logit.

A map's value comes from one window of the sentence, and the logits are linear in the maps' values. So each logit is a
sum: for every window what its maps add, plus the bias. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from casecnn.text.model.predict import Predictor


class Evidence(NamedTuple):
    """One term of the logits.

    `part` is "words" (the n-gram `words[start:end]` of the sentence), "padding" (windows that saw no word: what any
    sentence gets) or "bias" (the output layer's). `maps` feature maps fired there. `contributions` float64 [labels].
    """

    part: str
    start: int
    end: int
    maps: int
    contributions: np.ndarray


class Explanation(NamedTuple):
    """A sentence as the net read it, its logits float32 [labels], and their terms, strongest first, bias last."""

    words: tuple[str, ...]
    labels: tuple[str, ...]
    logits: np.ndarray
    evidence: tuple[Evidence, ...]

    def ngram(self, evidence: Evidence) -> str:
        """The words of a piece of evidence; empty for padding and bias."""
        return " ".join(self.words[evidence.start : evidence.end])

    def weights(self, label: int) -> np.ndarray:
        """How far each word speaks for a label (> 0) or against it: float64 [words].

        Every n-gram's `support` is shared equally among its words.
        """
        weights = np.zeros(len(self.words))
        for piece in self.evidence:
            if piece.part == "words":
                weights[piece.start : piece.end] += support(piece.contributions)[label] / (piece.end - piece.start)
        return weights

    def evidence_for(self, label: int, top: int = 5) -> list[Evidence]:
        """The n-grams that support a label most, strongest first; at most `top`."""
        found = [piece for piece in self.evidence if piece.part == "words" and support(piece.contributions)[label] > 0]
        return sorted(found, key=lambda piece: -support(piece.contributions)[label])[:top]

    def as_list(self) -> list[dict[str, Any]]:
        """The evidence for JSON. The contributions to a label add up to its logit."""
        return [
            {
                "part": piece.part,
                "ngram": self.ngram(piece),
                "start": piece.start if piece.part == "words" else None,
                "end": piece.end if piece.part == "words" else None,
                "contributions": {
                    label: round(float(value), 8) for label, value in zip(self.labels, piece.contributions, strict=True)
                },
            }
            for piece in self.evidence
        ]


def support(contributions: np.ndarray) -> np.ndarray:
    """What contributions do for each label against the others: [labels] less their mean, which softmax ignores.

    With one label (a sigmoid) the contribution itself.
    """
    return contributions - contributions.mean() if len(contributions) > 1 else contributions


def explain(predictor: Predictor, words: Sequence[str]) -> Explanation:
    """Explains the logits of one sentence, a list of cleaned words.

    Windows of different sizes that see the same words, the others being padding, are one n-gram. Maps of value 0
    are left out. Takes the words that the model reads: ``max_length`` cuts here too. Where a text is read in parts, the
    contributions are divided by their number, since its logits are the mean of theirs.
    """
    model = predictor.model
    words = tuple(words[: model.max_length])
    places = model.parts(len(words))
    found: dict[tuple[int, int], tuple[int, np.ndarray]] = {}  # maps that fired, and what they add
    logits = []
    for first, last in pairwise(places):
        peaks = predictor.peaks(words[first:last])
        logits.append(predictor.logits(peaks.values[None])[0])
        contributions = model.output_weight.astype(np.float64) * peaks.values / (len(places) - 1)
        begins = np.clip(peaks.starts, 0, last - first) + first
        ends = np.clip(peaks.starts + peaks.windows, 0, last - first) + first
        for number in np.flatnonzero(peaks.values):
            span = (int(begins[number]), int(ends[number]))
            span = span if span[0] < span[1] else (0, 0)
            maps, added = found.get(span, (0, 0.0))
            found[span] = maps + 1, added + contributions[:, number]
    evidence = [
        Evidence("words" if end else "padding", start, end, maps, added)
        for (start, end), (maps, added) in found.items()
    ]
    evidence.sort(key=lambda piece: (piece.part == "padding", -np.abs(support(piece.contributions)).max(), piece.start))
    evidence.append(Evidence("bias", 0, 0, 0, model.output_bias.astype(np.float64)))
    return Explanation(words, model.labels, np.add.reduce(logits) / np.float32(len(logits)), tuple(evidence))
