"""A smaller model from a trained one: fewer words, the others by their letters."""

from __future__ import annotations

from dataclasses import replace

from casecnn.checks import whole
from casecnn.text.model.model import TextModel
from casecnn.text.words.subwords import MOST_ROWS, fitted
from casecnn.text.words.vocabulary import FIRST_WORD


def shrunk(model: TextModel, words: int, subwords: int = 0) -> TextModel:
    """Return a model that knows only its first `words` words, which are those most frequent in its training texts.

    With `subwords` the others have vectors of that many rows of n-grams of characters, fitted to the vectors that they
    had (`casecnn.text.words.subwords`). Filters and output stay. Raises UsageError for numbers out of range.
    """
    whole("words", words, 1)
    whole("subwords", subwords, 0, MOST_ROWS)
    table = fitted(model.words, model.embeddings[-1][FIRST_WORD:], subwords) if subwords else model.subwords
    rows = min(words, len(model.words)) + FIRST_WORD
    return replace(
        model,
        words=model.words[:words],
        embeddings=tuple(channel[:rows] for channel in model.embeddings),
        subwords=table,
    )
