"""What the header of an SGF game says, with the deviations of real servers and editors read as they are meant.

Properties are looked for from the root to the first node with a move, because some servers write an empty first node;
of a property that is given several times the first value counts. Whatever is odd but harmless gives a warning, and
only what would make the moves meaningless (another game, a board that is not square or too large) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sgfmill import sgf_grammar

from casecnn.go.board.record import DEFAULT_KOMI, MAX_SIZE, MIN_SIZE
from casecnn.go.sgf.failure import printable

DEFAULT_SIZE = 19
_LONGEST_TEXT = 200
_BLACK_WON = re.compile(r"\s*(?:b(?:lack)?\s*(?:\+|wins?\b)|(?:黑|黒)[^和]*[胜勝])", re.IGNORECASE)
_WHITE_WON = re.compile(r"\s*(?:w(?:hite)?\s*(?:\+|wins?\b)|白[^和]*[胜勝])", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,4})(?:\s*[:x]\s*(\d{1,4}))?", re.IGNORECASE)
_KOMI = re.compile(r"([+-]?(?:[0-9]{1,9}(?:[.,][0-9]{0,9})?|[.,][0-9]{1,9}))(?![0-9.,])[^0-9]*")


class NotRead(Exception):
    """A game that cannot be taken: the reason to count it under, and the rest of the sentence after its name."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass
class Header:
    """The facts of a game before its first move; ``to_play`` is the PL property, 0 where there is none."""

    size: int = DEFAULT_SIZE
    komi: float = DEFAULT_KOMI
    handicap: int = 0
    result: str = ""
    winner: int = 0
    rules: str = ""
    black: str = ""
    white: str = ""
    warnings: list[str] = field(default_factory=list)


def read_header(nodes: Iterable[Mapping[str, Sequence[bytes]]], encoding: str = "utf-8") -> Header:
    """The header of the game that starts with ``nodes``; raises `NotRead` for a game or board that is not read."""
    found: dict[str, str] = {}
    for node in nodes:
        for name in _WANTED:
            if name in node and name not in found:
                value = sgf_grammar.simpletext_value(bytes(node[name][0]))
                found[name] = printable(value.decode(encoding, "replace").strip()[:_LONGEST_TEXT])
        if "B" in node or "W" in node:
            break
    warnings: list[str] = []
    _check_game(found.get("GM"), warnings)
    size = _read_size(found.get("SZ"), warnings)
    result = found.get("RE", "")
    return Header(
        size=size,
        komi=_read_komi(found.get("KM"), warnings),
        handicap=_read_handicap(found.get("HA"), size, warnings),
        result=result,
        winner=winner_of(result),
        rules=found.get("RU", ""),
        black=found.get("PB", ""),
        white=found.get("PW", ""),
        warnings=warnings,
    )


_WANTED = ("GM", "SZ", "KM", "HA", "RE", "RU", "PB", "PW")


def winner_of(result: str) -> int:
    """1 or 2 for a result that names the winner (``B+R``, ``White wins``, ``W+0.5``), 0 for any other."""
    return 1 if _BLACK_WON.match(result) else 2 if _WHITE_WON.match(result) else 0


def komi_of(text: str) -> float | None:
    """The komi in points behind what servers write; None where it cannot be one.

    A comma is a decimal point. A magnitude of 100 or more is in hundredths (650 is 6.5). An odd number of quarters is
    Chinese counting, where the score is half of the difference (3.75, and so 375, is 7.5). The result is at most 361.
    """
    match = _KOMI.fullmatch(text.replace("½", ".5"))
    if not match:
        return None
    komi = float(match.group(1).replace(",", "."))
    if abs(komi) >= 100:
        komi /= 100
    if komi * 4 % 2 == 1:
        komi *= 2
    return komi if abs(komi) <= 361 else None


def _check_game(text: str | None, warnings: list[str]) -> None:
    if not text or text == "1":
        return
    if text.isascii() and text.isdigit():
        raise NotRead("not Go", f"is not a game of Go: GM is {text[:10]}, Go is 1")
    warnings.append(f"GM[{text[:20]}] is not a number; read as Go")


def _read_size(text: str | None, warnings: list[str]) -> int:
    if text is None:
        return DEFAULT_SIZE
    if not text:
        warnings.append(f"SZ is empty; the board is taken as {DEFAULT_SIZE}x{DEFAULT_SIZE}")
        return DEFAULT_SIZE
    match = _SIZE.fullmatch(text)
    if not match:
        raise NotRead("board size", f"has SZ[{text[:20]}]; the size must be a number from {MIN_SIZE} to {MAX_SIZE}")
    columns, rows = int(match.group(1)), int(match.group(2) or match.group(1))
    if columns != rows:
        raise NotRead("board size", f"has a board of {columns}x{rows}; only square boards are read")
    if not MIN_SIZE <= columns <= MAX_SIZE:
        raise NotRead("board size", f"has a board of {columns}x{columns}; sizes {MIN_SIZE} to {MAX_SIZE} are read")
    return columns


def _read_komi(text: str | None, warnings: list[str]) -> float:
    if text is None:
        return DEFAULT_KOMI
    komi = komi_of(text)
    if komi is None:
        warnings.append(f"KM[{text[:20]}] is not a komi; taken as {DEFAULT_KOMI}")
        return DEFAULT_KOMI
    return komi


def _read_handicap(text: str | None, size: int, warnings: list[str]) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit() and int(text[:6]) < size * size:
        return int(text)
    warnings.append(f"HA[{text[:20]}] is not a handicap from 0 to {size * size - 1}; taken as 0")
    return 0
