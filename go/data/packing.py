"""Bulk import: many files read by worker processes, packed in their order, with everything skipped counted.

A file is the unit of work (small files go in groups), so one large zip keeps one worker busy. The result does not
depend on the number of workers.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from casecnn.errors import InputError, UsageError
from casecnn.files import check_writable
from casecnn.go.board.record import GameRecord
from casecnn.go.data.archive import Archive, join_archives, load_archive, pack_records
from casecnn.go.sgf.failure import Failure, printable
from casecnn.go.sgf.game import read_games
from casecnn.go.sgf.sources import files

_GROUP_BYTES = 1 << 20
_GROUP_FILES = 256


@dataclass
class Skipped:
    """How many games or files were left out for each reason, and the first of each in words.

    ``cut`` counts the games that are kept up to a move that cannot be played, ``first_cut`` is the first of them.
    """

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    first_cut: str = ""

    def add(self, failure: Failure) -> None:
        """Counts one."""
        self.counts[failure.reason] += 1
        self.examples.setdefault(failure.reason, str(failure))

    def add_cut(self, record: GameRecord) -> None:
        """Counts a game that is kept in part."""
        self.cut += 1
        self.first_cut = self.first_cut or printable(f"{record.source}: {record.cut}")

    def merge(self, other: Skipped) -> None:
        """Adds the counts of another."""
        self.counts += other.counts
        self.examples = {**other.examples, **self.examples}
        self.cut += other.cut
        self.first_cut = self.first_cut or other.first_cut

    def summary(self) -> str:
        """All counts on one line, with the first example."""
        if not self.counts:
            return "nothing was skipped"
        counts = ", ".join(f"{reason}: {count:,}" for reason, count in self.counts.most_common())
        return f"skipped {counts}; first: {next(iter(self.examples.values()))}"


class Filter(NamedTuple):
    """Which games are kept: of one board size (None: any), with at least `min_moves` moves."""

    size: int | None = 19
    min_moves: int = 1


def pack_games(
    paths: Iterable[str | os.PathLike[str]],
    *,
    keep: Filter = Filter(),  # noqa: B008 (an immutable value)
    games: tuple[int, int | None] = (0, None),
    encoding: str | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Archive, Skipped]:
    """Reads all games of files, folders and archives, checks every move, and packs what can be kept.

    ``games`` is (start, stop): of the games that can be kept, in the order of ``paths`` (folders sorted), only those
    are packed; reading ends there. Of a game with an illegal move the moves before it are kept, and the game is counted
    as cut. ``encoding`` is that of the names in all files. ``progress(done, total)`` is called in bytes of files. A
    file or game that cannot be read is only counted; raises `InputError` for a path that does not exist, `UsageError`
    for numbers that make no sense.
    """
    start, stop = games
    if start < 0 or (stop is not None and stop < start):
        shown = f"{start}:{'' if stop is None else stop}"
        raise UsageError(f"`games` (={shown}) must be START:STOP with 0 <= START <= STOP")
    if keep.min_moves < 0:
        raise UsageError(f"`min_moves` (={keep.min_moves}) must be at least 0")
    if workers < 1:
        raise UsageError(f"`workers` (={workers}) must be at least 1")
    names = [os.fspath(path) for path in paths]
    groups = list(_groups([file for name in names for file in files(Path(name))]))
    total, done, kept = sum(size for _, size in groups), 0, 0
    parts: list[Archive] = []
    skipped = Skipped()
    for (part, part_skipped), (_, size) in zip(_results(groups, keep, encoding, workers), groups, strict=False):
        skipped.merge(part_skipped)
        parts.append(part)
        kept += len(part)
        done += size
        if progress:
            progress(done, total)
        if stop is not None and kept >= stop:
            break
    archive = join_archives(parts).select(start, kept if stop is None else stop)
    meta = {
        "sources": names,
        "first_game": start,
        "skipped": dict(skipped.counts.most_common()),
        "cut": skipped.cut,
    }
    archive.meta.update(meta)
    return archive, skipped


def load_games(
    paths: Sequence[str | os.PathLike[str]], *, games: tuple[int, int | None] = (0, None), size: int | None = 19
) -> Archive:
    """The games of one packed file (.npz), or of SGF files, folders and archives, packed in memory.

    Raises `InputError` for what cannot be read, and where no game of that size is left.
    """
    why = "check `games` and the board size"
    if len(paths) == 1 and os.fspath(paths[0]).endswith(".npz"):
        archive = load_archive(paths[0])
        archive = archive.select(games[0], len(archive) if games[1] is None else games[1])
    else:
        archive, skipped = pack_games(paths, keep=Filter(size), games=games)
        why = skipped.summary() if skipped.counts else why
    if not len(archive):
        raise InputError(f"'{os.fspath(paths[0])}': no game is left; {why}")
    return archive


def parse_slice(text: str | None) -> tuple[int, int | None]:
    """The ``games`` of `pack_games` behind ``START:STOP``, where either may be left out; None is all of them."""
    start, colon, stop = (text or ":").partition(":")
    if not colon or not all(part == "" or (part.isascii() and part.isdigit()) for part in (start, stop)):
        raise UsageError(f"`games` (={str(text)[:40]}) must be START:STOP, two numbers from 0, either may be left out")
    return int(start or 0), int(stop) if stop else None


def check_output(output: str, paths: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse an output that would overwrite one of the files to be read, or that cannot be written.

    Raises `UsageError` for the first and `InputError` for the second.
    """
    target = os.path.realpath(output)
    for path in paths:
        for file in files(Path(path)):
            if os.path.realpath(file) == target:
                raise UsageError(f"`output` (={output}) must not be one of the files that are read")
    check_writable(output)


def _groups(paths: list[Path]) -> Iterator[tuple[list[str], int]]:
    """Files to be read by one call, with their size in bytes."""
    group: list[str] = []
    group_size = 0
    for path in paths:
        try:
            size = path.stat().st_size
        except OSError:
            size = 0
        group.append(os.fspath(path))
        group_size += size
        if group_size >= _GROUP_BYTES or len(group) == _GROUP_FILES:
            yield group, group_size
            group, group_size = [], 0
    if group:
        yield group, group_size


def _results(
    groups: list[tuple[list[str], int]], keep: Filter, encoding: str | None, workers: int
) -> Iterator[tuple[Archive, Skipped]]:
    """What each group gives, in order; never more than two groups a worker wait in memory."""
    workers = min(workers, len(groups))
    if workers <= 1:
        for group, _ in groups:
            yield _pack_files(group, keep, encoding)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    waiting: list[Future[tuple[Archive, Skipped]]] = []
    try:
        for group, _ in groups:
            waiting.append(pool.submit(_pack_files, group, keep, encoding))
            if len(waiting) >= 2 * workers:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    except BrokenProcessPool as error:
        raise InputError("a worker process was killed, perhaps for memory; try fewer `workers`") from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pack_files(paths: list[str], keep: Filter, encoding: str | None) -> tuple[Archive, Skipped]:
    skipped = Skipped()
    return pack_records(_kept(paths, keep, encoding, skipped)), skipped


def _kept(paths: list[str], keep: Filter, encoding: str | None, skipped: Skipped) -> Iterator[GameRecord]:
    for path in paths:
        try:
            for found in read_games(path, encoding=encoding):
                failure = found if isinstance(found, Failure) else _unwanted(found, keep)
                if failure:
                    skipped.add(failure)
                elif isinstance(found, GameRecord):
                    if found.cut:
                        skipped.add_cut(found)
                    yield found
        except InputError as error:
            skipped.add(Failure(path, "unreadable", str(error)))


def _unwanted(record: GameRecord, keep: Filter) -> Failure | None:
    if record.cut and not len(record):
        return Failure(record.source, "illegal move", f"has no legal move: {record.cut.split(';')[0]}")
    if keep.size is not None and record.size != keep.size:
        wanted = f"{keep.size}x{keep.size}"
        return Failure(record.source, "other board size", f"is on {record.size}x{record.size}, wanted is {wanted}")
    if len(record) < keep.min_moves:
        return Failure(record.source, "too few moves", f"has {len(record)} moves, wanted are {keep.min_moves}")
    return None
