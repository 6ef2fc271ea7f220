"""Vectors for words that a model does not know, from their letters: plurals, compounds, names, other spellings.

A word is the mean of the vectors of its n-grams of characters, as in fastText (Bojanowski et al. 2017). The vectors of
the n-grams are not trained beside the net: they are the least-squares fit to the vectors that the words of the
vocabulary have when training ends (Zhao, Mudgal and Liang 2018, "Generalizing word embeddings using bag of subwords"),
so that they lie in the space that the filters read. n-grams share a fixed number of rows by their hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from casecnn.checks import whole

SHORTEST, LONGEST = 3, 5  # characters of an n-gram, with the marks of a word's ends
MOST_LETTERS = 40  # of a word; what comes after is left out
MOST_ROWS = 1 << 20
RIDGE = 0.5  # of the fit, as in ridge regression


def rows_of(word: str, rows: int) -> list[int]:
    """Return the rows of a word's n-grams among ``rows``, with its ends marked; none for a word without a letter.

    >>> len(rows_of("cats", 1000))  # <ca cat ats ts> <cat cats ats> <cats cats>
    9
    """
    if not any(map(str.isalpha, word)):
        return []
    marked = f"<{word[:MOST_LETTERS]}>"
    return [
        crc32(marked[place : place + length].encode("utf-8", "surrogatepass")) % rows
        for length in range(SHORTEST, LONGEST + 1)
        for place in range(len(marked) - length + 1)
    ]


def vector_of(word: str, table: np.ndarray) -> np.ndarray | None:
    """Return a word's vector from the table of n-grams, float32 [rows, numbers]; None for a word without n-grams."""
    rows = rows_of(word, len(table))
    return table[rows].mean(axis=0) if rows else None


def fitted(words: Sequence[str], matrix: np.ndarray, rows: int, ridge: float = RIDGE) -> np.ndarray:
    """Fit vectors of n-grams to the vectors of words, float32 [words, numbers]: float32 [rows, numbers].

    Words count the same. Takes rows**2 numbers of memory and time with the cube of them: a second for 4,096. Raises
    UsageError for rows that are no number from 1 to 1,048,576.
    """
    whole("subwords", rows, 1, MOST_ROWS)
    from scipy.linalg import solve
    from scipy.sparse import csr_matrix

    grams = [rows_of(word, rows) for word in words]
    kept = [place for place, found in enumerate(grams) if found]
    if not kept:
        return np.zeros((rows, matrix.shape[1]), np.float32)
    lengths = np.array([len(grams[place]) for place in kept])
    shares = csr_matrix(
        (
            np.repeat(1 / lengths, lengths).astype(np.float32),
            np.concatenate([grams[place] for place in kept]),
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(kept), rows),
    )
    shares.sum_duplicates()
    squares = (shares.T @ shares).toarray()
    squares[np.diag_indices(rows)] += ridge
    return solve(squares, shares.T @ matrix[kept], assume_a="pos", overwrite_a=True).astype(np.float32)
