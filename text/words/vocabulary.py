"""The words that a model knows, and texts as numbers of words."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from casecnn.checks import whole

_BLOCK = 1 << 16  # texts that are copied at once
PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2  # rows of an embedding: the pad position, the unknown word, words[0]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words in a fixed order: `words[i]` has the number i + 2; 0 is the pad position, 1 any word not listed here."""

    words: tuple[str, ...]
    numbers: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))
        object.__setattr__(self, "numbers", {word: i for i, word in enumerate(self.words, FIRST_WORD)})
        if len(self.numbers) != len(self.words):
            raise ValueError("the words of a vocabulary must differ from each other")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.numbers

    @property
    def rows(self) -> int:
        """Rows of an embedding for these words: two more than there are words."""
        return len(self.words) + FIRST_WORD

    def encode(self, texts: Iterable[Sequence[str]], max_length: int | None = None) -> Encoded:
        """Number the words of texts that are cleaned already; what comes after `max_length` words is left out."""
        get = self.numbers.get
        lengths: list[int] = []
        numbers: list[int] = []
        for words in texts:
            kept = words if max_length is None else words[:max_length]
            numbers += [get(word, UNKNOWN) for word in kept]
            lengths.append(len(kept))
        return Encoded(np.array(numbers, np.int32), _offsets(lengths))


class Numbering(dict[str, int]):
    """Numbers for words in the order in which they come, so that texts need not be kept as words.

    A word takes 4 bytes then, where a string in a list takes some 60.
    """

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number

    def add(self, texts: Iterable[str], clean: Callable[[str], list[str]]) -> Encoded:
        """Clean texts and number their words, new ones too; the cleaned words are not kept."""
        numbers, lengths = array("i"), array("q")
        for text in texts:
            words = clean(text)
            numbers.extend(map(self.__getitem__, words))
            lengths.append(len(words))
        return Encoded(np.frombuffer(numbers, np.int32) if numbers else np.zeros(0, np.int32), _offsets(lengths))

    def counts(self, texts: Encoded) -> dict[str, int]:
        """Return how often each word occurs in texts with these numbers; words that do not are left out."""
        counts = np.bincount(texts.words, minlength=len(self)).tolist()
        return {word: count for word, count in zip(self, counts, strict=True) if count}

    def as_in(self, texts: Encoded, vocabulary: Vocabulary, max_length: int | None = None) -> Encoded:
        """Return texts with a vocabulary's numbers; what comes after ``max_length`` words is left out."""
        numbers = np.array([vocabulary.numbers.get(word, UNKNOWN) for word in self], np.int32)
        texts = texts if max_length is None else texts.cut(max_length)
        return Encoded(numbers[texts.words], texts.offsets)


def _offsets(lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return where texts of these lengths begin, and where the last one ends: int64 [texts + 1]."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as word numbers, one after the other: text i is `words[offsets[i]:offsets[i + 1]]`.

    `words` is int32 [all words], `offsets` int64 [texts + 1].
    """

    words: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self.words[self.offsets[index] : self.offsets[index + 1]]

    def take(self, indices: np.ndarray) -> Encoded:
        """Return the texts with these numbers, in this order."""
        return self._slices(self.offsets[indices], np.diff(self.offsets)[indices])

    def cut(self, most: int) -> Encoded:
        """Return the texts without what comes after their first words, at most this number of them."""
        return self._slices(self.offsets[:-1], np.minimum(np.diff(self.offsets), most))

    def _slices(self, begins: np.ndarray, lengths: np.ndarray) -> Encoded:
        offsets = _offsets(lengths)
        words = np.empty(offsets[-1], np.int32)
        for first in range(0, len(lengths), _BLOCK):  # places take twice the memory of the words
            here = slice(first, first + _BLOCK)
            start, end = offsets[first], offsets[min(first + _BLOCK, len(lengths))]
            places = np.repeat(begins[here] - offsets[:-1][here], lengths[here]) + np.arange(start, end)
            words[start:end] = self.words[places]
        return Encoded(words, offsets)


def build_vocabulary(texts: Iterable[Sequence[str]], min_count: int = 1, extra: Iterable[str] = ()) -> Vocabulary:
    """Return the vocabulary of cleaned texts; see `vocabulary_of`."""
    counts: Counter[str] = Counter()
    for words in texts:
        counts.update(words)
    return vocabulary_of(counts, min_count, extra)


def vocabulary_of(counts: Mapping[str, int], min_count: int = 1, extra: Iterable[str] = ()) -> Vocabulary:
    """Return the words that occur at least ``min_count`` times, the most frequent first, ties by alphabet.

    Then come the words of ``extra`` that are not among them, in their order. Raises UsageError for a ``min_count``
    below 1.
    """
    whole("min_count", min_count, 1)
    kept = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
    return Vocabulary(tuple(dict.fromkeys([*kept, *extra])))
