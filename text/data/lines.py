"""Texts from a file or a pipe, a line each: in order, as they come, whatever their encoding, in bounded memory."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from typing import IO

from casecnn.compressed import binary_kind
from casecnn.errors import InputError
from casecnn.files import read_error
from casecnn.text.data.text_file import MARKS, remedy

BLOCK = 1 << 18  # bytes read at once, and so about the text that is worked on at once
LONGEST = 1 << 26  # bytes of one line


def line_batches(stream: IO[bytes], source: str) -> Iterator[list[str]]:
    """Yield lists of lines without their ends, as soon as they are there: what a pipe holds now does not wait for more.

    Lines end in a line feed, with or without a carriage return before it; other characters that Unicode calls line
    breaks stay inside a text. A byte order mark is taken off. UTF-8 is expected, UTF-16 and UTF-32 are recognised by
    their marks; a line that is no UTF-8 is taken for Windows-1252. ``source`` names the stream in errors.

    Raises InputError for a line over 64 MB, for a stream that is no text, and where it cannot be read on.
    """
    take = getattr(stream, "read1", stream.read)

    def read(size: int) -> bytes:
        try:
            return take(size)
        except OSError as error:
            raise read_error(source, error) from error
        except (EOFError, zlib.error, LZMAError) as error:
            raise InputError(f"'{source}' is truncated or damaged: it cannot be unpacked ({error})") from error

    recode = None
    parts: list[bytes] = []  # of the line that has not ended yet
    size, number, first = 0, 0, True
    while block := read(BLOCK):
        if first:
            while any(block != mark and mark.startswith(block) for mark, _ in MARKS) and (more := read(BLOCK)):
                block += more  # it may become a byte order mark
            first = False
            if (kind := binary_kind(block[:512])) is not None:
                raise InputError(f"'{source}' is {kind}, not text; {remedy(kind)}")
            encoding = next((name for mark, name in MARKS if block.startswith(mark)), None)
            if encoding in ("utf-16", "utf-32"):
                recode = codecs.getincrementaldecoder(encoding)("replace")
            block = block.removeprefix(codecs.BOM_UTF8)
        if recode is not None:
            block = recode.decode(block).encode()
        *ended, rest = block.split(b"\n")
        if ended:
            ended[0] = b"".join([*parts, ended[0]])
            parts, size = [], 0
            number += len(ended)
            yield [_text(line) for line in ended]
        parts.append(rest)
        size += len(rest)
        if size > LONGEST:
            raise InputError(f"line {number + 1} of '{source}' is longer than {LONGEST >> 20} MB; give a line a text")
    if recode is not None and (half := recode.decode(b"", final=True)):
        parts.append(half.encode())
    if any(parts):
        yield [_text(b"".join(parts))]


def _text(line: bytes) -> str:
    line = line.removesuffix(b"\r")
    try:
        return line.decode()
    except UnicodeDecodeError:
        pass
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:
        return line.decode("latin-1")
