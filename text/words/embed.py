"""word2vec (Mikolov et al. 2013) trained on a corpus of the user's, by gensim, with progress.

In-domain vectors are what brings a sentence CNN above linear models: `docs/results-text.md` has the figures.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from casecnn.checks import whole, within
from casecnn.console import progress as progress_bar
from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, check_writable
from casecnn.text.words.cleaning import cleaning

MOST_WORDS = 10_000  # gensim cuts off longer sentences
ENDINGS = (".kv", ".bin", ".txt", ".vec")


@dataclass(frozen=True)
class Embedding:
    """What was trained: different words kept, words of the corpus in all, numbers a word, passes."""

    words: int
    corpus_words: int
    dim: int
    epochs: int

    def report(self) -> str:
        """The facts in one line."""
        return f"{self.words:,} words, {self.dim} numbers each, from {self.corpus_words:,} words of text"


def embed(
    texts: Iterator[str] | Sequence[str],
    output: str | Path,
    *,
    dim: int = 300,
    window: int = 5,
    epochs: int = 5,
    min_count: int = 3,
    negative: int = 5,
    sample: float = 1e-4,
    skip_gram: bool = True,
    rule: str = "folded",
    workers: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Embedding:
    """Train word2vec on texts, cleaned by `rule`, and write the vectors, the most frequent word first.

    The ending of `output` says how: ".kv" gensim's KeyedVectors in one file, ".bin" word2vec's binary format, ".txt" or
    ".vec" its text. Words that occur less than `min_count` times get no vector. Cleaned texts go to a temporary file,
    so that a corpus may be larger than memory. The same seed gives the same vectors with one worker only: several
    (None: as many as there are cores) take turns as they please.

    Raises UsageError for values out of range, InputError for a corpus without enough words and for a file that cannot
    be written. What stood at `output` stays until the new file is whole.
    """
    for name, value, most in (
        ("dim", dim, 100_000),
        ("window", window, MOST_WORDS),
        ("epochs", epochs, 1_000_000),
        ("min_count", min_count, 10**12),
        ("negative", negative, 10_000),
    ):
        whole(name, value, 1, most)
    within("sample", sample, 0, 1, closed=True)
    if workers is not None:
        whole("workers", workers, 1)
    target = checked_target(output)
    clean = cleaning(rule)
    from gensim.models import Word2Vec

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus"
        lines = total = 0
        with open(path, "w", encoding="utf-8", errors="replace") as stream:
            bar = progress_bar(None, "text", "clean", shown=None if progress else False)
            for text in texts:
                bar.update()
                words = clean(text)
                for start in range(0, len(words), MOST_WORDS):
                    stream.write(" ".join(words[start : start + MOST_WORDS]) + "\n")
                    lines += 1
                total += len(words)
            bar.close()
        model = Word2Vec(
            vector_size=dim,
            window=window,
            min_count=min_count,
            negative=negative,
            sample=sample,
            sg=int(skip_gram),
            workers=workers or os.cpu_count() or 1,
            seed=seed,
        )
        model.build_vocab(_Sentences(path, lines, 1, "count", progress))
        if not len(model.wv):
            raise InputError(f"no word occurs {min_count} times in the {total:,} words; give more text")
        sentences = _Sentences(path, lines, epochs, "train", progress)
        with sentences:
            model.train(sentences, total_examples=model.corpus_count, epochs=epochs)
    _write(model.wv, target)
    return Embedding(len(model.wv), total, dim, epochs)


class _Sentences:
    """The lines of a file as lists of words, over and over, with a bar for all passes."""

    def __init__(self, path: Path, lines: int, passes: int, what: str, progress: bool) -> None:
        self.path = path
        self.bar = progress_bar(lines * passes, "line", what, shown=None if progress else False, unit_scale=True)

    def __iter__(self) -> Iterator[list[str]]:
        with open(self.path, encoding="utf-8") as stream:
            for line in stream:
                yield line.split()
                self.bar.update()

    def __enter__(self) -> _Sentences:
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.close()


def save_vectors(words: Sequence[str], matrix: np.ndarray, output: str | Path) -> None:
    """Write words and their vectors, float32 [words, numbers], in the format that the ending of ``output`` names.

    Raises UsageError for another ending, InputError for a file that cannot be written.
    """
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(matrix.shape[1])
    vectors.add_vectors(list(words), matrix)
    _write(vectors, checked_target(output))


def checked_target(output: str | Path) -> Path:
    """Return the path to write vectors to; raises UsageError where its ending names no format."""
    target = Path(output)
    if target.suffix not in ENDINGS:
        raise UsageError(f"`output` (='{target}') must end in one of {', '.join(ENDINGS)}")
    check_writable(target)
    return target


def _write(vectors: Any, target: Path) -> None:
    if target.suffix == ".kv":
        with atomic_write(target) as stream:
            vectors.save(stream)  # a stream cannot be split: all is in the one file
        return
    with atomic_write(target) as stream:
        vectors.save_word2vec_format(stream.name, binary=target.suffix == ".bin")
