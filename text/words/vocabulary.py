"""The words that a model knows, and texts as numbers of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from casecnn.errors import UsageError

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
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return Encoded(np.array(numbers, np.int32), offsets)


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
        """The texts with these numbers, in this order."""
        begins, lengths = self.offsets[indices], np.diff(self.offsets)[indices]
        offsets = np.zeros(len(indices) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        places = np.repeat(begins - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Encoded(self.words[places], offsets)


def build_vocabulary(texts: Iterable[Sequence[str]], min_count: int = 1, extra: Iterable[str] = ()) -> Vocabulary:
    """The words that occur at least `min_count` times in cleaned texts, the most frequent first, ties by alphabet.

    Then come the words of `extra` that are not among them, in their order. The order of the texts makes no difference.
    Raises UsageError for a `min_count` below 1.
    """
    if min_count < 1:
        raise UsageError(f"`min_count` (={min_count}) must be at least 1")
    counts: Counter[str] = Counter()
    for words in texts:
        counts.update(words)
    kept = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
    return Vocabulary(tuple(dict.fromkeys([*kept, *extra])))
