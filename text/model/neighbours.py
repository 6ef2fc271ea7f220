"""The words whose vectors are most like a word's: what vectors, or a model, take for related."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from casecnn.checks import whole
from casecnn.choose import closest, either
from casecnn.errors import InputError, UsageError
from casecnn.text.model.packaged import DEFAULT, load_model
from casecnn.text.words.vectors import load_vectors
from casecnn.text.words.vocabulary import FIRST_WORD

_FIRST = 50_000  # words among which a spelling is looked for


def nearest_words(
    word: str, model: str | os.PathLike[str] = DEFAULT, vectors: Sequence[str] = (), top: int = 10
) -> list[tuple[str, float]]:
    """Return the words most like a word for a model (its channels side by side), or in a file of word vectors.

    Raises UsageError for more than one file, and what `neighbours` and reading the file raise.
    """
    if len(vectors) > 1:
        raise UsageError(f"neighbours are looked for in one file of vectors, not in {len(vectors)}; give one")
    if vectors:
        found = load_vectors(vectors[0])
        return neighbours(word, found.words, found.matrix, top)
    loaded = load_model(model)
    return neighbours(word, loaded.words, np.concatenate([c[FIRST_WORD:] for c in loaded.embeddings], 1), top)


def neighbours(word: str, words: Sequence[str], matrix: np.ndarray, top: int = 10) -> list[tuple[str, float]]:
    """Return the words with the largest cosine to a word's vector, largest first, without the word itself.

    ``matrix`` float32 [words, numbers] holds a vector for each of ``words``; a word that is not there is looked for in
    lower case. Words with a vector of zeros are left out. Raises InputError where the word is not among them, with
    words that look like it, and UsageError for ``top`` below 1.
    """
    whole("top", top, 1)
    place = next((words.index(form) for form in (word, word.lower()) if form in words), None)
    if place is None:
        close = closest(word, words[:_FIRST])
        remedy = f"did you mean {either(close)}?" if close else "it has no vector"
        raise InputError(f"the word {word!r} is not among the {len(words):,} words; {remedy}")
    norms = np.linalg.norm(matrix, axis=1)
    if not norms[place]:
        raise InputError(f"the vector of {word!r} is zero: nothing is like it")
    likeness = matrix @ matrix[place] / np.maximum(norms * norms[place], np.finfo(np.float32).tiny)
    likeness[(norms == 0) | (np.arange(len(words)) == place)] = -np.inf
    order = np.argsort(-likeness, kind="stable")[:top]
    return [(words[number], float(likeness[number])) for number in order if np.isfinite(likeness[number])]
