"""The word that a mistyped word was meant to be, among those that a model knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from string import ascii_lowercase

SHORTEST = 5  # letters of a word that is looked for; shorter ones are near too many others
_REPEATED = re.compile(r"(.)\1{2,}")
_DOUBLED = re.compile(r"(.)\1+")
_WORD = re.compile(r"[a-z]+")


class Speller:
    """Finds words by one edit: a letter too many, too few, another one, or two that changed places.

    Doubled letters count as one, so that "dissapointed" and "sooooo" are found too. The first letter stays. Of several
    words the one that stands first counts, so ``words`` come by frequency. Source: Norvig, "How to write a spelling
    corrector" (2007).

    >>> Speller(["disappointed", "terrible", "so"]).nearest("dissapointed")
    'disappointed'
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def nearest(self, word: str) -> str | None:
        """Return the word that is meant by ``word``, which is not among the words; None where there is none."""
        if not _WORD.fullmatch(word):
            return None
        once = (_REPEATED.sub(letters, word) for letters in (r"\1", r"\1\1"))
        if _REPEATED.search(word) and (meant := next((form for form in once if form in self._places), None)):
            return meant
        if len(word) < SHORTEST:
            return None
        plain = _DOUBLED.sub(r"\1", word)
        known = self._undoubled
        found = [known[form] for form in (plain, *edits(plain)) if form in known]
        return self.words[min(found)] if found else None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words) if _WORD.fullmatch(word)}

    @cached_property
    def _undoubled(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for word, place in self._places.items():
            if len(word) >= SHORTEST - 1:
                found.setdefault(_DOUBLED.sub(r"\1", word), place)
        return found


def edits(word: str) -> Iterator[str]:
    """Yield what one edit makes of a word; its first letter stays."""
    for place in range(1, len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in ascii_lowercase:
            yield before + letter + after
            if after:
                yield before + letter + after[1:]
