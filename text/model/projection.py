"""Word vectors multiplied with every filter position, once for each word: the convolution becomes look-up and addition.

A filter of window h over words w1 .. wh gives f1·w1 + .. + fh·wh. Each product depends on one word and one position, so
it is computed when the word is first met and kept. Kim's net has 3 + 4 + 5 positions of 100 maps: 1200 numbers a word.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any
from zlib import crc32

import numpy as np

from casecnn.errors import InputError
from casecnn.text.model.model import TextModel
from casecnn.text.words.subwords import rows_of, vector_of
from casecnn.text.words.vocabulary import FIRST_WORD, UNKNOWN

# Words multiplied at once, always as many, and each word always at the same place among them: a matrix product may
# round its last rows differently from its first, and a word's numbers must not depend on the words beside it.
BLOCK = 64
MOST_BYTES = 256 << 20  # of products that are kept; when they are full, all are dropped
MOST_FOUND = 1_000_000  # words outside the vocabulary that are remembered: a stream may bring new ones for ever
VOID = 0  # the slot after a sentence's end: every window that reaches it loses against every window that does not
_ASCII_SIGNS = frozenset(string.punctuation)


class Projection:
    """The products of words with filter positions. Words have rows, as in the embeddings; rows are given slots.

    `tables[window][position]` is float32 [slots, maps]: what the word in a slot adds to the window's maps when it
    stands at that position. `is_word[slot]` tells known words from punctuation and from the unknown, among them words
    that have a vector from their n-grams alone.
    """

    def __init__(self, model: TextModel, vectors: Any = None, most_bytes: int = MOST_BYTES) -> None:
        """`vectors`: where words outside the vocabulary are looked up: `word in vectors`, `vectors[word]`.

        Raises InputError where the vectors are of another length than the model's.
        """
        self.model = model
        self.vectors = vectors
        self._check_length(getattr(vectors, "vector_size", model.dim))
        self._rows = model.rows
        self._found = _Found(model.rows, self._outside)  # with words outside the vocabulary as they are met
        self._found_words: list[str] = []  # those with other vectors; their rows follow the vocabulary's
        self._outsiders = vectors is not None or model.subwords is not None
        self._matrix = _filter_matrix(model)
        own = len(model.words) + FIRST_WORD
        affordable = most_bytes // (4 * self._matrix.shape[1])
        self.capacity = 1 + max(2 * BLOCK, affordable if self._outsiders else min(own, affordable))
        self._slot_of = np.full(own, -1, np.int64)
        self._used = 1
        self.is_word = np.zeros(self.capacity, bool)
        self.tables: dict[int, list[np.ndarray]] = {}
        for window, (weight, _) in model.filters.items():
            tables = [np.empty((self.capacity, len(weight)), np.float32) for _ in range(window)]  # filled bit by bit
            for position, table in enumerate(tables):
                table[VOID] = -np.inf if position == window - 1 else 0
            self.tables[window] = tables

    def rows(self, sentences: Iterable[Sequence[str]], count: int) -> np.ndarray:
        """The rows of all words of all sentences, one after the other (`count` of them in all): int64 [count].

        Rows beyond the vocabulary's are those of `vectors` and n-grams, and hold until the next call.
        """
        words = chain.from_iterable(sentences)
        if not self._outsiders and not self.model.spelling:
            return np.fromiter(map(self._rows.get, words, repeat(UNKNOWN)), np.int64, count)  # type: ignore[arg-type]
        if len(self._found) > len(self._rows) + MOST_FOUND:
            self._found = _Found(self._rows, self._outside)
            self._found_words.clear()
            self._drop_all()
        return np.fromiter(map(self._found.__getitem__, words), np.int64, count)

    def prepare(self, rows: np.ndarray) -> None:
        """Computes the products of all these rows in one go, if there is room for them; else nothing."""
        self._make_room()
        absent = self._slot_of[rows] < 0
        if not absent.any():
            return
        missing = np.unique(rows[absent])
        if self._used + len(missing) <= self.capacity:
            self._fill(missing)

    def slots(self, rows: np.ndarray) -> np.ndarray:
        """The slots of rows (at most `capacity - 1` different ones); products that are missing are computed.

        A later call may give the slots to other rows.
        """
        self._make_room()
        slots = self._slot_of[rows]
        if slots.size and slots.min() < 0:
            missing = np.unique(rows[slots < 0])
            if self._used + len(missing) > self.capacity:
                self._drop_all()
                missing = np.unique(rows)
            self._fill(missing)
            slots = self._slot_of[rows]
        return slots

    def _make_room(self) -> None:
        """Rows for words that were found in the vectors."""
        if len(self._slot_of) < len(self.model.words) + FIRST_WORD + len(self._found_words):
            more = np.full(len(self._slot_of) + len(self._found_words), -1, np.int64)
            self._slot_of = np.concatenate([self._slot_of, more])

    def _outside(self, word: str) -> int:
        """Return the row of a word outside the vocabulary: in the vectors, by its spelling, its n-grams, or UNKNOWN."""
        if not (self.vectors is not None and word in self.vectors):
            row = self.model.row(word)
            if row != UNKNOWN or self.model.subwords is None or not rows_of(word, len(self.model.subwords)):
                return row
        self._found_words.append(word)
        return len(self.model.words) + FIRST_WORD + len(self._found_words) - 1

    def _drop_all(self) -> None:
        self._slot_of.fill(-1)
        self._used = 1

    def _fill(self, rows: np.ndarray) -> None:
        """Computes the products of rows, which rise, into the next free slots."""
        own = len(self.model.words) + FIRST_WORD
        places = rows % BLOCK
        for number in np.flatnonzero(rows >= own):
            places[number] = crc32(self._found_words[rows[number] - own].encode("utf-8", "surrogatepass")) % BLOCK
        for chosen in _apart(places):
            block, place = rows[chosen], places[chosen]
            inside = block < own
            vectors = np.zeros((BLOCK, self._matrix.shape[0]), np.float32)
            vectors[place[inside]] = np.concatenate([channel[block[inside]] for channel in self.model.embeddings], 1)
            words = [self.model.words[row - FIRST_WORD] if row >= FIRST_WORD else "" for row in block[inside].tolist()]
            others = [self._found_words[row - own] for row in block[~inside].tolist()]
            for where, word in zip(place[~inside], others, strict=True):
                vectors[where] = np.tile(self._vector(word), len(self.model.embeddings))
            words += [word if self.vectors is not None and word in self.vectors else "" for word in others]
            products = (vectors @ self._matrix)[place]
            free = slice(self._used, self._used + len(block))
            column = 0
            for tables in self.tables.values():
                for table in tables:
                    table[free] = products[:, column : column + table.shape[1]]
                    column += table.shape[1]
            self.is_word[free] = [any(map(_is_letter, word)) for word in words]
            self._slot_of[block] = np.arange(free.start, free.stop)
            self._used = free.stop

    def _vector(self, word: str) -> np.ndarray:
        if self.vectors is None or word not in self.vectors:
            assert self.model.subwords is not None
            found = vector_of(word, self.model.subwords)
            assert found is not None
            return found
        vector = np.asarray(self.vectors[word], np.float32)
        self._check_length(vector.size)
        if not np.isfinite(vector).all():
            raise InputError(f"the vector of {word!r} holds numbers that are not finite")
        return vector.reshape(-1)

    def _check_length(self, length: int) -> None:
        if length != self.model.dim:
            raise InputError(
                f"the vectors have {length} numbers a word, the model's have {self.model.dim}; "
                "give the vectors that the model was trained with"
            )


class _Found(dict[str, int]):
    """Rows of words, found out for a new word when it is first asked for."""

    def __init__(self, rows: Mapping[str, int], find: Callable[[str], int]) -> None:
        super().__init__(rows)
        self.find = find

    def __missing__(self, word: str) -> int:
        row = self[word] = self.find(word)
        return row


def _apart(places: np.ndarray) -> list[np.ndarray]:
    """Groups of numbers whose places differ, rising: as few as that takes."""
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], places[order])
    group = np.empty(len(places), np.int64)
    group[order] = np.arange(len(places)) - starts
    return [np.flatnonzero(group == number) for number in range(int(group.max(initial=-1)) + 1)]


def _filter_matrix(model: TextModel) -> np.ndarray:
    """All filters as columns: [channels * dim, maps of every position of every window], float32."""
    columns = [
        weight[:, :, position].reshape(len(weight), -1).T
        for window, (weight, _) in model.filters.items()
        for position in range(window)
    ]
    return np.ascontiguousarray(np.concatenate(columns, axis=1))


def _is_letter(character: str) -> bool:
    """Whether a token with this character is a word, not punctuation: letters, digits, emoji and other symbols."""
    return character not in _ASCII_SIGNS and not unicodedata.category(character).startswith(("P", "Z", "C"))
