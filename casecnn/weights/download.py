"""Downloads of known files: resumed where they were cut, in place only when the SHA-256 is right."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from casecnn import __version__
from casecnn.console import progress as progress_bar
from casecnn.console import tell
from casecnn.errors import InputError
from casecnn.files import reason, sha256, write_error

BLOCK = 1 << 16  # bytes a read
TRIES = 5  # attempts in a row that bring nothing new before giving up
TIMEOUT = 30.0  # seconds without a byte after which a connection counts as dead
_AGAIN = {408, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may pass


class _Cut(Exception):
    """The transfer ended early; another try may bring more."""


def download(
    url: str,
    path: str | os.PathLike[str],
    digest: str,
    *,
    size: int | None = None,
    pause: float = 1.0,
    timeout: float = TIMEOUT,
    progress: bool | None = None,
) -> Path:
    """Puts the file at `url` at `path` if its SHA-256 is `digest`, and returns the path.

    `digest` has 64 hexadecimal digits, or fewer where only the first ones are published: they alone are compared.

    A file that is there with the right hash is left as it is. The bytes are gathered in `path` + ".part", which stays
    when the connection is lost or the process is stopped, and is continued next time (HTTP Range; a server without it
    sends all again); a cut connection is tried again up to TRIES times in a row without any new byte, after `pause`,
    2 `pause`, 4 `pause`... seconds. Then the hash is checked and the file renamed. Two processes that want the same
    file take turns (a lock file beside it), so it is fetched once.

    `size` in bytes, where it is known, bounds what is accepted and is compared with the free space first. `progress`
    draws a bar on stderr; None means: if stderr is a terminal.

    Raises InputError, one line: another scheme than http(s), a status such as 404, no connection, a wrong hash or
    size (the partial file is removed), a full disk (removed too), a folder that cannot be written.
    Does not look at who the server is: the hash alone tells whether the bytes are right.
    """
    target = Path(path)
    if not url.startswith(("https://", "http://")):
        raise InputError(f"cannot download '{url}': the address must begin with https:// or http://")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder '{target.parent}': {reason(error)}") from error
    with _locked(target.with_name(target.name + ".lock"), target):
        if target.is_file() and sha256(target).startswith(digest):
            return target
        part = target.with_name(target.name + ".part")
        resumed = part.is_file() and part.stat().st_size > 0
        _gather(url, part, size, pause, timeout, progress)
        found = sha256(part)
        if (
            not found.startswith(digest) and resumed
        ):  # the beginning may have been of another file: once more, from nothing
            part.unlink()
            _gather(url, part, size, pause, timeout, progress)
            found = sha256(part)
        if not found.startswith(digest):
            part.unlink()
            rule = "be" if len(digest) == 64 else "begin with"
            raise InputError(
                f"'{url}' has the wrong content: its SHA-256 is {found}, it must {rule} {digest}; the download was "
                "removed"
            )
        try:
            with open(part, "rb+") as stream:
                os.fsync(stream.fileno())
            os.replace(part, target)
        except OSError as error:
            raise write_error(target, error) from error
    return target


def _gather(url: str, part: Path, size: int | None, pause: float, timeout: float, progress: bool | None) -> None:
    """Fetches until the partial file is complete; InputError when nothing new comes."""
    failures = 0
    most = part.stat().st_size if part.exists() else 0
    while True:
        try:
            return _fetch(url, part, size, timeout, progress)
        except _Cut as cut:
            now = part.stat().st_size if part.exists() else 0
            failures = 0 if now > most else failures + 1
            most = max(most, now)
            if failures >= TRIES:
                raise InputError(
                    f"cannot download '{url}': {cut} (tried {failures} times without anything new); "
                    f"run the command again to go on from {now:,} bytes"
                ) from cut
            time.sleep(pause * 2 ** max(failures - 1, 0))


def _fetch(url: str, part: Path, size: int | None, timeout: float, progress: bool | None) -> None:
    """One request, from where the partial file ends; _Cut when it ended early."""
    have = part.stat().st_size if part.exists() else 0
    if size is not None and have >= size:
        if have == size:
            return
        part.unlink()
        have = 0
    headers = {"User-Agent": f"casecnn/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # the server has no more: complete, or of another file; start anew in doubt
            if error.headers.get("Content-Range", "").endswith(f"/{have}"):
                return
            part.unlink()
            raise _Cut("the partial file did not fit") from error
        if error.code in _AGAIN:
            raise _Cut(f"the server answers {error.code} {error.reason}") from error
        raise InputError(f"cannot download '{url}': the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _Cut(_why(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Cut(_why(error)) from error
    except ValueError as error:
        raise InputError(f"cannot download '{url}': {error}") from error
    with response:
        start = have if response.status == 206 else 0
        if start and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink()
            raise _Cut("the server sent another part of the file than was asked for")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        if size is not None and total not in (None, size):
            part.unlink(missing_ok=True)
            raise InputError(f"'{url}' has the wrong size: it is {total:,} bytes, it must be {size:,}")
        expected = size if total is None else total
        _room(part, None if expected is None else expected - have)
        _copy(response, url, part, start, expected, progress)


def _copy(response: Any, url: str, part: Path, start: int, total: int | None, progress: bool | None) -> None:
    """Appends the body to the partial file; a failing disk removes it, a failing connection keeps it."""
    done = start
    try:
        with open(part, "ab" if start else "wb") as stream, _bar(url, start, total, progress) as bar:
            while True:
                try:
                    block = response.read(BLOCK)
                except (OSError, http.client.HTTPException) as error:
                    raise _Cut(_why(error)) from error
                if not block:
                    break
                stream.write(block)
                done += len(block)
                if total is not None and done > total:
                    break
                bar.update(len(block))
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise write_error(part, error) from error
    if total is not None and done < total:
        raise _Cut(f"the connection was closed after {done:,} of {total:,} bytes")
    if total is not None and done > total:
        part.unlink()
        raise InputError(f"'{url}' has the wrong size: it is more than the {total:,} bytes it must be")


def _room(part: Path, needed: int | None) -> None:
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(part.parent).free
        if needed is not None and needed > free:
            raise InputError(
                f"cannot write '{part}': it needs {needed:,} bytes more and the disk has {free:,} free; "
                "free some space or set CASECNN_CACHE to another folder"
            )


def _bar(url: str, start: int, total: int | None, progress: bool | None) -> Any:
    shown = None if progress is None else bool(progress)
    name = url.rsplit("/", 1)[-1]
    return progress_bar(total, "B", name, shown=shown, initial=start, unit_scale=True)


def _why(error: object) -> str:
    """A lost connection in plain words."""
    if isinstance(error, TimeoutError):
        return "the server stopped answering"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was closed early"
    if isinstance(error, OSError):
        return f"no connection ({error.strerror or error})"
    return f"the connection failed ({error})"


@contextlib.contextmanager
def _locked(lock: Path, target: Path) -> Iterator[None]:
    """Holds the lock file for the block; says once that it waits. The system lets go of it when a process dies."""
    try:
        stream = open(lock, "ab")
    except OSError as error:
        raise write_error(target, error) from error
    with stream:
        told = False
        while not _try_lock(stream):
            if not told:
                tell(f"casecnn: waiting for another process that downloads '{target.name}'")
                told = True
            time.sleep(0.1)
        yield


def _try_lock(stream: IO[bytes]) -> bool:
    """Takes the lock if it is free; True too where the file system has no locks: then only the hash tells."""
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True
