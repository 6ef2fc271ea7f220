"""Where SGF text comes from: files, gzip and zip archives, folders, standard input; one text at a time.

Accepted: files of games (``.sgf``, and ``.gib``, ``.ngf``, ``.ugf``, ``.ugi`` of servers), packed by gzip, bzip2 or xz
or in a ``.zip``, and folders, which are searched with their subfolders in sorted order. A file that is named directly
may have any name; how it is packed is told by its first bytes (`casecnn.compressed`). In folders and zips only those
names count (and ``.zip`` in folders), and a Mac's ``__MACOSX`` and ``._`` files do not. A zip within a zip is not
opened.

Limits, so that no archive can fill the memory: a text has at most 128 MiB, a zip unpacks to at most 8 GiB.
"""

from __future__ import annotations

import io
import lzma
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, NamedTuple

from casecnn.compressed import decompressor
from casecnn.errors import InputError
from casecnn.files import read_error, reason
from casecnn.go.sgf.failure import Failure, printable

MAX_TEXT_BYTES = 128 << 20
MAX_ZIP_BYTES = 8 << 30
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GAMES = (".sgf", ".gib", ".ngf", ".ugf", ".ugi")
_PACKED = ("", ".gz", ".bz2", ".xz")
_ENDINGS = tuple(name + packed for name in _GAMES for packed in _PACKED)
_CHUNK = 1 << 20


class Text(NamedTuple):
    """The bytes of one SGF file, and its name for messages."""

    name: str
    data: bytes


def texts(path: str | os.PathLike[str] | bytes) -> Iterator[Text | Failure]:
    """The SGF texts behind a path in order, and a `Failure` for each that cannot be read.

    ``path`` is a file, a folder, "-" (standard input) or the bytes of a file. Raises `InputError` where the path itself
    does not exist, cannot be opened, or is a folder without any such file.
    """
    if isinstance(path, bytes):
        yield from _unpack(io.BytesIO(path), "<data>")
        return
    if os.fspath(path) == "-":
        head = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
        yield from _unpack(io.BytesIO(head), "<stdin>")
        return
    given = Path(path)
    for file in files(given):
        try:
            with file.open("rb") as stream:
                yield from _unpack(stream, os.fspath(file))
        except OSError as error:
            if not given.is_dir():
                raise read_error(file, error) from error
            yield Failure(os.fspath(file), "unreadable", f"cannot be read: {reason(error)}")


def files(path: Path) -> list[Path]:
    """The files behind a path: itself, or a folder's in sorted order. Raises `InputError` where there are none."""
    try:
        if not path.is_dir():
            path.stat()
            return [path]
    except OSError as error:
        raise read_error(path, error) from error
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
        if _is_game_name(name) or name.lower().endswith(".zip")
    ]
    if not found:
        raise InputError(f"{path} must hold at least one .sgf, .sgf.gz or .zip file (or .gib, .ngf, .ugf)")
    return sorted(found)


def _is_game_name(name: str) -> bool:
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return base.endswith(_ENDINGS) and not base.startswith("._")


def _unpack(stream: IO[bytes], name: str) -> Iterator[Text | Failure]:
    """The texts in an open file, by what its first bytes say it is."""
    if not stream.seekable():  # a pipe
        stream = io.BytesIO(stream.read(MAX_TEXT_BYTES + 1))
    head = stream.read(4)
    stream.seek(0)
    if head in _ZIP:
        yield from _zip_members(stream, name)
    else:
        yield from _read(stream, name)


def _zip_members(stream: IO[bytes], name: str) -> Iterator[Text | Failure]:
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        yield Failure(name, "broken archive", f"is a broken zip: {_one_line(error)}")
        return
    with archive:
        members = [m for m in archive.infolist() if not m.is_dir() and _is_game_name(m.filename)]
        members = [m for m in members if not m.filename.startswith("__MACOSX/")]
        if not members:
            yield Failure(name, "not SGF", "holds no .sgf or .sgf.gz file")
        elif sum(m.file_size for m in members) > MAX_ZIP_BYTES:
            yield Failure(name, "too large", f"is too large: a zip may unpack to {MAX_ZIP_BYTES >> 30} GiB")
        else:
            for member in members:
                yield from _zip_member(archive, member, f"{name}:{printable(member.filename)[:200]}")


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[Text | Failure]:
    if member.flag_bits & 1:
        yield Failure(name, "encrypted", "is encrypted; unpack it with its password first")
        return
    try:
        with archive.open(member) as stream:
            yield from _read(stream, name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error) as error:
        yield Failure(name, "broken archive", f"cannot be unpacked: {_one_line(error)}")


def _read(stream: IO[bytes], name: str) -> Iterator[Text | Failure]:
    """One text, unpacked where it is packed; of one that breaks off, what could be read and a `Failure`."""
    data = stream.read(MAX_TEXT_BYTES + 1)
    failure = None
    if unpacker := decompressor(data[:6]):
        data, failure = _unpacked(data, unpacker, name)
    if len(data) > MAX_TEXT_BYTES:
        yield Failure(name, "too large", f"is too large: a text may have {MAX_TEXT_BYTES >> 20} MiB; split it")
        return
    if data or not failure:
        yield Text(name, data)
    if failure:
        yield failure


def _unpacked(data: bytes, unpacker: ModuleType, name: str) -> tuple[bytes, Failure | None]:
    """At most a chunk more than the limit of what a packed file holds, and what went wrong."""
    unpacked = io.BytesIO()
    kind = {"lzma": "xz", "bz2": "bzip2"}.get(unpacker.__name__, unpacker.__name__)
    with unpacker.open(io.BytesIO(data)) as stream:
        try:
            while unpacked.tell() <= MAX_TEXT_BYTES and (chunk := stream.read1(_CHUNK)):
                unpacked.write(chunk)
        except EOFError:
            return unpacked.getvalue(), Failure(name, "truncated", f"is truncated: the {kind} data breaks off")
        except (OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            return unpacked.getvalue(), Failure(name, "broken archive", f"is broken {kind}: {_one_line(error)}")
    return unpacked.getvalue(), None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
