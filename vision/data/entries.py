"""The files below a folder or in an archive, by name, read one after the other without unpacking anything.

Folders are listed with their subfolders in sorted order, symbolic links followed. Zip archives are read at random, tar
archives (plain, gzip, bzip2, xz) from front to back: once for the names, and once more when the files are wanted.
"""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from functools import lru_cache
from lzma import LZMAError
from pathlib import Path

from casecnn.errors import InputError
from casecnn.files import read_error

MAX_FILE_BYTES = 256 << 20
"""A larger file in an archive is not read: no image is that large, but a bomb may be."""

Content = Path | bytes | None
"""Where the bytes of a file are, or they themselves; None where the archive would not give them."""

LITTER = {"thumbs.db", "desktop.ini", ".ds_store"}
"""Files that operating systems leave in folders and archives; nobody means them."""

LITTER_FOLDERS = {
    "__macosx", "@eadir", "#recycle", "$recycle.bin", "recycler", "system volume information", "lost+found",
    "__pycache__",
}  # fmt: skip
"""Folders that operating systems, network disks and tools leave; those whose names begin with a dot count as well."""

_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, NotImplementedError, RuntimeError, EOFError,
    ValueError,
)  # fmt: skip


def is_litter(name: str) -> bool:
    """Say whether a file is the system's own, such as Thumbs.db, a Mac's `._` files, or anything in a hidden folder."""
    folder, _, file = name.rpartition("/")
    return file.lower() in LITTER or file.startswith("._") or bool(_hidden_among(folder))


def hidden(name: str) -> str:
    """Return the outermost folder above a file that nobody means to be looked into; "" where there is none."""
    return _hidden_among(name.rpartition("/")[0])


@lru_cache(4096)
def _hidden_among(folder: str) -> str:
    parts = folder.split("/")
    for place, part in enumerate(parts):
        if part.startswith(".") or part.lower() in LITTER_FOLDERS:
            return "/".join(parts[: place + 1])
    return ""


class Entries(ABC):
    """The files below `path`. `names` are their names relative to it, with forward slashes, in reading order.

    `bare` are folders without any file or folder in them, where that can be known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bare: list[str] = []
        self.names = self._list()

    @abstractmethod
    def _list(self) -> list[str]:
        """The names of all files."""

    @abstractmethod
    def read(self, wanted: Collection[str]) -> Iterator[tuple[str, Content]]:
        """The wanted files, in the order of `names`. Raises InputError where the archive breaks off."""


class Folder(Entries):
    """The files below a folder."""

    def _list(self) -> list[str]:
        try:
            return list(self._walk(os.fspath(self.path), "", ()))
        except OSError as error:
            raise read_error(self.path, error) from error

    def _walk(self, folder: str, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
        facts = os.stat(folder)
        here = facts.st_dev, facts.st_ino
        if here in above:  # a link that leads back up
            return
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        if not entries and prefix:
            self.bare.append(prefix[:-1])
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link that leads nowhere: reading it will say so
                is_folder = False
            if is_folder:
                yield from self._walk(entry.path, f"{prefix}{entry.name}/", (*above, here))
            else:
                yield prefix + entry.name

    def read(self, wanted: Collection[str]) -> Iterator[tuple[str, Content]]:
        """The wanted files as paths; whoever opens them learns whether they can be read."""
        return ((name, self.path / name) for name in self.names if name in wanted)


class Zip(Entries):
    """The files in a zip archive."""

    def _list(self) -> list[str]:
        with self._open() as archive:
            members = [member.filename for member in archive.infolist() if not member.is_dir()]
        # programs for Windows have written backslashes, against the format's rule
        self._members = {name.replace("\\", "/"): name for name in members if not name.endswith("\\")}
        return sorted(self._members)

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except OSError as error:
            raise read_error(self.path, error) from error
        except _BROKEN as error:
            raise _broken(self.path, error) from error

    def read(self, wanted: Collection[str]) -> Iterator[tuple[str, Content]]:
        """The bytes of the wanted files; None for one that is encrypted, damaged or too large."""
        with self._open() as archive:
            for name in self.names:
                if name in wanted:
                    yield name, self._bytes(archive, self._members[name])

    @staticmethod
    def _bytes(archive: zipfile.ZipFile, name: str) -> bytes | None:
        try:
            with archive.open(name) as stream:
                content = stream.read(MAX_FILE_BYTES + 1)
        except (*_BROKEN, OSError, KeyError):
            return None
        return content if len(content) <= MAX_FILE_BYTES else None


class Tar(Entries):
    """The files in a tar archive, compressed or not."""

    def _list(self) -> list[str]:
        return list(dict.fromkeys(_plain(member.name) for member in self._members()))

    def _members(self) -> Iterator[tarfile.TarInfo]:
        for _, member in self._walk():
            if not member.isdir():
                yield member

    def _walk(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        try:
            with tarfile.open(self.path, "r:*") as archive:
                while (member := archive.next()) is not None:
                    yield archive, member
                    archive.members = []  # type: ignore[attr-defined]  # else all headers ever read stay in memory
        except OSError as error:
            if error.errno is None:  # gzip's own: not a gzip file, a wrong checksum
                raise _broken(self.path, error) from error
            raise read_error(self.path, error) from error
        except _BROKEN as error:
            raise _broken(self.path, error) from error

    def read(self, wanted: Collection[str]) -> Iterator[tuple[str, Content]]:
        """The bytes of the wanted files; None for links, devices and what is too large. One pass over the archive."""
        left = set(wanted)
        for archive, member in self._walk():
            name = _plain(member.name)
            if name in left:
                left.discard(name)
                stream = archive.extractfile(member) if member.isreg() and member.size <= MAX_FILE_BYTES else None
                yield name, stream.read() if stream is not None else None
                if not left:
                    return


def _plain(name: str) -> str:
    """`./train/cat/1.jpg` is train/cat/1.jpg."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _broken(path: Path, error: BaseException) -> InputError:
    """The one-line error for an archive that cannot be read to its end."""
    why = " ".join(str(error).split())[:120] or type(error).__name__
    return InputError(f"'{path}' is a damaged or truncated archive: {why}")


def open_entries(path: Path) -> Entries | None:
    """The files behind a path: a folder, a zip or a tar archive by its content; None for another file.

    Raises InputError where the path does not exist or cannot be read.
    """
    try:
        if path.is_dir():
            return Folder(path)
        with path.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise read_error(path, error) from error
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Zip(path)
    packed = start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))
    try:
        if not (packed and not _names_a_tar(path)) and tarfile.is_tarfile(path):
            return Tar(path)
    except (OSError, *_BROKEN) as error:
        raise _broken(path, error) from error
    if packed and _names_a_tar(path):
        raise InputError(f"'{path}' is a damaged or truncated archive: there is no tar file in it")
    return None


def _names_a_tar(path: Path) -> bool:
    name = path.name.lower()
    return ".tar" in name or name.endswith((".tgz", ".tbz", ".tbz2", ".txz"))
