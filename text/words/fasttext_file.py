"""fastText's own files of vectors (`.bin`), read by gensim: a vector for every word, by its letters.

Such a file holds a vector for each word and for each n-gram of characters (Bojanowski et al. 2017); a word that it does
not have is the mean of its n-grams. All of the file is in memory while it is read.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from casecnn.errors import InputError

MAGIC = (793_712_314).to_bytes(4, "little")


def is_fasttext(start: bytes) -> bool:
    """Whether these are the first bytes of a file in fastText's binary format."""
    return start.startswith(MAGIC)


def read_fasttext(path: Path, words: Collection[str] | None, first: int = 0) -> tuple[list[str], np.ndarray]:
    """Return words and vectors, float32 [words, numbers]: the file's ``first`` words (None: all), then ``words``.

    A word that the file does not have is the mean of its n-grams. Raises InputError, one line, for a file that is
    packed, cut off or damaged, and for a classifier, which has labels where others have n-grams.
    """
    from gensim.models.fasttext import load_facebook_vectors

    with open(path, "rb") as stream:
        if not is_fasttext(stream.read(len(MAGIC))):
            raise InputError(f"'{path}' is a packed file of fastText's vectors; unpack it first")
    try:
        keyed = load_facebook_vectors(str(path))
    except NotImplementedError as error:
        raise InputError(f"'{path}' is a classifier of fastText's, not word vectors; give a file of vectors") from error
    except Exception as error:  # bytes that make no sense raise nearly anything
        raise InputError(f"'{path}' is truncated or damaged: it is no whole file of fastText's vectors") from error
    names = list(keyed.index_to_key[: None if words is None else first])
    asked = {form for word in words or () for form in (word, word.lower()) if form and not form.isspace()}
    names += sorted(asked.difference(names))
    found = {}
    for name in names:
        try:
            found[name] = keyed[name]
        except KeyError:  # too short for an n-gram
            continue
    return list(found), np.array(list(found.values()), np.float32).reshape(len(found), keyed.vector_size)
