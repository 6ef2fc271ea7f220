"""The encoding of SGF text: to bytes that the grammar can read, and the codec for the names in them.

Moves are ASCII, so an encoding that is wrong or not declared never stops a game from being read; it costs a warning.
In order:

1. UTF-16 and UTF-32 by byte-order mark (or by the zero bytes of an unmarked UTF-16) become UTF-8.
2. ASCII stays as it is, and so does UTF-8 where nothing else is declared.
3. Else the encodings that Go programs write are tried, and each gives a text of some probability
   (`casecnn.go.sgf.letters`). The one that is declared in CA starts with an advantage, because that is what it is for;
   it loses it where the text cannot be read by it, or reads as nonsense (many programs declare UTF-8 or Latin-1 and
   write what their system uses). Text becomes UTF-8, because in some encodings (GBK, Big5, Shift-JIS) a letter may hold
   the bytes of ``]`` or of a backslash.
4. Where two encodings are about as probable, or none is, the text stays as it is, byte for byte; names are shown as
   Latin-1.

Bytes that the chosen encoding does not have stay as they are as well (Python's ``surrogateescape``).

People join the files of many programs into one collection. Where a text is not UTF-8 as a whole, it is cut at the
places where games visibly start, which no encoding of several bytes a letter can hide, and each game is decoded by
itself. One that is too short to tell takes the encoding of the others, where those agree.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections import Counter
from typing import NamedTuple

from casecnn.errors import UsageError
from casecnn.go.sgf.collection import starts_of_games
from casecnn.go.sgf.failure import NotRead, printable
from casecnn.go.sgf.letters import HOPELESS, likelihood
from casecnn.go.sgf.parser import Unclosed, parse_game

_DECLARED = re.compile(rb"CA\s*\[\s*([^\]\s]{1,40})\s*\]")
_DECLARED_WITHIN = 64 << 10  # bytes from the start
_PARSED = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_VALUE = re.compile(rb"(?<=\[)[^\\\]]+(?=[\\\]])")
_PIECE = re.compile(rb"[A-Za-z]{0,8}(?:[\x80-\xff]+[\x00-\x7f]{0,4})+")
_UTF8_LETTER = re.compile(rb"[\xe3-\xef][\x80-\xbf]{2}")
_SAMPLE = 2000  # bytes that are looked at
_ADVANTAGE = 14.0  # of the declared encoding
_SURE = 2.0  # by so much the best encoding must be more probable than the next one
_SENSE = 0.85 * HOPELESS  # two bytes of a text that no encoding makes sense of are less probable than that


class Encoding(NamedTuple):
    """An encoding that Go programs write: its name in messages, Python's codec, its script, its handicap."""

    name: str
    codec: str
    script: str
    prior: float = 0.0


ENCODINGS = (
    Encoding("UTF-8", "utf-8", "any", 2.0),
    Encoding("gb18030", "gb18030", "simplified"),
    Encoding("big5", "cp950", "traditional"),
    Encoding("shift_jis", "cp932", "japanese"),
    Encoding("euc_jp", "euc_jp", "japanese"),
    Encoding("euc_kr", "cp949", "korean"),
    Encoding("cp1251", "cp1251", "cyrillic"),
    Encoding("latin-1", "cp1252", "latin"),
    Encoding("koi8-r", "koi8-r", "cyrillic", -6.0),
    Encoding("cp1250", "cp1250", "central", -6.0),
)
_SAME = {
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "cp950", "big5hkscs": "cp950", "shift_jis": "cp932",
    "euc_kr": "cp949", "iso8859-1": "cp1252", "iso8859-15": "cp1252", "ascii": "",
}  # fmt: skip


class Decoded(NamedTuple):
    """Text that is ASCII-compatible, the codec of its values, and what was odd about it.

    The codec is UTF-8, ASCII, or Latin-1 for bytes that are kept as they are. ``read_as`` is the codec of the file,
    where the text was not in UTF-8.
    """

    text: bytes
    encoding: str
    warnings: tuple[str, ...] = ()
    read_as: str = ""


def _keep(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(b) if b < 128 else chr(0xDC00 + b) for b in error.object[error.start : error.end]), error.end


codecs.register_error("casecnn-keep", _keep)  # surrogateescape that also takes ASCII bytes within a broken letter


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """Makes the bytes of an SGF file readable for the grammar; never fails.

    ``encoding`` names the codec and overrides what the file declares; `UsageError` for a name that Python lacks.
    """
    if encoding is not None:
        return _decode_as(data, text_codec(encoding), encoding)
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
    codec_declared = _codec(name) or ""
    utf8 = _is_in(data, "utf-8")
    if utf8 and (codec_declared in ("", "utf-8") or not _SAME.get(codec_declared, codec_declared)):
        known = not name or codec_declared
        return Decoded(data, "utf-8", () if known else (f"the declared charset {name} is unknown; read as UTF-8",))
    return _decode_by_looks(data, name, codec_declared, utf8)


def text_codec(name: str) -> str:
    """Python's codec for the name of an encoding; `UsageError` for any other text."""
    try:
        found = codecs.lookup(name.strip().replace(" ", "-"))
    except (LookupError, ValueError):
        found = None
    if found is None or not getattr(found, "_is_text_encoding", True):
        names = ", ".join(encoding.name for encoding in ENCODINGS)
        raise UsageError(f"`encoding` (={printable(name[:40])}) must be the name of a text encoding, such as {names}")
    return {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}.get(found.name, found.name)


def _decode_as(data: bytes, codec: str, name: str) -> Decoded:
    """The text in an encoding that is certain; what does not belong to it is kept and counted."""
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode(codec, "casecnn-keep")
    except UnicodeError:
        text = data.decode(codec, "replace")
    odd = sum("\udc80" <= c <= "\udcff" for c in text)
    warning = (f"{odd} bytes are not {name}; they are kept as they are",) if odd else ()
    return Decoded(text.encode("utf-8", "surrogateescape"), "utf-8", warning, codec)


def _decode_by_looks(data: bytes, name: str, declared: str, utf8: bool) -> Decoded:
    """The most probable text, its declared encoding before others."""
    same = _SAME.get(declared, declared)
    if same and all(same != encoding.codec for encoding in ENCODINGS) and _text_in(data, declared) is not None:
        return Decoded(_text_in(data, declared) or b"", "utf-8", (), declared)  # koi8-u, iso-2022-jp, iso-8859-2, ...
    problem = "no charset is declared and the text is not UTF-8"
    if name:
        problem = f"the text is not in the declared {name}" if declared else f"the declared charset {name} is unknown"
    sample = _sample(data)
    if _is_damaged_utf8(sample):
        lost = "some bytes of the text, which is UTF-8, are lost; the others are kept"
        return Decoded(data, "utf-8", (f"{problem}; read as UTF-8" if utf8 else lost,))
    ranked = _ranked(data, sample, same)
    (best, encoding, text), (second, _, _) = ranked[0], ranked[1]
    if encoding.codec == "utf-8" and utf8:
        return Decoded(data, "utf-8", (f"{problem}; read as UTF-8",))
    if encoding.codec == same:
        odd = any("\udc80" <= letter <= "\udcff" for letter in text)
        warning = (f"some bytes are not in the declared {name} and kept as they are",) if odd else ()
        return Decoded(text.encode("utf-8", "surrogateescape"), "utf-8", warning, encoding.codec)
    if best - second < _SURE or not _makes_sense(sample, encoding, best):
        return Decoded(
            data,
            "latin-1",
            (f"{problem}; names may be wrong and are kept byte for byte; `--encoding` says what they are in",),
        )
    read_as = "read as UTF-8, some bytes of which are lost" if encoding.codec == "utf-8" else f"read as {encoding.name}"
    codec = "" if encoding.codec == "utf-8" else encoding.codec
    return Decoded(text.encode("utf-8", "surrogateescape"), "utf-8", (f"{problem}; {read_as}",), codec)


def _makes_sense(sample: bytes, encoding: Encoding, score: float) -> bool:
    """Whether a text is one that people write, and nearly all of its bytes are in the encoding."""
    text = sample.decode(encoding.codec, "replace")
    letters = sum(map(len, re.findall(r"[^\x00-\x7f]+", text)))
    if 8 * text.count("\ufffd") > letters and encoding.codec != "utf-8":
        return False
    single = encoding.script in ("cyrillic", "latin", "central")
    return score >= _SENSE * letters * (0.5 if single else 1.0)


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether most bytes beyond ASCII are letters of three bytes; a server's ``?`` in place of a byte breaks others."""
    letters = len(_UTF8_LETTER.findall(sample))
    beyond = len(sample.translate(None, bytes(range(128))))
    return letters >= 4 and 3 * letters > 0.6 * beyond


def _ranked(data: bytes, sample: bytes, declared: str) -> list[tuple[float, Encoding, str]]:
    """The encodings by how probable their texts are, the best first."""
    found = []
    for encoding in ENCODINGS:
        text = sample.decode(encoding.codec, "replace")
        odd = text.count("\ufffd")
        score = encoding.prior + likelihood(text.replace("\ufffd", ""), encoding.script) + HOPELESS * odd
        found.append((score + (_ADVANTAGE if encoding.codec == declared and not odd else 0.0), encoding))
    found.sort(key=lambda row: -row[0])
    ranked = []
    for score, encoding in found[:3]:
        whole = data.decode(encoding.codec, "casecnn-keep")
        if _swallows(data, whole):
            whole = _by_value(data, encoding.codec)
            score += HOPELESS * len(re.findall(r"[\udc80-\udcff]", whole))
        ranked.append((score, encoding, whole))
    return sorted(ranked, key=lambda row: -row[0])


def _sample(data: bytes) -> bytes:
    """The parts of a text with letters beyond ASCII, each once, up to `_SAMPLE` bytes."""
    pieces: dict[bytes, None] = {}
    size = 0
    for piece in _PIECE.finditer(data):
        found = piece.group()[:_SAMPLE].replace(codecs.BOM_UTF8, b"")
        if found not in pieces:
            pieces[found] = None
            size += len(found)
            if size >= _SAMPLE:
                break
    return b"\n".join(pieces)


def _is_in(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeError:
        return False
    return True


def _codec(name: str) -> str | None:
    """Python's name of a text codec that stays ASCII-compatible; None for any other name."""
    try:
        codec = codecs.lookup(name.strip().replace(" ", "-"))
    except (LookupError, ValueError):
        return None
    if not getattr(codec, "_is_text_encoding", True) or codec.name in ("idna", "punycode", "undefined", "utf-7"):
        return None
    if codec.name.startswith(("utf-16", "utf-32", "unicode", "raw-unicode", "mbcs")):
        return None
    return codec.name


def _text_in(data: bytes, codec: str) -> bytes | None:
    """The data as UTF-8 where it is text in the codec and stays SGF; None where it isn't."""
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        return None
    return None if _swallows(data, text) else text.encode("utf-8", "replace")


def _swallows(data: bytes, text: str) -> bool:
    """Whether the text, in the wrong encoding, has taken marks of the grammar for parts of letters."""
    if all(text.count(chr(mark)) == data.count(mark) for mark in b"[]\\"):
        return False
    return _properties(data) > _properties(text.encode("utf-8", "surrogateescape"))


def _by_value(data: bytes, codec: str) -> str:
    """The text decoded value by value, so that a letter that is cut short takes no bracket along."""
    keep = "casecnn-keep"
    return _VALUE.sub(lambda found: found[0].decode(codec, keep).encode("utf-8", "surrogateescape"), data).decode(
        "utf-8", "surrogateescape"
    )


def _properties(text: bytes) -> int:
    """How many properties the first game of a text has, within 1 MiB; -1 where it cannot be parsed without repairs."""
    start = text.find(b"(")
    if start < 0:
        return -1
    try:
        found = parse_game(text, start, min(len(text), start + _PARSED))
    except (NotRead, Unclosed):
        return -1
    count, waiting = 0, [found.tree]
    while waiting:
        part = waiting.pop()
        count += sum(map(len, part.sequence))
        waiting += part.children
    return -1 if found.warnings else count


# Collections


class DecodedGames(NamedTuple):
    """The text of a file, and how its parts were decoded; ``starts`` are their places in the text, in order."""

    text: bytes
    starts: list[int]
    parts: list[Decoded]

    def at(self, place: int) -> Decoded:
        """How the game that starts at a place of the text was decoded."""
        return self.parts[max(0, bisect_right(self.starts, place) - 1)]


def decode_games(data: bytes, encoding: str | None = None) -> DecodedGames:
    """Makes the bytes of a file readable for the grammar, game by game where they differ; never fails.

    ``encoding`` is that of all of it, and overrides what games declare; `UsageError` for a name that Python lacks.
    """
    whole = decode(data, encoding)
    alone = DecodedGames(whole.text, [0], [whole])
    if encoding is not None or not (whole.read_as or whole.encoding == "latin-1" or whole.warnings):
        return alone
    starts = starts_of_games(data)
    if len(starts) < 2:
        return alone
    pieces = [data[start:stop] for start, stop in zip([0, *starts[1:]], [*starts[1:], len(data)], strict=True)]
    parts = [decode(piece) for piece in pieces]
    known = Counter(part.read_as or part.encoding for part in parts if part.encoding == "utf-8")
    if len(known) == 1 and (codec := next(iter(known))) != "utf-8":
        parts = [
            _in_codec_of_others(piece, codec) if part.encoding == "latin-1" else part
            for piece, part in zip(pieces, parts, strict=True)
        ]
    # What looks like the start of a game may lie within another's value, so that a game goes on in the next piece.
    parts = [part._replace(encoding="utf-8") if part.encoding == "ascii" else part for part in parts]
    places, length = [], 0
    for part in parts:
        places.append(length)
        length += len(part.text)
    return DecodedGames(b"".join(part.text for part in parts), places, parts)


def _in_codec_of_others(piece: bytes, codec: str) -> Decoded:
    """A game in the encoding of the others, with a warning that says so."""
    part = decode(piece, codec)
    return part._replace(warnings=(f"no charset can be told; read as {codec}, like the other games", *part.warnings))
