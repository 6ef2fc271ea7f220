"""The encoding of SGF text: to bytes that sgfmill's grammar can read, and the codec for the names in them.

Moves are ASCII, so an encoding that is wrong or not declared never stops a game from being read; it costs a warning.
In order:

1. UTF-16 and UTF-32 by byte-order mark (or by the zero bytes of an unmarked UTF-16) become UTF-8.
2. ASCII and UTF-8 text stays as it is, except where a multi-byte codec is declared in CA and decodes the text.
3. Text in the declared codec becomes UTF-8, because in some (GBK, Big5, Shift-JIS) a letter may hold the bytes of
   ``]`` or a backslash; not, however, where the first game can be parsed only without that.
4. Else the text is guessed: the first of GB18030, Big5, Shift-JIS, EUC-KR that decodes it where most letters beyond
   ASCII come in pairs; else Latin-1.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from sgfmill import sgf_grammar

from casecnn.go.sgf.failure import printable

_DECLARED = re.compile(rb"CA\s*\[\s*([^\]\s]{1,40})\s*\]")
_DECLARED_WITHIN = 64 << 10  # bytes from the start
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_GUESSES = ("gb18030", "big5", "shift_jis", "euc_kr")
_PARSED = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SINGLE_BYTE_TRIAL = bytes(range(0xA0, 0x100))


class Decoded(NamedTuple):
    """Text that is ASCII-compatible, the codec of its values, and what was odd about it."""

    text: bytes
    encoding: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes) -> Decoded:
    """Makes the bytes of an SGF file readable for the grammar; never fails."""
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return Decoded(data.decode(codec, "replace").encode("utf-8", "replace"), "utf-8")
    if data[:4].count(0) == 2 and data[:4].replace(b"\0", b"").startswith(b"("):
        codec = "utf-16-le" if data[1] == 0 else "utf-16-be"
        return Decoded(data.decode(codec, "replace").encode("utf-8", "replace"), "utf-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.isascii() and b"\x1b" not in data:
        return Decoded(data, "ascii")
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    name = printable(declared.group(1).decode("ascii", "replace")) if declared else ""
    chosen = _codec(name)
    utf8 = _is_utf8(data)
    if chosen and chosen != "utf-8" and not (utf8 and _is_single_byte(chosen)):
        text = _text_in(data, chosen)
        if text is not None:
            return Decoded(text, "utf-8")
    problem = f"the text is not in the declared {name}" if chosen else f"the declared charset {name} is unknown"
    if utf8:
        fine = not name or chosen == "utf-8"
        return Decoded(data, "utf-8", () if fine else (f"{problem}; read as UTF-8",))
    if not name:
        problem = "no charset is declared and the text is not UTF-8"
    for guess in _GUESSES if _looks_multi_byte(data) else ():
        text = _text_in(data, guess)
        if text is not None:
            return Decoded(text, "utf-8", (f"{problem}; read as {guess}",))
    return Decoded(data, "latin-1", (f"{problem}; names may be wrong",))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeError:
        return False
    return True


def _codec(name: str) -> str | None:
    """Python's name of a text codec; GB2312 and GBK are widened to GB18030. None for an unknown name."""
    try:
        codec = codecs.lookup(name.strip().replace(" ", "-"))
    except (LookupError, ValueError):
        return None
    if not getattr(codec, "_is_text_encoding", True) or codec.name in ("idna", "punycode", "undefined", "utf-7"):
        return None
    if codec.name.startswith(("utf-16", "utf-32", "unicode", "raw-unicode", "mbcs")):
        return None
    return "gb18030" if codec.name in ("gb2312", "gbk") else codec.name


def _text_in(data: bytes, codec: str) -> bytes | None:
    """The data as UTF-8 where it is text in the codec and stays SGF; None where it isn't."""
    try:
        text = data.decode(codec).encode("utf-8")
    except (UnicodeError, ValueError):
        return None
    swallowed = any(text.count(mark) != data.count(mark) for mark in (b"[", b"]", b"\\"))
    return None if swallowed and _is_sgf(data) and not _is_sgf(text) else text


def _is_sgf(text: bytes) -> bool:
    """Whether the first game of a text, of 1 MiB at most, can be parsed."""
    try:
        sgf_grammar.parse_sgf_game(memoryview(text)[:_PARSED])
    except ValueError:
        return False
    return True


def _is_single_byte(codec: str) -> bool:
    text = _SINGLE_BYTE_TRIAL.decode(codec, "replace")
    return len(text) == len(_SINGLE_BYTE_TRIAL) and text.count("\ufffd") < len(text) // 2


def _looks_multi_byte(data: bytes) -> bool:
    """Whether at least half of the runs of bytes beyond ASCII (of the first megabyte) have two bytes or more."""
    runs = _BEYOND_ASCII.findall(data, 0, 1 << 20)
    return 2 * sum(len(run) > 1 for run in runs) >= len(runs)
