"""Answers as they are printed: JSON, or a table with the explanations below each answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from casecnn.console import printable, warn
from casecnn.text.model.classify import UNSURE, Answer
from casecnn.text.report.highlight import evidence_table, highlighted, strongest_labels

SHOWN = 100  # characters of a text in the table; JSON has all of it


def as_json(answers: Iterable[list[Answer]], *, lines: bool, single: bool, likeliest: int = 0) -> Iterator[str]:
    """Yield JSON, a batch of answers at a time: with ``lines`` an object a line, else one object or one list.

    With ``likeliest`` each object names so many labels as `likeliest`.
    """

    def row(answer: Answer) -> str:
        if not likeliest:
            return answer.as_json()
        return json.dumps(answer.as_dict() | {"likeliest": answer.likeliest(likeliest)})

    if lines:
        for batch in answers:
            yield "".join(f"{row(answer)}\n" for answer in batch)
    elif single:
        yield json.dumps(json.loads(row(next(iter(answers))[0])), indent=2) + "\n"
    else:
        before = "[\n"
        for batch in answers:
            yield before + ",\n".join(map(row, batch))
            before = ",\n"
        yield "[]\n" if before == "[\n" else "\n]\n"


def as_table(
    answers: Iterable[list[Answer]], labels: Sequence[str], *, top: int = 5, colour: bool = False, likeliest: int = 0
) -> Iterator[str]:
    """Yield a line an answer, below it the explanation if there is one, with ``top`` n-grams of a label.

    With ``likeliest`` an answer has a line for each of so many labels.

    At the end a warning tells of texts without a word that the model knows.
    """
    width = max(len("label"), *(len(printable(label)) for label in labels))
    count = unknown = 0
    for count, answer in enumerate(chain.from_iterable(answers), 1):
        unknown += not answer.known_words
        if count == 1 or answer.explanation:
            yield f"{'label':{width}}  probability  known words  text\n"
        yield _rows(answer, width, likeliest)
        if answer.explanation:
            explanation = answer.explanation
            shown = answer.chosen[:3] if answer.multi_label else strongest_labels(explanation)
            if explanation.words and shown:
                yield f"\n{highlighted(explanation, shown[0], colour)}\n"
            yield f"\n{evidence_table(explanation, shown or [0], top)}\n\n"
    if not count:
        warn("there is no text: the input is empty")
    elif unknown:
        those = "the text holds" if count == 1 else f"{unknown} of {count} texts hold"
        warn(f"{those} no word that the model knows: the answer is what it says without any ('none' in the table)")


def _rows(answer: Answer, width: int, likeliest: int = 0) -> str:
    """A row for each chosen label, or for so many of the likeliest; the first has the text."""
    text = printable(answer.text if len(answer.text) <= SHOWN else answer.text[: SHOWN - 1] + "…")
    rows = ""
    chosen = answer.order[:likeliest] if likeliest else answer.chosen
    for row, number in enumerate(chosen or [None]):
        sure = answer.sure or likeliest > 1
        name = "(none)" if number is None else printable(answer.labels[number]) if sure else UNSURE
        chance = "" if number is None else f"{answer.probabilities[number]:.4f}"
        rest = f"  {answer.known_words or 'none':>11}  {text}" if row == 0 else ""
        rows += f"{name:{width}}  {chance:>11}{rest}".rstrip() + "\n"
    return rows
