"""From a text to its words: the cleaning rules of Kim's experiments, and others for texts that those rules would maul.

The rules follow the description of `clean_str` and `clean_str_sst` in the code of Kim 2014 with one deliberate
difference: there, parentheses and question marks come out with a backslash before them, an accident of the
replacement strings, and so never meet a word of the pre-trained vectors. Here they are plain `(`, `)`, `?`. The number
of different words stays the same: 18,765 on MR, 6,246 on MPQA.

Pure Python: a program that only predicts loads nothing else for it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable

from casecnn.checks import one_of

Cleaning = Callable[[str], list[str]]

_PIECES = re.compile(r"[A-Za-z0-9'`]+|[(),!?]")
_STUCK = re.compile(r"[A-Za-z0-9'`(),!?]+")
_CLITIC = re.compile(r"(?=n't|'(?:s|ve|re|d|ll))")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_ENDLESS = re.compile(r"&#[0-9]{100,};?")  # no character has such a number, and Python refuses to read it
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\uff07": "'", "\u00b4": "'"})
# Scripts that are written without blanks between words: kana and ideographs; Thai, Lao, Tibetan, Burmese, Khmer.
_CHARACTERS = (
    "\u3040-\u30ff\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0f40-\u0fbc\u1000-\u1049\u1050-\u109f\u1780-\u17d3"
)
# What belongs to the character before: vowel signs and tones; in Khmer and Burmese also the consonant below it.
_BELOW = (
    "\u3099\u309a\uff9e\uff9f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u0f8d-\u0fbc"
    "\u102b-\u1038\u103a-\u103e\u1056-\u1059\u17b4-\u17d1\u17d3\ufe00-\ufe0f\U000e0100-\U000e01ef"
)
_MARKS = r"\s!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u205e\u3001-\u303f\uff01-\uff0f\uff1a-\uff20"
_CLUSTER = rf"[{_CHARACTERS}](?:[{_BELOW}]|[\u1039\u17d2].)*"
_EMOJI = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff"
_SIGN = rf"[{_EMOJI}](?:[\U0001f3fb-\U0001f3ff\ufe0f]|\u200d[{_EMOJI}])*"  # with its skin colour, or joined to another
_WORD = rf"(?:(?![{_CHARACTERS}{_EMOJI}])[^{_MARKS}])+"
_UNICODE = re.compile(rf"{_CLUSTER}|{_SIGN}|{_WORD}(?:['\u2019]{_WORD})*|\S")
_SINGLE = re.compile(rf"{_CLUSTER}|{_SIGN}|\S[\u0300-\u036f\u064b-\u065f]*|\s+")


def mr(text: str) -> list[str]:
    """Kim's rule for MR, Subj, CR and MPQA.

    Everything but ASCII letters, digits and ``(),!?'` `` separates words; `n't 's 've 're 'd 'll` (in lower case) are
    split from the word before; each of ``(),!?`` is a word; lower case.
    """
    return _lower(_split(text))


def trec(text: str) -> list[str]:
    """As `mr`, but capitals stay: Kim's rule for TREC."""
    return _split(text)


def sst(text: str) -> list[str]:
    """Kim's rule for SST, which is tokenised already: the characters of `mr`, nothing split off, lower case."""
    return _lower(_STUCK.findall(text))


def folded(text: str) -> list[str]:
    """As `mr`, for text as people write it: first HTML tags and entities, accents and curly quotes are made plain.

    `clichés`, which `mr` cuts into `clich` and `s`, becomes `cliches`; `DON’T` becomes `do n't`.
    """
    if "&" in text:
        text = html.unescape(_ENDLESS.sub(" ", text))
    if "<" in text:
        text = _TAG.sub(" ", text)
    if not text.isascii():
        text = text.translate(_QUOTES)
        # one character at a time: the accents, whose order is all that this changes, go, and take NFKD quadratic time
        text = text.translate({ord(c): _bare(unicodedata.normalize("NFKD", c)) for c in set(text) if not c.isascii()})
    return _split(text.lower())


def unicode(text: str) -> list[str]:
    """For any language: words of any script in lower case (apostrophes inside stay), each mark a word of its own.

    Where no blanks divide words, in Chinese, Japanese, Thai, Lao, Tibetan, Burmese and Khmer, each character with its
    vowel signs and tones is a word of its own; a window of 3 to 5 of them is what a window of words is elsewhere.
    """
    return _UNICODE.findall(text.lower())


def characters(text: str) -> list[str]:
    """For any language: each character in lower case, with its accents, blanks as `_`, so that windows see n-grams.

    Letters of full width become plain ones, and so do other forms of one character (Unicode's NFKC).
    """
    text = text.strip().lower()
    if not text.isascii():
        text = text.translate({ord(c): unicodedata.normalize("NFKC", c) for c in set(text) if not c.isascii()})
    return ["_" if token.isspace() else token for token in _SINGLE.findall(text)]


def none(text: str) -> list[str]:
    """Split at white space, nothing else: for text that is tokenised already."""
    return text.split()


CLEANINGS: dict[str, Cleaning] = {
    "mr": mr,
    "sst": sst,
    "trec": trec,
    "folded": folded,
    "unicode": unicode,
    "characters": characters,
    "none": none,
}


def cleaning(name: str) -> Cleaning:
    """Return the rule of that name; raises UsageError where there is none."""
    return CLEANINGS[one_of("cleaning", name, tuple(CLEANINGS))]


def kept_letters(rule: str, texts: Iterable[str], most: int = 200_000) -> tuple[int, int]:
    """Return how many letters and digits a cleaning leaves of texts, and how many there are, in about ``most``.

    HTML tags are left out of both.
    """
    clean = cleaning(rule)
    kept = seen = 0
    for text in texts:
        text = _TAG.sub(" ", html.unescape(_ENDLESS.sub(" ", text)))
        seen += sum(map(str.isalnum, text))
        kept += sum(sum(map(str.isalnum, word)) for word in clean(text))
        if seen >= most:
            break
    return kept, seen


def _bare(text: str) -> str:
    """Without combining characters: accents that stand alone."""
    return "".join(c for c in text if not unicodedata.combining(c))


def _split(text: str) -> list[str]:
    words = _PIECES.findall(text)
    if "'" not in text:
        return words
    parts: list[str] = []
    for word in words:
        if "'" in word:
            parts += [part for part in _CLITIC.split(word) if part]
        else:
            parts.append(word)
    return parts


def _lower(words: list[str]) -> list[str]:
    return "\n".join(words).lower().split("\n") if words else []
