"""The feature planes of whole games as one .npz file, written game by game."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np

from casecnn.errors import InputError
from casecnn.files import atomic_write
from casecnn.go.board.record import GameRecord
from casecnn.go.board.sizes import check_board
from casecnn.go.planes.table import PLANE_NAMES, PLANES
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import read_games

LARGEST = 512 << 20  # bytes of planes that one game may have


@dataclass(frozen=True)
class Written:
    """What `write_planes` wrote."""

    games: int
    positions: int
    board_size: int


def write_planes(
    records: Sequence[GameRecord],
    path: str | os.PathLike[str],
    *,
    progress: Callable[[GameRecord], None] | None = None,
) -> Written:
    """Writes the 48 planes of the positions before each move of some games, passes included, to an .npz file.

    The file holds, a row for each position and the games one after the other: `planes` uint8 [N, 48, size, size];
    `moves` int16 [N], the move played there (row * size + column, a pass is size * size); `to_play` uint8 [N], 1 black,
    2 white; and `names` [48], the planes' names. Games without a move add no row.

    Only one game's planes are in memory at a time: 17 kB a move on 19x19, so 5 MB for a game of 300 moves, and at most
    512 MiB (30,983 moves on 19x19; a longer game is refused). What `numpy.load` gives back of `planes` is whole,
    however. The file is compressed and written whole or not at all; `progress` is called after each game.

    Raises InputError for no game, games of different sizes or of a size that is not from 5 to 25, a game that is too
    long, and where the file cannot be written. The moves must be legal, as those of `casecnn.go.sgf.game.read_games`
    are.
    """
    from casecnn.go.planes.fast import game_features

    size = common_size(records)
    for record in records:
        if len(record) > LARGEST // (PLANES * size * size):
            longest = LARGEST // (PLANES * size * size)
            raise InputError(f"{record.source} has {len(record):,} moves; planes are written of up to {longest:,}")
    moves = np.concatenate([record.moves for record in records]).astype(np.int16)
    to_play = np.concatenate([record.colours for record in records])
    with atomic_write(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("planes.npy", "w", force_zip64=True) as member:
            _write_header(member, (len(moves), PLANES, size, size))
            for record in records:
                member.write(game_features(size, record.events).reshape(-1).data)
                if progress is not None:
                    progress(record)
        for name, array in (("moves", moves), ("to_play", to_play), ("names", np.array(PLANE_NAMES))):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return Written(len(records), len(moves), size)


def read_all(paths: Sequence[str | os.PathLike[str]]) -> tuple[list[GameRecord], list[Failure]]:
    """All games of some files, folders and archives, and those that cannot be read.

    `casecnn.go.sgf.game.read_games` says which files. Raises InputError for a path that gives no game: the first thing
    that is wrong with it.
    """
    records: list[GameRecord] = []
    failures: list[Failure] = []
    for path in paths:
        found = list(read_games(path))
        good = [game for game in found if isinstance(game, GameRecord)]
        bad = [game for game in found if isinstance(game, Failure)]
        if not good:
            raise bad[0].error() if bad else InputError(f"{os.fspath(path)} holds no game")
        records += good
        failures += bad
    return records, failures


def common_size(records: Sequence[GameRecord]) -> int:
    """The board size that all games share; InputError if there is none or if the engine does not know it."""
    if not records:
        raise InputError("there is no game to take the planes of")
    first = records[0]
    for record in records:
        if record.size != first.size:
            raise InputError(
                f"a file of planes holds one board size, but {first.source} is {first.size}x{first.size} and"
                f" {record.source} is {record.size}x{record.size}; write them to different files"
            )
    check_board(first.size, first.source)
    return first.size


def _write_header(member: IO[bytes], shape: tuple[int, ...]) -> None:
    np.lib.format.write_array_header_1_0(member, {"descr": "|u1", "fortran_order": False, "shape": shape})
