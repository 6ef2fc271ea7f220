"""The word that a mistyped word was meant to be, among those that a model knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from string import ascii_lowercase

SHORTEST = 3  # letters of a word that is looked for
SHORT = 4  # letters up to which a word is near too many others: it has lost a letter, doubled one, or swapped two
COMMON = 3000  # words, the most frequent ones, that a short word may be meant to be
RARER = 0.1  # how likely one letter for another or one too many is, to a letter lost: there are 26 times as many
_REPEATED = re.compile(r"(.)\1{2,}")
_DOUBLED = re.compile(r"(.)\1+")
_WORD = re.compile(r"[a-z]+")


class Speller:
    """Finds words by one edit: a letter too many, too few, another one, or two that changed places.

    Doubled letters count as one, so that "dissapointed" and "sooooo" are found too. The first letter stays. Of several
    words the likeliest counts: by Zipf's law from its place, so ``words`` come by frequency, times what its edit is
    likely to be. Source: Norvig, "How to write a spelling corrector" (2007).

    >>> Speller(["disappointed", "terrible", "so"]).nearest("dissapointed")
    'disappointed'
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def nearest(self, word: str) -> str | None:
        """Return the word that is meant by ``word``, which is not among the words; None where there is none."""
        if not _WORD.fullmatch(word):
            return None
        if _REPEATED.search(word):
            once = {_REPEATED.sub(letters, word) for letters in (r"\1", r"\1\1")}
            if meant := [self._places[form] for form in once if form in self._places]:
                return self.words[min(meant)]
        if len(word) < SHORTEST:
            return None
        plain = _DOUBLED.sub(r"\1", word)
        chances: dict[int, float] = {}
        for form, chance in ((plain, 1.0), *edits(plain)):
            if (place := self._undoubled.get(form)) is None:
                continue
            if len(word) <= SHORT and (chance < 1 or place >= COMMON or len(self.words[place]) < len(word)):
                continue
            chances[place] = max(chances.get(place, 0), chance / (place + 10))
        return self.words[max(chances, key=lambda place: (chances[place], -place))] if chances else None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words) if _WORD.fullmatch(word)}

    @cached_property
    def _undoubled(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for word, place in self._places.items():
            if len(word) >= SHORT:
                found.setdefault(_DOUBLED.sub(r"\1", word), place)
        return found


def edits(word: str) -> Iterator[tuple[str, float]]:
    """Yield what one edit makes of a word, whose first letter stays, and how likely that mistake was."""
    for place in range(1, len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:], RARER
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:], 1.0
        for letter in ascii_lowercase:
            yield before + letter + after, 1.0
            if after:
                yield before + letter + after[1:], RARER
