"""A file of text, or standard input: decompressed, its encoding found out, read from the start as often as needed."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from casecnn.compressed import binary_kind, open_compressed
from casecnn.console import warn
from casecnn.errors import InputError, UsageError

MARKS = (  # byte order marks and what they say; the longer first, since one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_GUESSES = ("cp1252", "latin-1")  # the last one takes any bytes
FEW_LETTERS = 6  # beyond ASCII; of fewer nobody can tell
_WESTERN = 0.3  # most of the letters of a western text that are beyond ASCII; of Russian or Japanese nearly all are
_BLOCK = 1 << 20


class TextFile:
    """A file by its name, or with "-" standard input.

    The encoding is the one that is given, else that of the byte order mark, else UTF-8, else Windows-1252, else
    Latin-1: the first that fits all bytes. Two things are told apart besides: UTF-16 without a mark, and UTF-8 with
    some characters of Windows-1252 in it, as two files make that are put one after the other. Raises InputError, one
    line, for a file that cannot be read, that is no text (and says what it is), that does not fit the encoding, or that
    is none of these; UsageError for an encoding that does not exist.
    """

    def __init__(self, path: str | os.PathLike[str], encoding: str | None = None) -> None:
        self.name = os.fspath(path)
        self._spool: IO[bytes] | None = None
        if self.name == "-":
            if sys.stdin is None:
                raise UsageError("standard input is closed; give the name of a file")
            self._spool = tempfile.TemporaryFile()
            shutil.copyfileobj(sys.stdin.buffer, self._spool)
        with self.bytes() as stream:
            self.start = stream.read(4096)
        self.encoding, self.errors = encoding or "", "strict"
        kind = binary_kind(self.start)
        if kind is not None:
            raise InputError(f"'{self.name}' is {kind}, not text; {remedy(kind)}")
        self.encoding = self._given(encoding) if encoding is not None else self._guessed()

    @contextmanager
    def bytes(self) -> Iterator[IO[bytes]]:
        """Give the bytes, decompressed, from the first one on."""
        with open_compressed(self.name, self._spool) as stream:
            yield stream

    @contextmanager
    def lines(self, newline: str = "") -> Iterator[Iterator[str]]:
        r"""Give the lines with their ends; NUL, which the csv module of Python 3.10 does not take, becomes U+FFFD.

        ``newline`` as for `open`: "" ends lines at a carriage return too, "\n" at line feeds alone.
        """
        with self.bytes() as stream:
            text = io.TextIOWrapper(  # type: ignore[type-var]
                stream, encoding=self.encoding, errors=self.errors, newline=newline
            )
            try:
                yield (line.replace("\0", "\ufffd") if "\0" in line else line for line in text)
            finally:
                text.detach()  # closing is up to whoever opened the bytes

    def text(self) -> str:
        """Return all of it."""
        with self.lines("\n") as lines:
            return "".join(lines)

    def _given(self, encoding: str) -> str:
        try:
            "x".encode(encoding)
        except LookupError:
            raise UsageError(f"`encoding` (={encoding!r}) is not the name of an encoding, such as utf-8") from None
        if (error := self._misfit(encoding)) is not None:
            raise InputError(f"'{self.name}' is not {encoding}: {error}") from error
        return encoding

    def _guessed(self) -> str:
        for mark, encoding in MARKS:
            if self.start.startswith(mark):
                if (error := self._misfit(encoding)) is not None:
                    raise InputError(f"'{self.name}' begins as {encoding}, but is not: {error}") from error
                return encoding
        if self.start.count(0) > len(self.start) // 20:
            even, odd = self.start[::2].count(0), self.start[1::2].count(0)
            if (
                max(even, odd) > 10 * min(even, odd)
                and self._misfit("utf-16-le" if odd > even else "utf-16-be") is None
            ):
                return "utf-16-le" if odd > even else "utf-16-be"
            if self._misfit("utf-8") is not None:
                raise InputError(f"'{self.name}' is not text; {remedy('binary')}")
        if self._misfit("utf-8") is None:
            return "utf-8"
        right, wrong, ascii_letters = self._beyond_ascii()
        if right >= wrong:
            warn(f"'{self.name}' is UTF-8 but for {wrong:,} bytes, which are read as Windows-1252")
            self.errors = ONE_BYTE
            return "utf-8"
        if wrong >= FEW_LETTERS and wrong > _WESTERN * (wrong + ascii_letters):
            raise InputError(
                f"'{self.name}' is neither UTF-8 nor of a western encoding; give `encoding`, such as cp1251, "
                "shift-jis, euc-kr, gb18030 or big5"
            )
        return next(encoding for encoding in _GUESSES if self._misfit(encoding) is None)

    def _beyond_ascii(self) -> tuple[int, int, int]:
        """Return how many characters beyond ASCII are UTF-8, how many bytes are not, and how many ASCII letters are."""
        right = wrong = plain = 0
        with self.bytes() as stream:
            for line in stream:
                shown = line.decode("utf-8", "surrogateescape")
                beyond = sum(character > "\x7f" for character in shown)
                odd = sum("\udc80" <= character <= "\udcff" for character in shown) if beyond else 0
                right, wrong = right + beyond - odd, wrong + odd
                plain += sum(map(str.isalpha, shown)) - (beyond - odd)
        return right, wrong, max(plain, 0)

    def _misfit(self, encoding: str) -> ValueError | None:
        """Return why the bytes are not of this encoding; None where they are."""
        decoder = codecs.getincrementaldecoder(encoding)()
        with self.bytes() as stream:
            try:
                while block := stream.read(_BLOCK):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except ValueError as error:
                return error
        return None


def _one_byte(error: UnicodeError) -> tuple[str, int]:
    """Read a byte that is no UTF-8 as Windows-1252, or as Latin-1 where that has no character for it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    byte = error.object[error.start : error.start + 1]
    return (byte.decode("cp1252") if byte not in _UNDEFINED else byte.decode("latin-1")), error.start + 1


ONE_BYTE = "casecnn-one-byte"
_UNDEFINED = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")  # of Windows-1252
codecs.register_error(ONE_BYTE, _one_byte)


def remedy(kind: str) -> str:
    """Return what to do with a file of this kind (see `casecnn.compressed.binary_kind`)."""
    if "Excel" in kind or "OpenDocument" in kind:
        return "save the sheet as CSV"
    if "archive" in kind:
        return "unpack it, and give a file in it"
    if "compressed" in kind:
        return "decompress it"
    return "give a CSV, TSV or JSON-lines file, a Parquet file, or a folder of texts"


def stem_suffix(name: str) -> str:
    """Return the ending of a file's name in lower case, without that of a compression.

    >>> stem_suffix("reviews.CSV.gz")
    '.csv'
    """
    path = Path(name)
    return (Path(path.stem).suffix if path.suffix in (".gz", ".bz2", ".xz") else path.suffix).lower()
