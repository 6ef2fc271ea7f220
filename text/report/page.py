"""Answers as one HTML page that needs nothing else: each text with the words that decided marked in colour."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from casecnn.console import printable
from casecnn.text.model.classify import UNSURE, Answer
from casecnn.text.report.highlight import shown

MOST_TEXTS = 10_000  # on a page
_STYLE = """
body { font: 16px/1.5 system-ui; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .4rem .6rem; vertical-align: top; text-align: left; }
tr { border-bottom: 1px solid #ddd; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
mark { border-radius: 3px; padding: 0 2px; color: inherit; } .faint { color: #777; }
@media (prefers-color-scheme: dark) { body { background: #1b1b1b; color: #ddd; } tr { border-color: #444; } }
"""
_FOR, _AGAINST = "46, 160, 67", "218, 54, 51"  # red, green, blue


def page(answers: Iterable[Answer], card: Mapping[str, Any]) -> Iterator[str]:
    """Yield the page bit by bit, for answers with an explanation and the card of the model that gave them.

    A word is the greener the more it speaks for the label that was given, the redder the more against it, relative to
    the strongest word of its text; a pointer over it shows the number. The counts of the labels stand at the end.
    Texts after the first `MOST_TEXTS` are only counted. What a text or a label holds is never taken for HTML.
    """
    name = html.escape(printable(str(card["name"])))
    yield (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{name}</title>'
        f"<style>{_STYLE}</style></head><body>\n<h1>{name}</h1>\n<p>Labels: "
        f"{html.escape(', '.join(map(printable, card['labels'])))}. A word is the greener the more it speaks for "
        "the label, the redder the more against it.</p>\n"
        "<table>\n<tr><th>label</th><th>probability</th><th>text</th></tr>\n"
    )
    counts: Counter[str] = Counter()
    total = 0
    for total, answer in enumerate(answers, 1):
        for label in [answer.label] if isinstance(answer.label, str) else answer.label or ["(none)"]:
            counts[label] += 1
        if total <= MOST_TEXTS:
            yield _row(answer)
    yield "</table>\n<h2>Labels</h2>\n<table>\n"
    for label, count in counts.most_common():
        yield f'<tr><td>{html.escape(printable(label))}</td><td class="number">{count:,}</td></tr>\n'
    rest = (
        f'<p class="faint">The first {MOST_TEXTS:,} of {total:,} texts are shown.</p>\n' if total > MOST_TEXTS else ""
    )
    yield f"</table>\n{rest}</body></html>\n"


def _row(answer: Answer) -> str:
    labels = [answer.labels[number] for number in answer.chosen] if answer.sure else [UNSURE]
    chances = "<br>".join(f"{answer.probabilities[number]:.3f}" for number in answer.chosen)
    names = "<br>".join(html.escape(printable(label)) for label in labels) or '<span class="faint">(none)</span>'
    return f'<tr><td>{names}</td><td class="number">{chances}</td><td>{_marked(answer)}</td></tr>\n'


def _marked(answer: Answer) -> str:
    """Return the words as the net read them, each on a colour by its weight for the likeliest label."""
    explanation = answer.explanation
    if explanation is None or not explanation.words:
        return f'<span class="faint">{html.escape(shown(answer.text)) or "(empty)"}</span>'
    weights = explanation.weights(int(answer.probabilities.argmax()))
    strongest = np.abs(weights).max() or 1.0
    parts = []
    for word, weight in zip(explanation.words, weights, strict=True):
        colour, depth = _FOR if weight > 0 else _AGAINST, abs(weight) / strongest
        text = html.escape(shown(word))
        if depth > 0.05:
            text = f'<mark style="background: rgba({colour}, {0.7 * depth:.2f})" title="{weight:+.3f}">{text}</mark>'
        parts.append(text)
    return " ".join(parts)
