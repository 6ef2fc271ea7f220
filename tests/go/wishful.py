"""A net that wants what it is told, and an engine that faces a picture."""

from __future__ import annotations

import numpy as np
from diagrams import BLACK, Diagram

from casecnn.go.board.coordinates import from_vertex
from casecnn.go.gtp.engine import Engine


class WishfulNet:
    """Wants the moves it is told, the first most; all others equally little."""

    name = "wishful"

    def __init__(self, size: int, wishes: str = "") -> None:
        self.size = size
        self.table = np.full(size * size, 1e-4)
        for rank, vertex in enumerate(wishes.split()):
            self.table[from_vertex(vertex, size)] = 0.5 ** (rank + 1)

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        return np.repeat((self.table / self.table.sum())[None].astype(np.float32), len(planes), axis=0)


def set_up(engine: Engine, board: Diagram, to_play: int = BLACK, komi: float = 0.0) -> None:
    """Puts a picture on the engine's board; the opponent has passed last."""
    engine.set_komi(komi)
    for row, column in np.argwhere(board.board).tolist():
        engine.position.set_stone(row * board.size + column, board.board[row][column])
    engine.position.play(board.size**2, 3 - to_play)
