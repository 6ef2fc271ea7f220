"""Vectors for words outside a model's vocabulary, from the word vectors that the model was trained with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casecnn.text.words.vectors import WordVectors


class OutsideWords:
    """Several sets of word vectors side by side, as a model trained with them has them.

    A word is there if one of the sets has it; the numbers of a set that lacks it are zeros, which is the mean of what
    training starts from.
    """

    def __init__(self, sets: Sequence[WordVectors]) -> None:
        self.sets = tuple(sets)
        self.vector_size = sum(vectors.vector_size for vectors in sets)

    def __contains__(self, word: object) -> bool:
        return any(word in vectors for vectors in self.sets)

    def __getitem__(self, word: str) -> np.ndarray:
        parts = [vectors[word] if word in vectors else np.zeros(vectors.vector_size) for vectors in self.sets]
        return np.concatenate(parts).astype(np.float32)
