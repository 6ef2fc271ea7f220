"""Word vectors from files, in memory no larger than the words asked for.

Read are word2vec's binary and text formats, GloVe's text (the same without a first line of counts), each also packed by
gzip, bzip2 or xz, what gensim saves (`KeyedVectors`, `Word2Vec`), and fastText's `.bin`. gensim's own reader of the
word2vec formats keeps every word, 3.6 GB for GoogleNews, so files are read here, word by word; a test compares the two.
gensim's files are pickles: they are opened by `casecnn.text.words.gensim_file`, which runs nothing that a file names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import numpy as np

from casecnn.compressed import binary_kind, open_compressed
from casecnn.errors import InputError
from casecnn.files import check_regular
from casecnn.text.words.encoder import encoded_words, is_encoder
from casecnn.text.words.fasttext_file import is_fasttext, read_fasttext
from casecnn.text.words.gensim_file import is_pickle, read_gensim
from casecnn.text.words.packaged_vectors import OPEN, PACKAGED
from casecnn.text.words.vocabulary import FIRST_WORD, PADDING, Vocabulary

_BLOCK = 1 << 22
_LONGEST_WORD = 100_000  # bytes; a longer one means that the file is of another kind


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and their vectors, float32 [words, numbers]. `vectors[word]` and `word in vectors` look one up.

    A word that is not there is looked up in lower case: many files have no capitals. `in_file` counts the file's words.
    """

    words: tuple[str, ...]
    matrix: np.ndarray
    source: str = ""
    in_file: int = 0
    rows: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", {word: row for row, word in enumerate(self.words)})

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and (word in self.rows or word.lower() in self.rows)

    def __getitem__(self, word: str) -> np.ndarray:
        row = self.rows.get(word)
        return self.matrix[self.rows[word.lower()] if row is None else row]

    @property
    def vector_size(self) -> int:
        """Numbers of a vector."""
        return self.matrix.shape[1]


def load_vectors(which: str | Path, words: Collection[str] | None = None, first: int = 0) -> WordVectors:
    """Read word vectors: those of `words` (and of their lower case) and the `first` ones of the file; None: all.

    `which` is a file, the folder of a sentence encoder (`casecnn.text.words.encoder`), or the name of vectors that come
    in a package (`casecnn.text.words.packaged_vectors`). Of a word that a file has twice the first counts. Raises
    InputError, one line, for a file that cannot be read, is cut off, or is of another kind, and for vectors that are
    not finite numbers; UsageError where a package is not installed.
    """
    if which in PACKAGED:
        return _select(*PACKAGED[str(which)](words, first), words, first, str(which))
    path = Path(which)
    if is_encoder(path):
        return _select(*encoded_words(path, words, first), words, first, str(path))
    check_regular(path)
    if is_pickle(path):
        return _select(*read_gensim(path), words, first, str(path))
    wanted = None
    if words is not None:
        wanted = {w.encode("utf-8", "surrogatepass") for word in words for w in (word, word.lower())}
    with open_compressed(path) as stream:
        head = stream.read(1 << 16)
    if not head:
        raise InputError(f"'{path}' is empty; it must hold word vectors")
    if is_fasttext(head):
        return _select(*read_fasttext(path, words, first), words, first, str(path))
    if (kind := binary_kind(head[:512])) is not None:
        raise InputError(f"'{path}' is {kind}, not word vectors; give a file of word2vec's, GloVe's or gensim's")
    with open_compressed(path) as stream:
        return _collect((_binary if _looks_binary(head) else _text)(stream, path, _Filter(wanted, first)), path)


def is_open(which: str | Path) -> bool:
    """Whether these vectors know every word, because they are made of its letters when it is asked for."""
    if which in PACKAGED:
        return which in OPEN
    path = Path(which)
    if path.is_file():
        with open(path, "rb") as stream:
            return is_fasttext(stream.read(4))
    return is_encoder(path)


def is_keyed(vectors: object) -> bool:
    """Whether these are gensim's KeyedVectors, in memory."""
    return hasattr(vectors, "index_to_key") and hasattr(vectors, "vectors")


def load_all(vectors: Sequence[Any], words: Collection[str] | None, first: int = 0) -> list[WordVectors]:
    """Each of the vectors as WordVectors; what is neither that nor gensim's KeyedVectors is the name of a file."""
    return [
        v
        if isinstance(v, WordVectors)
        else _select(v.index_to_key, v.vectors, words, first, "KeyedVectors")
        if is_keyed(v)
        else load_vectors(v, words, first)
        for v in vectors
    ]


def embedding_table(
    vocabulary: Vocabulary, sets: Sequence[WordVectors], dim: int, rand_range: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """A table of starting vectors, float32 [vocabulary.rows, numbers], and which words are known, bool [words].

    Several sets stand side by side. A word that a set lacks is drawn from U[-a, a] with the variance of the set's known
    words, a = sqrt(3 variance) (Kim 2014, section 3.2); without sets every word is drawn from
    U[-rand_range, rand_range], `dim` numbers. What is drawn for a word depends on the seed and the word alone. Known
    are the words that at least one set has. The pad position's row is zeros, the unknown word's is drawn.
    """
    parts = []
    known = np.zeros(len(vocabulary), bool)
    for number, vectors in enumerate(sets):
        have = [(place, vectors[word]) for place, word in enumerate(vocabulary.words) if word in vectors]
        found = np.array([place for place, _ in have], np.int64)
        values = np.array([vector for _, vector in have], np.float32).reshape(len(have), vectors.vector_size)
        spread = float(np.sqrt(3 * values.var(dtype=np.float64))) if len(have) else rand_range
        known[found] = True
        lacking = np.setdiff1d(np.arange(vocabulary.rows), found + FIRST_WORD)
        table = np.zeros((vocabulary.rows, vectors.vector_size), np.float32)
        table[lacking] = _drawn(vocabulary, lacking, vectors.vector_size, spread, seed + number)
        table[found + FIRST_WORD] = values
        parts.append(table)
    if not parts:
        parts = [_drawn(vocabulary, np.arange(vocabulary.rows), dim, rand_range, seed)]
    whole = np.concatenate(parts, axis=1)
    whole[PADDING] = 0
    return whole, known


def _drawn(vocabulary: Vocabulary, rows: np.ndarray, dim: int, spread: float, seed: int) -> np.ndarray:
    names = ["", "\n", *vocabulary.words]  # no word is like the first two
    values = np.empty((len(rows), dim), np.float32)
    for place, row in enumerate(rows):
        key = crc32(names[row].encode("utf-8", "surrogatepass")), len(names[row]), seed
        values[place] = np.random.Generator(np.random.SFC64(list(key))).uniform(-spread, spread, dim)
    return values


class _Filter:
    """Which words of a file to keep: those wanted, once each, and the first ones."""

    def __init__(self, wanted: set[bytes] | None, first: int) -> None:
        self.wanted, self.first = wanted, first
        self.seen = 0
        self._kept: set[bytes] = set()

    def __call__(self, word: bytes) -> bool:
        self.seen += 1
        if word in self._kept or not (self.wanted is None or self.seen <= self.first or word in self.wanted):
            return False
        self._kept.add(word)
        return True


def _looks_binary(head: bytes) -> bool:
    """Whether a file has word2vec's first line, and what follows the first word is not a number as text."""
    first, _, rest = head.partition(b"\n")
    if not re.fullmatch(rb"\d{1,18} \d{1,18}\s*", first):
        return False
    line = rest.split(b"\n", 1)[0].split(b" ")
    try:
        float(line[1])
        return False
    except (ValueError, IndexError):
        return True


Rows = Iterator[tuple[bytes, np.ndarray]]


def _binary(stream: IO[bytes], path: Path, keep: _Filter) -> Rows:
    r"""word2vec's binary format: "words numbers\n", then for each word its bytes, a blank, and float32 numbers."""
    count, dim = map(int, stream.readline(100).split())
    if not 1 <= dim <= 100_000:
        raise InputError(f"'{path}' has vectors of {dim} numbers; it is no file of word vectors")
    size = 4 * dim
    buffer, place = b"", 0
    for number in range(count):
        while (blank := buffer.find(b" ", place)) < 0 or len(buffer) < blank + 1 + size:
            block = stream.read(max(_BLOCK, size))
            if not block:
                raise InputError(f"'{path}' is truncated: it has {number:,} of {count:,} words")
            if blank < 0 and len(buffer) - place > _LONGEST_WORD:
                raise InputError(f"'{path}' is damaged: word {number + 1:,} has no end")
            buffer, place = buffer[place:] + block, 0
        word = buffer[place:blank].lstrip(b"\n")  # some writers end each vector with a line feed
        place = blank + 1 + size
        if keep(word):
            yield word, np.frombuffer(buffer, "<f4", dim, blank + 1)


def _text(stream: IO[bytes], path: Path, keep: _Filter) -> Rows:
    """Lines of a word and numbers; a first line of two whole numbers is word2vec's, GloVe has none."""
    dim = 0
    for number, line in enumerate(iter(lambda: stream.readline(_BLOCK), b""), 1):
        line = line.rstrip(b" \r\n")
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
            if re.fullmatch(rb"\d{1,18} \d{1,18}", line):
                dim = int(line.split()[1])
                continue
        if not line:
            continue
        parts = line.split(b"\t" if b"\t" in line and b" " not in line else b" ")
        if not dim:
            dim = len(parts) - 1
        word = b" ".join(parts[: len(parts) - dim])  # GloVe 840B has words with blanks in them
        if dim < 1:
            raise InputError(f"'{path}' is no file of word vectors: line {number} must hold a word and its numbers")
        if len(parts) <= dim:
            raise InputError(f"'{path}', line {number}: it must hold a word and {dim} numbers, like line 1")
        if keep(word):
            try:
                with np.errstate(over="ignore"):  # what is too large for float32 is told below, with its word
                    vector = np.array(parts[len(parts) - dim :], "S").astype(np.float32)
                yield word, vector
            except ValueError:
                raise InputError(f"'{path}', line {number}: {_shown(word)} is not followed by numbers") from None


def _collect(rows: Rows, path: Path) -> WordVectors:
    words: list[str] = []
    matrix = np.empty((0, 0), np.float32)
    for word, vector in rows:
        if len(words) == len(matrix):  # grown by halves, so that no second copy of all is ever needed for long
            more = np.empty((max(1024, len(words) // 2), len(vector)), np.float32)
            matrix = np.concatenate([matrix, more]) if words else more
        matrix[len(words)] = vector
        words.append(word.decode("utf-8", "replace"))
    matrix = matrix[: len(words)].copy() if words else matrix
    return _checked(WordVectors(tuple(words), matrix, str(path), len(words)), str(path))


def _select(
    words: Sequence[str], matrix: np.ndarray, wanted: Collection[str] | None, first: int, source: str
) -> WordVectors:
    """Some rows of vectors that are in memory, or mapped into it."""
    if wanted is None:
        return _checked(WordVectors(tuple(words), np.asarray(matrix, np.float32), source, len(words)), source)
    both = {*wanted, *map(str.lower, wanted)}
    rows = [row for row, word in enumerate(words) if row < first or word in both]
    kept = np.array(matrix[rows], np.float32).reshape(len(rows), matrix.shape[1])
    return _checked(WordVectors(tuple(words[row] for row in rows), kept, source, len(words)), source)


def _checked(vectors: WordVectors, source: str) -> WordVectors:
    bad = np.flatnonzero(~np.isfinite(vectors.matrix).all(axis=tuple(range(1, vectors.matrix.ndim))))
    if len(bad):
        raise InputError(f"'{source}' is damaged: the vector of {vectors.words[bad[0]]!r} is not finite")
    return vectors


def _shown(word: bytes) -> str:
    return repr(word[:40].decode("utf-8", "replace"))


def words_of(texts: Iterable[Iterable[str]]) -> set[str]:
    """The different words of cleaned texts."""
    return {word for text in texts for word in text}
