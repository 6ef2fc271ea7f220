"""Many games packed into a few arrays: the file ``moves.npz`` that training reads.

=========  ==================  ================================================================
array      dtype and shape     content
=========  ==================  ================================================================
events     uint16 [E]          the events of all games, one game after the other (`casecnn.go.board.record`)
offsets    int64 [G + 1]       game i has the events from offsets[i] to offsets[i + 1]
sizes      uint8 [G]           board sizes
komi       float32 [G]         in points
winner     int8 [G]            1 Black, 2 White, 0 neither or unknown
score      float32 [G]         Black's points minus White's, komi counted, where a count ended the game; else NaN
owned      int32 [S]           the games whose end is known point by point (may be empty), in order
owner      int8 [P]            for each of these, size * size points: 1 Black's, -1 White's, 0 nobody's
meta       text, 0-d           JSON: version, counts, sources, what was skipped and why
=========  ==================  ================================================================

That is 2 bytes an event and 18 bytes a game before compression. Names, rules and warnings are not kept. `score`,
`owned` and `owner` are newer than the rest: files without them are read as if nothing were known.
"""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casecnn.choose import either
from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, read_error
from casecnn.go.board.record import (
    MAX_SIZE,
    MIN_SIZE,
    PLAY,
    SETUP,
    TO_PLAY,
    GameRecord,
    colour_of,
    is_play,
    kind_of,
    point_of,
    unpack,
)
from casecnn.go.sgf.header import score_of

VERSION = 1
_DTYPES = {"events": "uint16", "offsets": "int64", "sizes": "uint8", "komi": "float32", "winner": "int8"}
_LATER = {"score": "float32", "owned": "int32", "owner": "int8"}
_GAMES_AT_ONCE = 4096  # checked together, to keep the check's memory small


@dataclass(frozen=True, eq=False)
class Archive:
    """Packed games; the arrays are those of the table above, all read-only."""

    events: np.ndarray  # uint16 [E]
    offsets: np.ndarray  # int64 [G + 1]
    sizes: np.ndarray  # uint8 [G]
    komi: np.ndarray  # float32 [G]
    winner: np.ndarray  # int8 [G]
    score: np.ndarray  # float32 [G]
    owned: np.ndarray  # int32 [S]
    owner: np.ndarray  # int8 [P]
    meta: dict[str, Any] = field(default_factory=dict)
    source: str = "moves.npz"

    def __len__(self) -> int:
        """The number of games."""
        return len(self.sizes)

    @property
    def moves(self) -> int:
        """The number of moves in all games, passes included and set-up stones not."""
        return int(is_play(self.events).sum())

    @property
    def nbytes(self) -> int:
        """The size of all arrays in bytes, before compression and without the meta text."""
        return sum(getattr(self, name).nbytes for name in (*_DTYPES, *_LATER))

    def game(self, index: int) -> GameRecord:
        """The game at an index from 0; the handicap is the number of black stones set up before the first move."""
        if not 0 <= index < len(self):
            raise InputError(f"`game` (={index}) must be from 0 to {len(self) - 1}, the games of {self.source}")
        events = self.events[self.offsets[index] : self.offsets[index + 1]]
        return GameRecord(
            size=int(self.sizes[index]),
            events=events,
            komi=float(self.komi[index]),
            handicap=_handicap(events),
            result=_result(int(self.winner[index]), float(self.score[index])),
            winner=int(self.winner[index]),
            source=f"{self.source} game {index + 1}",
        )

    def common_size(self, preferred: int) -> int:
        """The board size to work on: the preferred one if it is there, else the only one.

        Raises `UsageError` where there are several others.
        """
        sizes = np.unique(self.sizes).tolist()
        if preferred in sizes:
            return preferred
        if len(sizes) != 1:
            names = either(f"{size}x{size}" for size in sizes)
            raise UsageError(f"{self.source} holds games on {names}; choose one with `size`")
        return sizes[0]

    def select(self, start: int, stop: int) -> Archive:
        """The games from ``start`` (from 0) to before ``stop``, as views; the ends are cut to what is there."""
        start = min(max(start, 0), len(self))
        stop = min(max(stop, start), len(self))
        first, last = self.offsets[start], self.offsets[stop]
        known = slice(*np.searchsorted(self.owned, (start, stop)))
        points = self.owner_offsets
        return Archive(
            self.events[first:last],
            self.offsets[start : stop + 1] - first,
            self.sizes[start:stop],
            self.komi[start:stop],
            self.winner[start:stop],
            self.score[start:stop],
            self.owned[known] - start,
            self.owner[points[known.start] : points[known.stop]],
            self.meta,
            self.source,
        )

    @property
    def owner_offsets(self) -> np.ndarray:
        """int64 [S + 1]: the points of the i-th game in `owned` are `owner` from offset i to offset i + 1."""
        return np.append(0, np.cumsum(self.sizes[self.owned].astype(np.int64) ** 2))


def pack_records(records: Iterable[GameRecord]) -> Archive:
    """Packs records in order; the meta text is empty."""
    events: list[np.ndarray] = []
    rows: list[tuple[int, float, int, float]] = []
    for record in records:
        events.append(record.events)
        rows.append((record.size, record.komi, record.winner, math.nan if record.cut else score_of(record.result)))
    offsets = np.zeros(len(events) + 1, np.int64)
    np.cumsum([len(part) for part in events], out=offsets[1:])
    return Archive(
        np.concatenate(events, dtype=np.uint16) if events else np.zeros(0, np.uint16),
        offsets,
        np.array([row[0] for row in rows], np.uint8),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[2] for row in rows], np.int8),
        np.array([row[3] for row in rows], np.float32),
        np.zeros(0, np.int32),
        np.zeros(0, np.int8),
    )


def join_archives(parts: list[Archive]) -> Archive:
    """One archive with the games of all parts in order; the meta texts are dropped."""
    if not parts:
        return pack_records([])
    starts = np.cumsum([0, *(len(part.events) for part in parts)])
    games = np.cumsum([0, *(len(part) for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts[:-1], strict=True)]
    return Archive(
        np.concatenate([part.events for part in parts]),
        np.concatenate([np.zeros(1, np.int64), *offsets]),
        np.concatenate([part.sizes for part in parts]),
        np.concatenate([part.komi for part in parts]),
        np.concatenate([part.winner for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.owned + first for part, first in zip(parts, games[:-1], strict=True)], dtype=np.int32),
        np.concatenate([part.owner for part in parts]),
    )


def save_archive(path: str | os.PathLike[str], archive: Archive) -> None:
    """Writes ``moves.npz`` whole or not at all; counts and version are added to the meta text."""
    meta = {**archive.meta, "version": VERSION, "games": len(archive), "moves": archive.moves}
    arrays = {name: getattr(archive, name) for name in (*_DTYPES, *_LATER)}
    with atomic_write(path) as stream:
        np.savez_compressed(stream, meta=np.array(json.dumps(meta)), **arrays)


def load_archive(path: str | os.PathLike[str]) -> Archive:
    """Reads and checks ``moves.npz``: every array's type, the offsets, sizes and each event's ranges.

    Raises `InputError`, one line naming the file, for a file that is missing, cut off, or not such an archive. Never
    unpickles. Not checked: whether the moves are legal.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                raise _wrong(name, "it is a single array")
            missing = [key for key in (*_DTYPES, "meta") if key not in stored.files]
            if missing:
                raise _wrong(name, f"it has no array `{missing[0]}`")
            arrays = {key: stored[key] for key in (*_DTYPES, *_LATER) if key in stored.files}
            meta = json.loads(str(stored["meta"][()]))
    except OSError as error:
        if error.errno is not None:
            raise read_error(path, error) from error
        raise _wrong(name, "it is broken or cut off") from error
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise _wrong(name, "it is broken or cut off") from error
    except MemoryError as error:
        raise _wrong(name, "an array in it claims more memory than there is") from error
    if not isinstance(meta, dict) or meta.get("version") != VERSION:
        raise _wrong(name, f"its version must be {VERSION}")
    arrays.setdefault("score", np.full(len(arrays["sizes"]), np.nan, np.float32))
    for key in ("owned", "owner"):
        arrays.setdefault(key, np.zeros(0, _LATER[key]))
    for key, dtype in (_DTYPES | _LATER).items():
        if arrays[key].dtype != dtype or arrays[key].ndim != 1:
            raise _wrong(name, f"`{key}` must be a {dtype} array with one dimension")
        arrays[key].flags.writeable = False
    archive = Archive(**arrays, meta=meta, source=name)
    problem = _problem(archive)
    if problem:
        raise _wrong(name, problem)
    return archive


def _wrong(name: str, problem: str) -> InputError:
    return InputError(f"{name} is not an archive of games: {problem}; make one with `casecnn go import`")


def _problem(archive: Archive) -> str:
    """What is wrong with the arrays of an archive, or the empty text."""
    games, offsets = len(archive.sizes), archive.offsets
    lengths = {len(offsets) - 1, len(archive.komi), len(archive.winner), len(archive.score)}
    if lengths != {games}:
        return "its arrays are of different lengths"
    if offsets[0] != 0 or offsets[-1] != len(archive.events) or (np.diff(offsets) < 0).any():
        return "`offsets` must rise from 0 to the number of events"
    if games and (archive.sizes.min() < MIN_SIZE or archive.sizes.max() > MAX_SIZE):
        return f"`sizes` must be from {MIN_SIZE} to {MAX_SIZE}"
    if games and (archive.winner.min() < 0 or archive.winner.max() > 2):
        return "`winner` must be 0, 1 or 2"
    if not np.isfinite(archive.komi).all():
        return "`komi` must be finite"
    if np.isinf(archive.score).any():
        return "`score` must be finite or unknown"
    owned = archive.owned
    if len(owned) and (owned.min() < 0 or owned.max() >= games or (np.diff(owned) <= 0).any()):
        return "`owned` must rise and name games"
    if archive.owner_offsets[-1] != len(archive.owner) or (len(owned) and abs(archive.owner).max() > 1):
        return "`owner` must hold a 1, 0 or -1 for each point of the games in `owned`"
    for start in range(0, games, _GAMES_AT_ONCE):
        part = archive.select(start, start + _GAMES_AT_ONCE)
        bad = _bad_events(part)
        if bad.any():
            game = start + int(np.searchsorted(part.offsets, np.argmax(bad), side="right"))
            return f"game {game} has an event that is not possible"
    return ""


def _bad_events(part: Archive) -> np.ndarray:
    """Which events have a kind, colour or point outside of its range: bool [E]."""
    area = np.repeat(part.sizes.astype(np.uint16) ** 2, np.diff(part.offsets))
    kind, colour, point = kind_of(part.events), colour_of(part.events), point_of(part.events)
    play = (kind == PLAY) & (colour >= 1) & (point <= area)
    setup = (kind == SETUP) & (point < area)
    to_play = (kind == TO_PLAY) & (colour >= 1) & (point == 0)
    return ~((play | setup | to_play) & (colour <= 2))


def _result(winner: int, score: float) -> str:
    """The result as in SGF, as far as it is known."""
    letter = ("", "B+", "W+")[winner]
    return letter if math.isnan(score) or not letter else f"{letter}{abs(score):g}"


def _handicap(events: np.ndarray) -> int:
    """The number of stones set up before the first move where all are black, else 0."""
    plays = is_play(events)
    before = [unpack(event) for event in events[: int(plays.argmax()) if plays.any() else len(events)]]
    stones = [event.colour for event in before if event.kind == SETUP]
    return len(stones) if stones and all(colour == 1 for colour in stones) else 0
