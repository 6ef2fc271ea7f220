"""Positions drawn from packed games: planes and moves for training and evaluation, made on the fly.

Everything here is a pure function of the archive, a seed and a step, so that training resumes exactly and any number
of threads may make batches at once (the compiled part holds no interpreter lock).
"""

from __future__ import annotations

import numpy as np
import torch

from casecnn.compiled import njit
from casecnn.errors import InputError
from casecnn.go.board.record import KIND_SHIFT, PLAY, POINT_MASK, colour_of, point_of
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import COLOUR, new_state
from casecnn.go.board.symmetry import SYMMETRIES, targets
from casecnn.go.data.archive import Archive
from casecnn.go.data.history import History, set_up_before
from casecnn.go.planes.compact import write_compact
from casecnn.go.planes.fast import new_scratch, write_planes
from casecnn.go.planes.table import PLANES


@njit(cache=True, nogil=True)
def _write_positions(events, begins, indices, symmetries, targets_table, size, planes, moves):
    """Fill planes uint8 [n, 48, points] and moves int64 [n] for the plays at `indices`; return -1 or a bad row."""
    scratch = new_scratch()
    for row in range(indices.shape[0]):
        state = new_state(size)
        index = indices[row]
        for i in range(begins[row], index):
            if not apply_event(state, events[i]):
                return row
        event = events[index]
        state.info[COLOUR] = colour_of(event)
        target = targets_table[symmetries[row]]
        write_planes(state, scratch, target, planes[row])
        moves[row] = target[point_of(event)]
    return -1


@njit(cache=True, nogil=True)
def _write_compact_positions(events, begins, indices, gone, ko, symmetries, targets_table, size, compact, moves):
    """Fill compact positions uint8 [n, points] and moves int64 [n] for the plays at `indices`."""
    scratch = new_scratch()
    state = new_state(size)
    ladders = np.empty((2, size * size), np.uint8)
    for row in range(indices.shape[0]):
        index = indices[row]
        set_up_before(state, events, begins[row], index, gone, ko)
        target = targets_table[symmetries[row]]
        write_compact(state, scratch, target, ladders, compact[row])
        moves[row] = target[point_of(events[index])]


def plays(archive: Archive, size: int = 19) -> np.ndarray:
    """int64 [N]: the indices into `archive.events` of all moves on boards of `size`, passes left out (as in the paper).

    Raises `InputError` if there is none.
    """
    of_size = np.repeat(archive.sizes == size, np.diff(archive.offsets))
    point = archive.events & POINT_MASK
    indices = np.flatnonzero(of_size & (archive.events >> KIND_SHIFT == PLAY) & (point < size * size))
    if not len(indices):
        raise InputError(f"the archive holds no moves on a board of size {size}; import games of that size")
    return indices


def choose_plays(archive: Archive, size: int = 19, number: int | None = None, seed: int = 0) -> np.ndarray:
    """`number` of the archive's `plays`, drawn without replacement and in order; all of them for None or too many."""
    indices = plays(archive, size)
    if number is None or number >= len(indices):
        return indices
    return np.sort(np.random.default_rng(seed).choice(indices, number, replace=False))


def position_batch(
    archive: Archive, indices: np.ndarray, symmetries: np.ndarray, size: int = 19
) -> tuple[np.ndarray, np.ndarray]:
    """Planes uint8 [n, 48, size, size] before the plays at `indices` (as from `plays`), and moves int64 [n].

    Each position is under its symmetry (0 to 7), and so is its move. Raises `InputError` if a game in the archive is
    not legal.
    """
    begins = archive.offsets[np.searchsorted(archive.offsets, indices, side="right") - 1]
    planes = np.empty((len(indices), PLANES, size * size), np.uint8)
    moves = np.empty(len(indices), np.int64)
    bad = _write_positions(archive.events, begins, indices, symmetries, targets(size), size, planes, moves)
    if bad >= 0:
        game = int(np.searchsorted(archive.offsets, indices[bad], side="right"))
        raise InputError(f"game {game} of the archive holds an illegal move; import it again")
    return planes.reshape(len(indices), PLANES, size, size), moves


def compact_batch(
    history: History, indices: np.ndarray, symmetries: np.ndarray, size: int = 19
) -> tuple[np.ndarray, np.ndarray]:
    """Compact positions uint8 [n, size * size] (`casecnn.go.planes.compact`) and moves int64 [n].

    They are what `position_batch` gives, less the planes, and raise the same.
    """
    archive = history.archive
    games = np.searchsorted(archive.offsets, indices, side="right") - 1
    history.trace(games)
    compact = np.empty((len(indices), size * size), np.uint8)
    moves = np.empty(len(indices), np.int64)
    _write_compact_positions(archive.events, archive.offsets[games], indices, history.gone, history.ko, symmetries,
                             targets(size), size, compact, moves)  # fmt: skip
    return compact, moves


def input_batch(
    archive: Archive, history: History | None, indices: np.ndarray, symmetries: np.ndarray, size: int = 19
) -> tuple[np.ndarray, np.ndarray]:
    """A `compact_batch` where there is a history of the archive, else a `position_batch`."""
    if history is not None:
        return compact_batch(history, indices, symmetries, size)
    return position_batch(archive, indices, symmetries, size)


class PositionSource:
    """Batches for `casecnn.training.loop.train`: positions drawn at random across all games, each under some symmetry.

    `source(step, rank, world)` returns planes uint8 [batch, 48, size, size] and moves int64 [batch]. Two processes with
    half the batch see what one process with the whole batch sees. Positions are drawn with replacement. With `compact`
    the positions come as in `compact_batch`: 1/48 of the bytes and less than half of the time, for planes made on a
    GPU.
    """

    def __init__(
        self,
        archive: Archive,
        batch_size: int,
        seed: int = 0,
        size: int = 19,
        symmetric: bool = True,
        compact: bool = False,
    ) -> None:
        self.archive, self.batch_size, self.seed, self.size, self.symmetric = archive, batch_size, seed, size, symmetric
        self.indices = plays(archive, size)
        self.history = History(archive) if compact else None

    def __call__(self, step: int, rank: int = 0, world: int = 1) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng((self.seed, step))
        drawn = rng.integers(0, len(self.indices), self.batch_size * world)
        symmetries = rng.integers(0, SYMMETRIES if self.symmetric else 1, self.batch_size * world)
        part = slice(rank * self.batch_size, (rank + 1) * self.batch_size)
        inputs, moves = input_batch(self.archive, self.history, self.indices[drawn[part]], symmetries[part], self.size)
        return torch.from_numpy(inputs), torch.from_numpy(moves)
