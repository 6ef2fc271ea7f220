"""An explanation for a terminal: the sentence with the words that counted marked, and a table of n-grams a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casecnn.console import printable
from casecnn.text.model.explain import Evidence, Explanation

_FOR, _AGAINST = ("30;48;5;194", "30;48;5;157", "30;48;5;120"), ("30;48;5;224", "30;48;5;217", "30;48;5;210")
_STRONG = 1 / 3  # of the strongest word's weight: what is marked where there are no colours
_FAINT = 1 / 12  # what is not marked at all
_LONGEST = 40  # characters of a word that are shown
_KEPT = 6  # words without a mark that are shown between marked ones; longer runs are cut


def highlighted(explanation: Explanation, label: int, colour: bool = False) -> str:
    """Return the words, those that speak for the label on green, those against it on red, the deeper the stronger.

    Without ``colour`` words that strongly speak for it stand in [brackets], against it in {braces}. Long runs of words
    that hardly count are cut to "…".
    """
    weights = explanation.weights(label)
    strongest = np.abs(weights).max(initial=0)
    relative = weights / strongest if strongest > 0 else weights
    parts: list[str] = []
    plain: list[str] = []
    for word, weight in zip(map(shown, explanation.words), relative, strict=True):
        if abs(weight) >= (_FAINT if colour else _STRONG):
            parts += [*_cut(plain, bool(parts), True), _mark(word, float(weight), colour)]
            plain = []
        else:
            plain.append(word)
    return " ".join([*parts, *_cut(plain, bool(parts), False)])


def evidence_table(explanation: Explanation, chosen: Sequence[int], top: int = 5) -> str:
    """Return a table of what adds up to the logits of the chosen labels, a column each.

    For every label its ``top`` strongest n-grams come first, then the other n-grams, the padding and the bias.
    """
    chosen = list(chosen)
    rows: list[tuple[str, np.ndarray | None]] = []
    rest = {part: np.zeros(len(explanation.labels)) for part in ("words", "padding", "bias")}
    for piece in explanation.evidence:
        rest[piece.part] += piece.contributions
    told: list[Evidence] = []
    for label in chosen:
        rows.append((f"for {shown(explanation.labels[label])}", None))
        pieces = explanation.evidence_for(label, top)
        if not pieces:
            rows.append(("  no n-gram", None))
        for piece in pieces:
            if not any(piece is other for other in told):  # with several labels chosen it may speak for two of them
                told.append(piece)
                rows.append((f"  {shown(explanation.ngram(piece))}", piece.contributions[chosen]))
                rest["words"] -= piece.contributions
    rows.append(("in all", None))
    others = sum(piece.part == "words" for piece in explanation.evidence) - len(told)
    if others:
        rows.append((f"  {others} other n-gram{'s' * (others > 1)}", rest["words"][chosen]))
    if rest["padding"].any():
        rows.append(("  padding", rest["padding"][chosen]))
    rows += [("  bias", rest["bias"][chosen]), ("  = logit", explanation.logits[chosen])]
    names = [shown(explanation.labels[label]) for label in chosen]
    width = max(len(text) for text, _ in rows)
    widths = [max(8, len(name)) for name in names]
    lines = [" " * width + "".join(f"  {name:>{size}}" for name, size in zip(names, widths, strict=True))]
    for text, values in rows:
        figures = [] if values is None else [f"  {v:>+{size}.3f}" for v, size in zip(values, widths, strict=True)]
        lines.append(f"{text:{width}}{''.join(figures)}".rstrip())
    return "\n".join(lines)


def strongest_labels(explanation: Explanation, labels: int = 2) -> list[int]:
    """Return the labels with the highest logits, highest first: evidence for these is worth showing."""
    return np.argsort(-explanation.logits, kind="stable")[:labels].tolist()


def _mark(word: str, weight: float, colour: bool) -> str:
    if not colour:
        return f"[{word}]" if weight > 0 else f"{{{word}}}"
    level = 0 if abs(weight) < _STRONG else 1 if abs(weight) < 2 * _STRONG else 2
    return f"\x1b[{(_FOR if weight > 0 else _AGAINST)[level]}m{word}\x1b[0m"


def _cut(words: list[str], before: bool, after: bool) -> list[str]:
    """Cut a long run of words without marks: a few stay next to marked words on either side."""
    kept = _KEPT // 2 * (before + after) or 4 * _KEPT
    if len(words) <= kept + 1:
        return words
    first = kept // 2 if before and after else kept if not after else 0
    return [*words[:first], "…", *(words[len(words) - (kept - first) :] if kept > first else [])]


def shown(text: str) -> str:
    """Return a text as `casecnn.console.printable` does, with words of over 40 characters cut."""
    words = [word if len(word) <= _LONGEST else word[: _LONGEST - 1] + "…" for word in text.split(" ")]
    return printable(" ".join(words))
