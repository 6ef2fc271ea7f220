"""What the header of an SGF game says, with the deviations of real servers and editors read as they are meant.

Properties are looked for from the root to the first node with a move, because some servers write an empty first node;
of a property that is given several times the first value counts. Whatever is odd but harmless gives a warning, and
only what would make the moves meaningless (another game, a board that is not square or too large) is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sgfmill import sgf_grammar

from casecnn.go.board.record import DEFAULT_KOMI, MAX_SIZE, MIN_SIZE
from casecnn.go.board.rulesets import ruleset
from casecnn.go.board.sizes import oblong
from casecnn.go.sgf.failure import NotRead, printable
from casecnn.go.sgf.komi import read_komi

DEFAULT_SIZE = 19
_LONGEST_TEXT = 200
_BLACK_WON = re.compile(r"\s*(?:b(?:lack)?\s*(?:\+|wins?\b)|(?:黑|黒)[^和]*[胜勝])", re.IGNORECASE)
_WHITE_WON = re.compile(r"\s*(?:w(?:hite)?\s*(?:\+|wins?\b)|白[^和]*[胜勝])", re.IGNORECASE)
_COUNTED = re.compile(r"\s*([bw])(?:lack|hite)?\s*\+\s*(\d{1,3}(?:[.,]\d{1,2})?)\s*(?:points?)?\s*", re.IGNORECASE)
_DRAW = re.compile(r"\s*(?:0|draw|jigo)\s*", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,4})(?:\.0{1,4})?(?:\s*[:x×*]\s*(\d{1,4}))?\s*[路줄]?", re.IGNORECASE)


@dataclass
class Header:
    """The facts of a game before its first move while they are gathered; `GameRecord` is where they go."""

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
    programs: Sequence[bytes] = ()
    for node in nodes:
        programs = programs or node.get("AP", ())
        for name in _WANTED:
            if name in node and name not in found:
                value = sgf_grammar.simpletext_value(bytes(node[name][0]))
                found[name] = printable(value.decode(encoding, "replace").strip(" \ufeff")[:_LONGEST_TEXT])
        if "B" in node or "W" in node:
            break
    warnings: list[str] = []
    _check_game(found.get("GM"), warnings)
    size = _read_size(found.get("SZ"), warnings)
    result = found.get("RE", "")
    handicap = _read_handicap(found.get("HA"), size, warnings)
    _check_rules(found.get("RU", ""), warnings)
    return Header(
        size=size,
        komi=_read_komi(found, _program(programs), handicap, warnings),
        handicap=handicap,
        result=result,
        winner=winner_of(result),
        rules=found.get("RU", ""),
        black=found.get("PB", ""),
        white=found.get("PW", ""),
        warnings=warnings,
    )


_WANTED = ("GM", "SZ", "KM", "KO", "HA", "RE", "RU", "PB", "PW")


def winner_of(result: str) -> int:
    """1 or 2 for a result that names the winner (``B+R``, ``White wins``, ``W+0.5``), 0 for any other."""
    return 1 if _BLACK_WON.match(result) else 2 if _WHITE_WON.match(result) else 0


def score_of(result: str) -> float:
    """Black's points minus White's for a result by counting (``B+12.5``); 0 for a draw, NaN for any other result."""
    if match := _COUNTED.fullmatch(result):
        return float(match[2].replace(",", ".")) * (1 if match[1] in "bB" else -1)
    return 0.0 if _DRAW.fullmatch(result) else math.nan


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
    if problem := oblong(columns, rows):
        raise NotRead("board size", f"has {problem}")
    if not MIN_SIZE <= columns <= MAX_SIZE:
        raise NotRead("board size", f"has a board of {columns}x{columns}; sizes {MIN_SIZE} to {MAX_SIZE} are read")
    return columns


def _program(values: Sequence[bytes]) -> str:
    """The program that wrote the game, in lower case; Fox Weiqi where it stands among several."""
    programs = [bytes(value).decode("latin-1").strip().lower() for value in values]
    return "foxwq" if any("foxwq" in program for program in programs) else programs[0] if programs else ""


def _read_komi(found: Mapping[str, str], program: str, handicap: int, warnings: list[str]) -> float:
    text = found.get("KM", found.get("KO"))
    if text is None:
        return DEFAULT_KOMI
    komi = read_komi(text, program=program, rules=found.get("RU", ""), handicap=handicap)
    if komi.warning:
        warnings.append(komi.warning)
    elif komi.points == 0 and re.search(r"\+\d+\.(?:5|25|75)\b", found.get("RE", "")):
        warnings.append(f"KM[{text[:20]}] does not go with RE[{found['RE'][:20]}]; taken as 0")
    return komi.points


def _check_rules(text: str, warnings: list[str]) -> None:
    if ruleset(text) is None:
        warnings.append(f"RU[{text[:30]}] is not known; simple ko and no suicide are assumed")


def _read_handicap(text: str | None, size: int, warnings: list[str]) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdigit() and int(text[:6]) < size * size:
        return int(text)
    warnings.append(f"HA[{text[:20]}] is not a handicap from 0 to {size * size - 1}; taken as 0")
    return 0
