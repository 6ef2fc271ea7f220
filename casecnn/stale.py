"""Compiled functions that a changed source file has made stale."""

from __future__ import annotations

import contextlib
from pathlib import Path


def forget_stale(folder: Path, *called: Path) -> None:
    """Delete numba's files in and below `folder` that are older than the newest source file there or in `called`.

    Numba itself looks only at the file that a function stands in, not at those of the functions it calls: after a `git
    pull` it would run old code and new code together, on arrays of different shapes. Call it before anything in the
    folder is compiled; `called` are other folders whose functions it calls. What cannot be read or deleted stays.
    """
    with contextlib.suppress(OSError):
        sources = (file for each in (folder, *called) for file in each.rglob("*.py"))
        newest = max((file.stat().st_mtime for file in sources), default=0.0)
        for file in folder.rglob("__pycache__/*.nb[ci]"):
            if file.stat().st_mtime < newest:
                file.unlink(missing_ok=True)
