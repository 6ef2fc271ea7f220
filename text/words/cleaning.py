"""From a text to its words: the cleaning rules of Kim's experiments, and two for texts that those rules would maul.

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
from collections.abc import Callable

from casecnn.checks import one_of

Cleaning = Callable[[str], list[str]]

_PIECES = re.compile(r"[A-Za-z0-9'`]+|[(),!?]")
_STUCK = re.compile(r"[A-Za-z0-9'`(),!?]+")
_CLITIC = re.compile(r"(?=n't|'(?:s|ve|re|d|ll))")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_ENDLESS = re.compile(r"&#[0-9]{100,};?")  # no character has such a number, and Python refuses to read it
_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\uff07": "'", "\u00b4": "'"})
_CHARACTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and ideographs, written without blanks
_MARKS = r"\s!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u205e\u3001-\u303f\uff01-\uff0f\uff1a-\uff20"
_WORD = rf"(?:(?![{_CHARACTERS}])[^{_MARKS}])+"
_UNICODE = re.compile(rf"[{_CHARACTERS}]|{_WORD}(?:['\u2019]{_WORD})*|\S")


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

    Chinese and Japanese characters are words of their own, since no blanks divide them; a window of 3 to 5 of them is
    what a window of words is elsewhere.
    """
    return _UNICODE.findall(text.lower())


def none(text: str) -> list[str]:
    """Split at white space, nothing else: for text that is tokenised already."""
    return text.split()


CLEANINGS: dict[str, Cleaning] = {
    "mr": mr,
    "sst": sst,
    "trec": trec,
    "folded": folded,
    "unicode": unicode,
    "none": none,
}


def cleaning(name: str) -> Cleaning:
    """Return the rule of that name; raises UsageError where there is none."""
    return CLEANINGS[one_of("cleaning", name, tuple(CLEANINGS))]


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
