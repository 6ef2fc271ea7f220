"""Positions of packed games with what became of them: batches that a value net learns from.

As in `casecnn.go.data.sampling`, everything is a pure function of the archive, a seed and a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from casecnn.checks import within
from casecnn.errors import InputError
from casecnn.go.board.record import colour_of
from casecnn.go.board.state import BLACK
from casecnn.go.board.symmetry import SYMMETRIES, targets
from casecnn.go.data.archive import Archive
from casecnn.go.data.history import History
from casecnn.go.data.sampling import input_batch, plays

UNKNOWN = 2
"""Stands for the owner of a point that nobody knows."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of positions, from the view of the side to move. All arrays have one row a position.

    `komi` float32 [n]: what the side to move is given (White: komi, Black: -komi); `won` float32 [n]: 1, 0, or NaN
    where the winner is unknown or nobody; `margin` float32 [n]: the points of the side to move minus the other's at
    the end, komi not counted, NaN where no count ended the game; `owner` int8 [n, size * size]: 1 the side to move's,
    -1 the other's, 0 nobody's, `UNKNOWN`.
    """

    komi: np.ndarray
    won: np.ndarray
    margin: np.ndarray
    owner: np.ndarray


def outcomes(archive: Archive, indices: np.ndarray, symmetries: np.ndarray, size: int = 19) -> Outcomes:
    """The outcomes of the positions before the plays at `indices`, each turned by its symmetry (0 to 7)."""
    games = np.searchsorted(archive.offsets, indices, side="right") - 1
    black = colour_of(archive.events[indices]) == BLACK
    sign = np.where(black, 1, -1).astype(np.float32)
    winner = archive.winner[games]
    won = np.where(winner == 0, np.nan, (winner == BLACK) == black).astype(np.float32)
    komi = -sign * archive.komi[games]
    margin = sign * (archive.score[games] + archive.komi[games])
    owner = np.full((len(indices), size * size), UNKNOWN, np.int8)
    if len(archive.owned):
        place = np.searchsorted(archive.owned, games).clip(max=len(archive.owned) - 1)
        begins, table = archive.owner_offsets[place], targets(size)
        for row in np.flatnonzero(archive.owned[place] == games):
            points = archive.owner[begins[row] : begins[row] + size * size]
            owner[row, table[symmetries[row]]] = points * int(sign[row])
    return Outcomes(komi.astype(np.float32), won, margin.astype(np.float32), owner)


class OutcomeSource:
    """Batches for `casecnn.training.loop.train`: positions with their outcomes, each under some symmetry.

    `source(step, rank, world)` returns planes uint8 [n, 48, size, size], komi, won and margin float32 [n], owner int8
    [n, size * size] and moves int64 [n] (see `Outcomes`). A game is drawn first, then one of its moves, so that no game
    counts more for being longer. `owned` of each batch come from games whose ownership is known; their winner is left
    unknown, because such games are closer than others and would teach wrong odds. With `compact` positions come as in
    `casecnn.go.data.sampling.compact_batch` instead of the planes.

    Raises `InputError` where no game of that size says who won.
    """

    def __init__(
        self,
        archive: Archive,
        batch_size: int,
        seed: int = 0,
        size: int = 19,
        owned: float = 0.25,
        compact: bool = False,
    ) -> None:
        within("owned", owned, 0.0, 1.0)
        self.archive, self.batch_size, self.seed, self.size = archive, batch_size, seed, size
        self.history = History(archive) if compact else None
        self.indices = plays(archive, size)
        games = np.searchsorted(archive.offsets, self.indices, side="right") - 1
        self.first = np.searchsorted(games, np.arange(len(archive) + 1))  # where each game's plays begin in `indices`
        some = np.diff(self.first) > 0
        self.decided = np.flatnonzero(some & (archive.winner > 0))
        self.known = archive.owned[some[archive.owned]].astype(np.int64)
        self.owned = owned if len(self.known) else 0.0
        if not len(self.decided):
            raise InputError("no game of that size in the archive says who won; import games with results")

    def __call__(self, step: int, rank: int = 0, world: int = 1) -> tuple[torch.Tensor, ...]:
        rng = np.random.default_rng((self.seed, step))
        number = self.batch_size * world
        ending = rng.random(number) < self.owned
        games = rng.choice(self.decided, number)
        games[ending] = rng.choice(self.known, int(ending.sum())) if ending.any() else []
        length = self.first[games + 1] - self.first[games]
        chosen = self.indices[self.first[games] + (rng.random(number) * length).astype(np.int64)]
        symmetries = rng.integers(0, SYMMETRIES, number)
        part = slice(rank * self.batch_size, (rank + 1) * self.batch_size)
        inputs, moves = input_batch(self.archive, self.history, chosen[part], symmetries[part], self.size)
        known = outcomes(self.archive, chosen[part], symmetries[part], self.size)
        won = np.where(ending[part], np.nan, known.won).astype(np.float32)
        return tuple(map(torch.from_numpy, (inputs, known.komi, won, known.margin, known.owner, moves)))


def choose_positions(archive: Archive, size: int = 19, number: int | None = None, seed: int = 0) -> np.ndarray:
    """int64 [n]: plays of games whose winner is known, drawn without replacement and in order; all for None."""
    indices = plays(archive, size)
    games = np.searchsorted(archive.offsets, indices, side="right") - 1
    indices = indices[archive.winner[games] > 0]
    if not len(indices):
        raise InputError("no game of that size in the archive says who won; import games with results")
    if number is None or number >= len(indices):
        return indices
    return np.sort(np.random.default_rng(seed).choice(indices, number, replace=False))
