"""What a file is by its first bytes, not its name: compressed files are decompressed, other binary ones named."""

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
from casecnn.files import check_regular, read_error

_COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ": lzma}
_BINARY = (  # first bytes, what they say; of those that begin alike the longer stand first
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\xff\xff\xff\xff", "an Arrow stream"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WAV, AVI or WebP file"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstandard"),
    (b"\x04\x22\x4d\x18", "a file compressed by LZ4"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"GGUF", "a GGUF model"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
)
_ZIPPED = ((b".npy", "an archive of NumPy arrays (npz)"), (b"[Content_Types]", "an Excel or Word file"),
           (b"mimetype", "an OpenDocument file"), (b"/data.pkl", "a file of torch's"))  # fmt: skip


@contextmanager
def open_compressed(path: str | Path, stream: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
    """Give a stream of a file's bytes, decompressed where gzip, bzip2 or xz made it.

    With ``stream``, which can seek, its bytes from the first one on are read, and ``path`` is only its name in errors.
    Raises InputError, one line, for a file that is missing, a folder, a pipe, or cut off, also while it is read.
    """
    if stream is None:
        check_regular(Path(path))
    try:
        with open(path, "rb") if stream is None else _kept_open(stream) as bare:
            how = decompressor(bare.read(6))
            bare.seek(0)
            if how is None:
                yield bare
            else:
                with how.open(bare, "rb") as content:
                    yield content
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise read_error(path, error) from error
        raise InputError(f"'{path}' is truncated or damaged: it cannot be unpacked ({error})") from error


@contextmanager
def _kept_open(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    stream.seek(0)
    yield stream


def decompressor(start: bytes) -> Any:
    """Return the module that decompresses a file with these first six bytes, or None."""
    return next((module for magic, module in _COMPRESSED.items() if start.startswith(magic)), None)


def binary_kind(start: bytes) -> str | None:
    r"""Return what a file with these first bytes (a few hundred, decompressed) is, or None where that is not known.

    >>> binary_kind(b"PAR1\x15\x04"), binary_kind(b"text,label")
    ('a Parquet file', None)
    """
    if start.startswith(b"PK\x03\x04"):
        return next((what for mark, what in _ZIPPED if mark in start), "a zip archive")
    if len(start) > 2 and start[0] == 0x80 and 2 <= start[1] <= 5:
        return "a pickle"
    if start[257:262] == b"ustar":
        return "a tar archive"
    if start[8:10] == b'{"' and start[3:8] == b"\0" * 5:
        return "a safetensors file"
    return next((what for magic, what in _BINARY if start.startswith(magic)), None)
