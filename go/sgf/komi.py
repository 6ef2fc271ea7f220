"""The komi of a game, in the forms in which servers, editors and people write it.

`docs/sgf.md` has the table of the forms and where they come from. What is not certain gives a warning that names the
value taken; nothing else is ever taken in silence.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from casecnn.go.board.record import DEFAULT_KOMI

_LARGEST = 361.0
_LARGEST_USUAL = 30.0  # in games on any board; beyond, a decimal point may be missing
_CHINESE_COUNT = 4.25  # half of 8.5: the largest komi that is written as half of the difference
_HANDICAP_KOMI = 0.5
_NUMBER = r"(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})"
_PLAIN = re.compile(rf"([+-]?{_NUMBER})")
_FRACTION = re.compile(rf"([+-]?)({_NUMBER})?(?:\s*(?:and|又|と|[+&])?\s*)([123])/([24])")
_WORDS = re.compile(
    r"komi|points?|pts?|moku|stones?|dum|黑|黒|白|贴|貼|還|还|倒|コミ|コミ出し|込み|目|子|点|點|出し|집|덤|호|공제|"
    r"for|white|to|w|is|[:=：()（）\"'\s]+",
    re.IGNORECASE,
)
_HALF = re.compile(r"(?:and\s+a|and|a|又|と)?\s*(?:half|半|반)", re.IGNORECASE)
_WORD_NUMBERS = {
    word: number
    for number, words in enumerate(
        ("zero no 零 〇 無 无", "one 一 壹 일", "two 二 两 兩 貳 이", "three 三 叁 삼", "four 四 肆 사",
         "five 五 伍 오", "six 六 陸 陆 육 륙", "seven 七 柒 칠", "eight 八 捌 팔", "nine 九 玖 구", "ten 十 拾 십")
    )
    for word in words.split()
}  # fmt: skip
_ANY_WORD_NUMBER = re.compile("|".join(sorted(_WORD_NUMBERS, key=len, reverse=True)), re.IGNORECASE)
_STONES_COUNTED = re.compile(r"[子]")  # a count of stones (子): half of a difference in points
_REVERSED = re.compile(r"倒贴|倒貼|reverse|逆コミ|역덤", re.IGNORECASE)


class Komi(NamedTuple):
    """The komi in points, and a warning where it is not certain."""

    points: float
    warning: str = ""


def read_komi(text: str, *, program: str = "", rules: str = "", handicap: int = 0) -> Komi:
    """The komi behind the text of KM (or KO), from the program that AP names, under the rules of RU.

    A game of casecnn's own (``program``) is taken as it stands. Never fails: what is no komi is the default.
    """
    shown = f"KM[{text[:20]}]"
    if program.startswith("casecnn"):
        try:
            own = float(text)
        except ValueError:
            own = float("nan")
        if abs(own) <= 1000:
            return Komi(own)
    found = _number_in(text)
    if found is None:
        return Komi(DEFAULT_KOMI, f"{shown} is not a komi; taken as {DEFAULT_KOMI:g}")
    number, stones = found
    if program == "foxwq":
        return _of_fox(shown, number, rules, handicap)
    if stones:
        return Komi(2 * number)
    return _usual(shown, number, rules)


def komi_of(text: str) -> float | None:
    """The komi in points behind a text alone; None where it cannot be one. See `read_komi`."""
    if _number_in(text) is None:
        return None
    komi = read_komi(text)
    return komi.points if abs(komi.points) <= _LARGEST and "is not a komi" not in komi.warning else None


def _usual(shown: str, number: float, rules: str) -> Komi:
    """A number from a program that is not known: points, half of a difference, or hundredths of these."""
    size = abs(number)
    sign = -1.0 if number < 0 else 1.0
    if size >= 100:
        points = _from_count(size / 100, rules)
        usual = points * 2 % 1 == 0 and 4.5 <= points <= 8.5
        if points > _LARGEST:
            return Komi(DEFAULT_KOMI, f"{shown} is not a komi; taken as {DEFAULT_KOMI:g}")
        taken = Komi(sign * points)
        return taken if usual else taken._replace(warning=f"{shown} is taken as {sign * points:g}, from hundredths")
    if size * 4 % 2 == 1:  # an odd number of quarters
        if size <= _CHINESE_COUNT:
            return Komi(2 * number)
        return Komi(number, f"{shown} is an unusual komi; taken as {number:g}")
    if size > _LARGEST_USUAL and size % 10 == 5 and 45 <= size <= 85:
        return Komi(number / 10, f"{shown} is taken as {number / 10:g}, with a decimal point that is missing")
    if size > _LARGEST_USUAL:
        return Komi(number, f"{shown} is an unusual komi; taken as {number:g}")
    if (size * 2) % 1:
        return Komi(number, f"{shown} is no whole number of half points; taken as {number:g}")
    return Komi(number)


def _of_fox(shown: str, number: float, rules: str, handicap: int) -> Komi:
    """Fox Weiqi writes hundredths: of points, or of half the difference as it is counted in China."""
    if number == 0:
        return Komi(_HANDICAP_KOMI if handicap else 0.0)
    if abs(number) < 20:  # written again by a program that keeps AP
        return _usual(shown, number, rules)
    points = _from_count(abs(number) / 100, rules)
    if points > _LARGEST_USUAL:
        return Komi(DEFAULT_KOMI, f"{shown} is not a komi; taken as {DEFAULT_KOMI:g}")
    return Komi(-points if number < 0 else points)


def _from_count(count: float, rules: str) -> float:
    """Points behind a number that may be half of the difference: an odd number of quarters, or 3.5 in China."""
    if count * 4 % 2 == 1 and count <= _CHINESE_COUNT:
        return 2 * count
    if count == 3.5 or (1 < count <= 4 and "chinese" in rules.lower() and count * 2 % 1 == 0):
        return 2 * count
    return count


def _number_in(text: str) -> tuple[float, bool] | None:
    """The number that a text names, and whether it counts stones (子); None where it names none or several."""
    text = unicodedata.normalize("NFKC", text).strip().lower()  # full-width digits, ½ as 1⁄2
    text = re.sub(r"(?<=[0-9])(?=[123]\u2044[24])", " ", text).replace("\u2044", "/")
    text = text.replace("−", "-").replace("–", "-").replace("'", "")
    text = re.sub(r"\([^()0-9]*\)", " ", text)  # "7.5 (Chinese)"
    text = re.sub(r"(?<=[0-9]),(?=[0-9]{0,2}(?![0-9]))", ".", text)
    sign = -1.0 if _REVERSED.search(text) else 1.0
    stones = bool(_STONES_COUNTED.search(text))
    text = _REVERSED.sub("", text)
    text = re.sub(r"四分之([一二三1-3])", lambda m: f" {_WORD_NUMBERS.get(m[1], m[1])}/4", text)
    half = bool(_HALF.search(text))
    text = _HALF.sub(" ", text)
    text = (
        _ANY_WORD_NUMBER.sub(lambda m: str(_WORD_NUMBERS[m[0].lower()]), text)
        if not text.isascii()
        else (re.sub(rf"\b(?:{_ANY_WORD_NUMBER.pattern})\b", lambda m: str(_WORD_NUMBERS[m[0].lower()]), text))
    )
    text = _strip(text)
    if match := _FRACTION.fullmatch(text):
        value = float(match[2] or 0) + int(match[3]) / int(match[4])
        return sign * (-value if match[1] == "-" else value), stones
    if match := _PLAIN.fullmatch(text):
        value = float(match[1])
        return sign * (value + (0.5 if value >= 0 else -0.5) if half else value), stones
    return (sign * 0.5, stones) if half and not text else None


def _strip(text: str) -> str:
    """The text without the words that stand around a komi."""
    text = re.sub(r"(?<=[0-9])\s+(?=[123]/[24])", "+", text.strip())
    return _WORDS.sub("", text).strip()
