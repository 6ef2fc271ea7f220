"""Files on disk: written whole or not at all, and failures told in one line that names the file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from casecnn.errors import InputError, UsageError

REASONS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "a part of the path before the last is a file, not a folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.EEXIST: "a file of that name is in the way; choose another name, or move it",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would be larger than the limit set for this process or file system",
    errno.EIO: "the disk reports an input/output error",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.EMFILE: "too many files are open",
    errno.ELOOP: "its symbolic links go in a circle",
}

# What a stream raises, without naming a file, when the target itself cannot take the bytes.
_WRITE_FAILURES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


def reason(error: OSError) -> str:
    """Says in plain words why the operating system refused, without naming the file."""
    if error.errno in REASONS:
        return REASONS[error.errno]
    return error.strerror or str(error) or type(error).__name__


def read_error(path: str | os.PathLike[str], error: OSError) -> InputError:
    """The one-line error for a file that cannot be read; the caller raises it `from error`."""
    return InputError(f"cannot read '{os.fspath(path)}': {reason(error)}")


def write_error(path: str | os.PathLike[str], error: OSError) -> InputError:
    """The one-line error for a file that cannot be written; the caller raises it `from error`."""
    target = Path(path)
    if error.errno == errno.ENOENT and not target.parent.is_dir():
        return InputError(f"cannot write '{target}': the folder '{target.parent}' does not exist; create it first")
    return InputError(f"cannot write '{target}': {reason(error)}")


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Gives a stream to a temporary file beside `path`, and puts it in the place of `path` when the block ends well.

    Whoever reads `path` sees the old content or the new, never a part: the temporary file is flushed to the disk
    (fsync), then renamed. When the block raises anything, Ctrl-C included, the temporary file is removed and `path`
    is as it was. The name of the temporary file is `stream.name`, for libraries that want a path rather than a stream.

    `mode` is "wb" (the default) or "w" (UTF-8, lines end in one line feed). A symbolic link is followed, the
    permissions of a file that is replaced are kept, and a device or pipe (`/dev/stdout`) is written directly.

    Raises InputError, one line naming `path`: missing folder, no permission, full disk, a folder in its place.
    Doesn't create folders, and doesn't lock: of two writers the last to finish wins, whole.
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"mode must be 'wb' or 'w', not {mode!r}")
    text = {} if mode == "wb" else {"encoding": "utf-8", "newline": "\n"}
    target = Path(os.path.realpath(path))
    try:
        before = target.stat() if target.exists() else None
        if before is not None and stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        direct = before is not None and not stat.S_ISREG(before.st_mode)
        temporary = None if direct else _temporary_name(target)
        stream: IO[Any] = open(temporary or target, mode if direct else mode.replace("w", "x"), **text)  # type: ignore[call-overload]
    except OSError as error:
        raise write_error(path, error) from error
    try:
        try:
            yield stream
        except OSError as error:
            if error.filename is None and error.errno in _WRITE_FAILURES:
                raise write_error(path, error) from error
            raise
        try:
            stream.flush()
            if temporary is not None:
                os.fsync(stream.fileno())
                if before is not None:
                    os.chmod(temporary, stat.S_IMODE(before.st_mode))
            stream.close()
            if temporary is not None:
                os.replace(temporary, target)
                temporary = None
                _sync_folder(target.parent)
        except OSError as error:
            raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            stream.close()
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raises InputError for a file that is missing, a folder, or a pipe, which would be waited for for ever."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            with open(path, "rb"):
                return
    except (OSError, ValueError) as error:
        raise read_error(path, error if isinstance(error, OSError) else OSError(str(error))) from error
    what = "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file"
    raise InputError(f"cannot read '{os.fspath(path)}': it is {what}")


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, 64 lower-case hexadecimal digits. Raises InputError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise read_error(path, error) from error
    return digest.hexdigest()


class _Enough(Exception):
    """Ends a trial of writing."""


def check_writable(path: str | os.PathLike[str], read: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Raises now what `atomic_write` would raise at once: long work should not end in front of a missing folder.

    Only tries to; what stands at `path` stays as it is, and a device or pipe is left alone. Raises UsageError
    where `path` is one of the files in `read`, by whatever name: it would be lost.
    """
    for source in read:
        with contextlib.suppress(OSError):
            if os.path.isfile(path) and os.path.samefile(path, source):
                raise UsageError(f"'{os.fspath(path)}' is read here and never overwritten; give another name")
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        return
    with contextlib.suppress(_Enough), atomic_write(path):
        raise _Enough


def _temporary_name(target: Path) -> Path:
    """A hidden name beside the target that no other writer has; the target's ending stays the last one."""
    stem = os.fsdecode(os.fsencode(target.stem)[:80])
    return target.with_name(f".{stem}.{token_hex(6)}.tmp{os.fsdecode(os.fsencode(target.suffix)[:32])}")


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself last through a power cut, where the system can sync a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def cache_folder() -> Path:
    r"""Where downloads and compiled functions are kept: CASECNN_CACHE if it is set, else the platform's cache folder.

    That is $XDG_CACHE_HOME/casecnn or ~/.cache/casecnn, ~/Library/Caches/casecnn on macOS and
    %LOCALAPPDATA%\casecnn\Cache on Windows. Doesn't create it.
    """
    chosen = os.environ.get("CASECNN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            return (Path(local) if local else Path.home() / "AppData" / "Local") / "casecnn" / "Cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "casecnn"
        xdg = os.environ.get("XDG_CACHE_HOME", "")
        return (Path(xdg) if os.path.isabs(xdg) else Path.home() / ".cache") / "casecnn"
    except RuntimeError as error:
        raise InputError("there is no home folder for the cache; set CASECNN_CACHE to a folder") from error
