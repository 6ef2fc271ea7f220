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
from casecnn.errors import InputError, UsageError

MARKS = (  # byte order marks and what they say; the longer first, since one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_GUESSES = ("utf-8", "cp1252", "latin-1")  # the last one takes any bytes
_BLOCK = 1 << 20


class TextFile:
    """A file by its name, or with "-" standard input.

    The encoding is the one that is given, else that of the byte order mark, else UTF-8, else Windows-1252, else
    Latin-1: the first that fits all bytes. Raises InputError, one line, for a file that cannot be read, that is no text
    (and says what it is), or does not fit the encoding; UsageError for an encoding that does not exist.
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
        self.encoding = encoding or ""
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
            text = io.TextIOWrapper(stream, encoding=self.encoding, newline=newline)  # type: ignore[type-var]
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
        if self._misfit("utf-8") is None:
            return "utf-8"
        if self.start.count(0) > len(self.start) // 20:
            raise InputError(f"'{self.name}' is not text; {remedy('binary')}")
        return next(encoding for encoding in _GUESSES[1:] if self._misfit(encoding) is None)

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
