"""The feature planes of the games in files, written to one file."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from casecnn.console import progress, warn
from casecnn.errors import UsageError
from casecnn.go.planes.file import Written, read_all, write_planes
from casecnn.go.planes.warm_up import warm_up


@dataclass(frozen=True)
class PlanesOfFiles:
    """The file that was written, what is in it, how many games could not be read, and how long it took."""

    file: str
    written: Written
    skipped: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The facts for `json.dumps`."""
        return {
            "file": self.file,
            **asdict(self.written),
            "skipped": self.skipped,
            "seconds": round(self.seconds, 3),
        }

    def report(self) -> str:
        """The facts in one line."""
        noun = "game" if self.written.games == 1 else "games"
        board = f"{self.written.board_size}x{self.written.board_size}"
        positions = f"{self.written.positions:,} positions of {self.written.games:,} {noun} on {board}"
        return f"{self.file}: {positions} in {self.seconds:.1f} s"


def planes_of_files(games: Sequence[str], output: str) -> PlanesOfFiles:
    """Write the planes of the games in files, folders and archives; warns of games that cannot be read.

    Raises UsageError for an ``output`` on top of one of them, and what `read_all` and `write_planes` raise.
    """
    if any(os.path.realpath(game) == os.path.realpath(output) for game in games):
        raise UsageError(f"`output` (={output}) must be another file than the games, which are never overwritten")
    start = time.perf_counter()
    warm_up()
    records, failures = read_all(games)
    for failure in failures:
        warn(f"left out: {failure}")
    for record in records:
        if record.cut:
            warn(f"{record.source}: {record.cut}")
    with progress(len(records), " games") as bar:
        written = write_planes(records, output, progress=lambda _: bar.update())
    return PlanesOfFiles(output, written, len(failures), time.perf_counter() - start)
