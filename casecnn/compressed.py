"""Files that may be packed by gzip, bzip2 or xz: told by their first bytes, not by their names."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from casecnn.errors import InputError
from casecnn.files import read_error
from casecnn.weights.safetensors_file import check_regular

_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ": lzma}


@contextmanager
def open_packed(path: str | Path) -> Iterator[IO[bytes]]:
    """A stream of a file's bytes, unpacked where they are packed.

    Raises InputError, one line, for a file that is missing, a folder, a pipe, or truncated, also while it is read.
    """
    check_regular(Path(path))
    try:
        with open(path, "rb") as stream:
            unpacker = packer(stream.read(6))
        with unpacker.open(path, "rb") if unpacker else open(path, "rb") as stream:
            yield stream
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise read_error(path, error) from error
        raise InputError(f"'{path}' is truncated or damaged: it cannot be unpacked ({error})") from error


def unpacked(content: bytes, name: str) -> bytes:
    """The bytes themselves, unpacked where they are packed; raises InputError where that fails."""
    unpacker = packer(content[:6])
    try:
        return unpacker.decompress(content) if unpacker else content
    except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"'{name}' is truncated or damaged: it cannot be unpacked ({error})") from error


def packer(start: bytes) -> Any:
    """The module that unpacks a file with these first six bytes, or None."""
    return next((module for magic, module in _PACKED.items() if start.startswith(magic)), None)
