"""Positions of games that a search has played, as batches to learn from: AlphaGo Zero's targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from casecnn.errors import InputError
from casecnn.go.board.record import is_play, point_of
from casecnn.go.board.symmetry import SYMMETRIES, targets
from casecnn.go.data.archive import Archive
from casecnn.go.data.outcomes import outcomes
from casecnn.go.data.sampling import position_batch


class SearchedBatch(NamedTuple):
    """Positions before moves, each under some symmetry, from the view of the side to move.

    `planes` uint8 [n, 48, size, size]; `komi`, `won`, `margin` float32 [n] and `owner` int8 [n, size * size] as in
    `casecnn.go.data.outcomes`, `won` mixed with what the search said; `shares` float32 [n, size * size], the share of
    each point in the visits, passes left out.
    """

    planes: Tensor
    komi: Tensor
    won: Tensor
    margin: Tensor
    owner: Tensor
    shares: Tensor


class SearchedPositions:
    """The positions of games, each a mapping as `read_searched_game` gives it; all on one board size.

    Positions whose move was a pass are left out, since the net has no pass. `trust` is the share of the search's own
    win rate in `won`, beside the game's result: the result of one game says little of a position, the search may err.

    Raises `InputError` where no position is left.
    """

    def __init__(self, games: Sequence[Mapping[str, np.ndarray]], trust: float = 0.5) -> None:
        self.trust = trust
        self.size = int(games[0]["size"]) if games else 19
        lengths = [len(game["events"]) for game in games]
        events = np.concatenate([np.zeros(0, np.uint16), *(game["events"] for game in games)])
        scores = np.array([game["score"] for game in games], np.float32)
        self.archive = Archive(
            events=events,
            offsets=np.cumsum([0, *lengths]),
            sizes=np.full(len(games), self.size, np.uint8),
            komi=np.array([game["komi"] for game in games], np.float32),
            winner=np.array([game["winner"] for game in games], np.int8),
            score=scores,
            owned=np.arange(len(games), dtype=np.int32),
            owner=np.concatenate([np.zeros(0, np.int8), *(game["ownership"] for game in games)]),
            source="games of a search",
        )
        points = self.size**2
        visits = np.concatenate([np.zeros((0, points + 1), np.int32), *(game["visits"] for game in games)])[:, :points]
        self.win = np.concatenate([np.zeros(0, np.float32), *(game["win"] for game in games)])
        self.rows = np.flatnonzero(is_play(events) & (point_of(events) < points) & (visits.sum(1) > 0))
        if not len(self.rows):
            raise InputError("the games of the search hold no moves to learn from")
        self._visits = visits

    def __len__(self) -> int:
        """The number of positions."""
        return len(self.rows)

    def draw(self, number: int, rng: np.random.Generator) -> SearchedBatch:
        """Draw positions, with replacement, and a symmetry for each."""
        rows = rng.choice(self.rows, number)
        turns = rng.integers(0, SYMMETRIES, number)
        planes, _ = position_batch(self.archive, rows, turns, self.size)
        known = outcomes(self.archive, rows, turns, self.size)
        won = np.where(np.isnan(known.won), 0.5, known.won)
        won = (1 - self.trust) * won + self.trust * self.win[rows]
        visits = self._visits[rows].astype(np.float32)
        shares = np.empty_like(visits)
        np.put_along_axis(shares, targets(self.size)[turns][:, : self.size**2].astype(np.int64), visits, 1)
        shares /= shares.sum(1, keepdims=True)
        arrays = planes, known.komi, won.astype(np.float32), known.margin, known.owner, shares
        return SearchedBatch(*map(torch.from_numpy, arrays))
