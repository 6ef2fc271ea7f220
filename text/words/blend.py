"""Several kinds of word vectors blended into one: side by side, and of all their numbers the principal components.

Concatenation and a singular value decomposition are the simplest of meta-embeddings, and hard to beat (Yin and Schuetze
2016). The result costs a training no more than one kind of vectors.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from casecnn.checks import positive, whole
from casecnn.errors import UsageError
from casecnn.text.words.vectors import WordVectors, is_open, load_vectors

SPREAD = 0.25  # about that of GloVe's numbers


def blend(
    sources: Sequence[str | Path],
    words: Collection[str],
    dim: int = 300,
    first: int = 0,
    shares: Sequence[float] | None = None,
    spread: float = SPREAD,
) -> WordVectors:
    """Return vectors of ``dim`` numbers for ``words`` that at least one source has, and each source's ``first`` ones.

    Each source is centred and scaled to vectors of length 1 on average, times its share; a word that one
    lacks has its mean there. What makes a vector of any word (`is_open`) makes them for the words of the others, too.
    ``spread`` is the standard deviation of all numbers: the smaller, the further training moves a vector from where it
    was. Raises UsageError for values out of range or no source, and what `load_vectors` raises.
    """
    whole("dim", dim, 1, 100_000)
    positive("spread", spread)
    shares = [1.0] * len(sources) if shares is None else shares
    for share in shares:
        positive("shares", share)
    if len(shares) != len(sources):
        raise UsageError(
            f"`shares` (={','.join(map(str, shares))}) must be {len(sources)} numbers, one for each source"
        )
    if not sources:
        raise UsageError("there are no word vectors to blend; give at least one file or name")
    lists = [source for source in sources if not is_open(source)]
    found = {source: load_vectors(source, words, first) for source in lists}
    names = list(dict.fromkeys(word for block in found.values() for word in block.words))
    for source in sources:
        if source not in found:
            found[source] = load_vectors(source, {*words, *names}, 0 if lists else first)
    blocks = [found[source] for source in sources]
    names = list(dict.fromkeys(word for block in blocks for word in block.words))
    table = np.zeros((len(names), sum(block.vector_size for block in blocks)), np.float32)
    begin = 0
    for block, share in zip(blocks, shares, strict=True):
        rows = [row for row, name in enumerate(names) if name in block]
        values = np.array([block[names[row]] for row in rows], np.float32).reshape(len(rows), block.vector_size)
        if len(rows):
            values -= values.mean(0)
            values *= share / max(float(np.sqrt((values**2).sum(1).mean())), 1e-12)
        table[rows, begin : begin + block.vector_size] = values
        begin += block.vector_size
    if dim < table.shape[1] and len(names):
        _, directions = np.linalg.eigh(table.T @ table)
        table = table @ directions[:, ::-1][:, :dim]
    table *= spread / max(float(table.std()) if table.size else 0.0, 1e-12)
    return WordVectors(tuple(names), table, ", ".join(str(source) for source in sources), len(names))
