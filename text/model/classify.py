"""From raw texts to answers: cleaned, scored, explained if wanted; one answer a text, in order."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casecnn.checks import within
from casecnn.errors import InputError, UsageError
from casecnn.text.model.explain import Explanation, explain
from casecnn.text.model.model import TextModel
from casecnn.text.model.packaged import DEFAULT, load_model
from casecnn.text.model.predict import Predictor, probabilities
from casecnn.text.words.cleaning import CLEANINGS

UNSURE = "unsure"  # the label of an answer without a likely one


@dataclass(frozen=True, eq=False)
class Answer:
    """A model's answer about one text.

    `probabilities` are float64 [labels], in the order of `labels`. `known_words` counts the words of the text that the
    model has a vector for, punctuation aside: with 0 the answer says nothing about the text.
    """

    text: str
    labels: tuple[str, ...]
    probabilities: np.ndarray
    known_words: int
    multi_label: bool = False
    explanation: Explanation | None = None
    least: float = 0.0  # probability below which the answer is "unsure"

    @property
    def chosen(self) -> list[int]:
        """The place of the highest probability; in a multi-label model those of at least 1/2, highest first."""
        if not self.multi_label:
            return [int(self.probabilities.argmax())]
        return [number for number in self.order if self.probabilities[number] >= 0.5]

    @property
    def order(self) -> list[int]:
        """The places of all labels, the likeliest first."""
        return np.argsort(-self.probabilities, kind="stable").tolist()

    def likeliest(self, count: int) -> list[dict[str, Any]]:
        """The `count` likeliest labels, or all where there are fewer, each with its probability, highest first."""
        return [
            {"label": self.labels[number], "probability": round(float(self.probabilities[number]), 8)}
            for number in self.order[:count]
        ]

    @property
    def sure(self) -> bool:
        """Whether the likeliest label has the probability that was asked for."""
        return bool(self.multi_label or self.probabilities.max() >= self.least)

    @property
    def label(self) -> str | list[str]:
        """The chosen label's name, or "unsure"; in a multi-label model a list of names, which may be empty."""
        names = [self.labels[number] for number in self.chosen]
        return names if self.multi_label else names[0] if self.sure else UNSURE

    @property
    def probability(self) -> float | list[float]:
        """The probability of the likeliest label; in a multi-label model of each of `label`."""
        values = [round(float(self.probabilities[number]), 8) for number in self.chosen]
        return values if self.multi_label else values[0]

    def as_dict(self) -> dict[str, Any]:
        """The answer under stable names; `evidence` is empty where no explanation was asked for."""
        return {
            "text": self.text,
            "label": self.label,
            "probability": self.probability,
            "probabilities": {
                label: round(float(value), 8) for label, value in zip(self.labels, self.probabilities, strict=True)
            },
            "known_words": self.known_words,
            "evidence": self.explanation.as_list() if self.explanation else [],
        }

    def as_json(self) -> str:
        """`as_dict` on one line of JSON, in ASCII."""
        return json.dumps(self.as_dict())


class Classifier:
    """A text model that takes raw texts.

    >>> Classifier("sentiment").classify(["a moving, funny film"])[0].label
    'positive'
    """

    def __init__(
        self, model: TextModel | str | os.PathLike[str] = DEFAULT, vectors: Any = None, unsure: float = 0.0
    ) -> None:
        """Load `model`: a TextModel, the name of a packaged one, or a file.

        `vectors`: see `casecnn.text.model.predict.Predictor`. Where no label has a probability of at least `unsure`,
        the answer is "unsure". Raises UsageError or InputError for a model that cannot be had.
        """
        self.unsure = within("unsure", unsure, 0, 1)
        self.model = model if isinstance(model, TextModel) else load_model(model)
        if self.model.cleaning not in CLEANINGS:
            raise InputError(f"the model's cleaning (={self.model.cleaning!r}) must be one of {', '.join(CLEANINGS)}")
        if unsure and self.model.multi_label:
            raise UsageError("`unsure` is for models that give one label; this one may give several, or none")
        self.clean = CLEANINGS[self.model.cleaning]
        self.predictor = Predictor(self.model, vectors)

    def with_vectors(self, files: Sequence[str], batches: Iterable[Sequence[str]] | None = None) -> Classifier:
        """Return a classifier that looks words which the model does not know up in files of word vectors.

        Where the texts are given in ``batches``, only their words are loaded, else all that the files hold. Raises
        InputError for a file that cannot be read.
        """
        from casecnn.text.words.outside_words import OutsideWords
        from casecnn.text.words.vectors import load_vectors

        words = None if batches is None else self.new_words(batches)
        return Classifier(self.model, OutsideWords([load_vectors(file, words) for file in files]), self.unsure)

    def classify(self, texts: Sequence[str], explained: bool = False) -> list[Answer]:
        """One answer a text, in order; a text's answer does not depend on the others.

        Raises UsageError for one text in place of a sequence of them, and for what is no text.
        """
        if isinstance(texts, (str, bytes)):
            raise UsageError("`texts` must be a sequence of texts, not one text; put it into a list")
        texts = list(texts)
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise UsageError(f"text {number} must be a str, not {type(text).__name__}")
        sentences = [self.clean(text) for text in texts]
        logits, known_words = self.predictor.read(sentences)
        chances = probabilities(logits, self.model.multi_label)
        return [
            Answer(
                text,
                self.model.labels,
                chances[number],
                int(known_words[number]),
                self.model.multi_label,
                explain(self.predictor, sentences[number]) if explained else None,
                self.unsure,
            )
            for number, text in enumerate(texts)
        ]

    def stream(self, batches: Iterable[Sequence[str]], explained: bool = False) -> Iterator[list[Answer]]:
        """The answers to texts that come in batches, batch by batch; holds no more than one."""
        for batch in batches:
            yield self.classify(batch, explained)

    def new_words(self, batches: Iterable[Sequence[str]]) -> set[str]:
        """The words of texts that are not in the model's vocabulary: those worth looking up in word vectors."""
        known = self.model.rows
        return {word for batch in batches for text in batch for word in self.clean(text) if word not in known}
