"""numba's compiler for this package: what it compiles is kept in the user's cache folder, and forgotten when stale.

By itself numba keeps compiled functions beside the sources, in files that pip does not know. They stay behind when the
package is uninstalled, and a folder `casecnn` with nothing else in it hides an installation in development mode.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba

from casecnn.errors import InputError
from casecnn.files import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])

config: Any = numba.config


def njit(**options: Any) -> Callable[[Function], Any]:
    """`numba.njit` with these options; with `cache` the function is kept where `kept_in` says."""
    return lambda function: _compiled(numba.njit(**options), function)


def cfunc(signature: Any, **options: Any) -> Callable[[Function], Any]:
    """`numba.cfunc` with these options; with `cache` the function is kept where `kept_in` says."""
    return lambda function: _compiled(numba.cfunc(signature, **options), function)


def kept_in(folder: Path) -> Path | None:
    """Where compiled functions of the sources in a folder are kept; None where numba decides.

    It does where NUMBA_CACHE_DIR is set, and where there is no home folder or it cannot be written.
    """
    if config.CACHE_DIR:
        return None
    try:
        place = cache_folder() / "compiled" / f"{folder.name}-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"
        place.mkdir(parents=True, exist_ok=True)
    except (InputError, OSError):
        return None
    return place


def forget_stale(folder: Path, *called: Path) -> None:
    """Delete what was compiled of the sources in and below `folder` before the newest source there or in `called`.

    Numba itself looks only at the file that a function stands in, not at those of the functions it calls: after a `git
    pull` it would run old code and new code together, on arrays of different shapes. Call it before anything in the
    folder is compiled; `called` are other folders whose functions it calls. What cannot be read or deleted stays.
    """
    with contextlib.suppress(OSError):
        own = [*folder.rglob("*.py")]
        newest = max((file.stat().st_mtime for file in [*own, *(f for each in called for f in each.rglob("*.py"))]),
                     default=0.0)  # fmt: skip
        kept = {place for each in {file.parent for file in own} if (place := kept_in(each)) is not None}
        beside = folder.rglob("__pycache__/*.nb[ci]")
        for file in [*beside, *(file for place in kept for file in place.rglob("*.nb[ci]"))]:
            if file.stat().st_mtime < newest:
                file.unlink(missing_ok=True)


def _compiled(compile_: Callable[[Function], Any], function: Function) -> Any:
    with _keeping(kept_in(Path(function.__code__.co_filename).parent)):
        return compile_(function)


@contextlib.contextmanager
def _keeping(place: Path | None) -> Iterator[None]:
    """Let numba keep what is declared meanwhile in a place; other packages' functions go where they did."""
    before = config.CACHE_DIR
    config.CACHE_DIR = before if place is None else str(place)
    try:
        yield
    finally:
        config.CACHE_DIR = before
