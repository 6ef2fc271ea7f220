"""Games of files packed into one file for training, with progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from casecnn.console import progress, reach
from casecnn.errors import InputError, UsageError
from casecnn.go.data.archive import Archive, save_archive
from casecnn.go.data.packing import Filter, check_output, pack_games, parse_slice
from casecnn.go.data.report import Report
from casecnn.go.planes.warm_up import warm_up


def import_files(
    data: Sequence[str],
    output: str,
    *,
    games: str | None = None,
    size: str = "19",
    min_moves: int = 1,
    encoding: str | None = None,
    workers: int = 1,
    ownership: Callable[..., Archive] | None = None,
) -> Report:
    """Pack the games of files, folders and archives into ``output`` and tell what was left out.

    ``games`` is START:STOP of the games that are kept, ``size`` a board size or "any", ``encoding`` that of the names
    where it is known. ``ownership`` (`casecnn.go.search.ownership.with_ownership`) adds whose each point was. Raises
    UsageError for options out of range, InputError where no game is left and for files that cannot be read or written.
    """
    keep, span = Filter(_size(size), min_moves), parse_slice(games)
    check_output(output, data)
    warm_up()
    with progress(None, "B", "import", keep=True, unit_scale=True) as bar:
        archive, skipped = pack_games(
            data, keep=keep, games=span, encoding=encoding, workers=workers,
            progress=lambda done, total: reach(bar, done, total),
        )  # fmt: skip
    if not len(archive):
        raise InputError(f"DATA has no game that can be packed; {skipped.summary()}")
    if ownership:
        with progress(None, "game", "ownership", keep=True) as bar:
            archive = ownership(archive, workers=workers, progress=lambda done, total: reach(bar, done, total))
    save_archive(output, archive)
    return Report(output, archive, skipped)


def _size(text: str) -> int | None:
    if text == "any":
        return None
    if not (text.isascii() and text.isdigit() and 2 <= int(text[:4]) <= 25):
        raise UsageError(f"`size` (={text[:20]}) must be a board size from 2 to 25, or any")
    return int(text)
