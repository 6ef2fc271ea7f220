"""Small made-up sentences with labels that a word decides, and vectors for their words: for tests of training."""

from __future__ import annotations

import numpy as np

from casecnn.text.words.vectors import WordVectors

GOOD, BAD = ("good", "great", "lovely", "moving"), ("bad", "dull", "awful", "boring")
FILLING = tuple("the a film movie plot is was and of with actor story very scene this that it one time end".split())


def sentences(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Sentences of 3 to 12 words, one of which is good or bad; every fifth has "not" before it, and is turned round."""
    random = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(count):
        positive, turned = number % 2 == 0, number % 5 == 0
        word = str(random.choice(GOOD if positive != turned else BAD))
        filling = [str(w) for w in random.choice(FILLING, int(random.integers(2, 12)))]
        place = int(random.integers(0, len(filling)))
        filling[place:place] = ["not", word] if turned else [word]
        texts.append(" ".join(filling))
        labels.append("positive" if positive else "negative")
    return texts, labels


def vectors(dim: int = 8, seed: int = 1) -> WordVectors:
    """Vectors for most of the words: good ones near each other, bad ones near each other."""
    random = np.random.default_rng(seed)
    good, bad = random.normal(0, 1, (2, dim))
    words = [*GOOD, *BAD, *FILLING[:15], "not", "unseen"]
    rows = [random.normal(0, 0.3, dim) + (good if word in GOOD else bad if word in BAD else 0.0) for word in words]
    return WordVectors(tuple(words), np.array(rows, np.float32), "made up", len(words))
