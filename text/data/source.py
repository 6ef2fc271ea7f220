"""Texts to be classified: given one by one, or the lines of a file or of standard input as they come."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from casecnn.compressed import decompressor
from casecnn.errors import UsageError
from casecnn.files import read_error
from casecnn.text.data.lines import line_batches


class TextSource:
    """Texts in batches: of a list, or of a stream, which is read on where it stands."""

    def __init__(self, texts: Sequence[str] = (), stream: IO[bytes] | None = None, name: str = "the texts") -> None:
        self.texts, self.stream, self.name = texts, stream, name

    def batches(self) -> Iterator[Sequence[str]]:
        """Yield the texts, those of a stream as soon as they are there."""
        if self.stream is None:
            yield self.texts
        else:
            yield from line_batches(self.stream, self.name)

    def beforehand(self) -> Iterator[Sequence[str]] | None:
        """Return the texts without using them up, so that they can be read again; None for a pipe."""
        if self.stream is None:
            return self.batches()
        return self._to_and_fro(self.stream) if self.stream.seekable() else None

    def _to_and_fro(self, stream: IO[bytes]) -> Iterator[Sequence[str]]:
        begin = stream.tell()
        yield from self.batches()
        stream.seek(begin)


@contextmanager
def open_texts(texts: Sequence[str], file: str | None) -> Iterator[TextSource]:
    """Open either ``texts`` or a file; "-", as the one text or as the file, is standard input.

    A file that gzip, bzip2 or xz made is decompressed, a pipe is read as it is. Raises UsageError where both or
    neither are given, and InputError for a file that cannot be read.
    """
    if file is None and tuple(texts) == ("-",):
        texts, file = (), "-"
    if bool(texts) == (file is not None):
        raise UsageError('give either texts, or `file`, or "-" for standard input')
    if file is None:
        yield TextSource(texts)
    elif file == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed; give texts, or `file`")
        yield TextSource((), sys.stdin.buffer, "standard input")
    else:
        try:
            stream = _open(file)
        except (OSError, ValueError) as error:
            raise read_error(file, error if isinstance(error, OSError) else OSError(str(error))) from error
        with stream:
            yield TextSource((), stream, file)


def _open(name: str) -> IO[bytes]:
    if not os.path.isfile(name):
        return open(name, "rb")
    with open(name, "rb") as stream:
        module = decompressor(stream.read(6))
    return (module or io).open(name, "rb")
