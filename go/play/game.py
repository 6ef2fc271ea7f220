"""How a game between policies is played, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casecnn.checks import positive, whole, within
from casecnn.go.board.record import GameRecord
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import BLACK, State, copy_state
from casecnn.go.position import Position

MAX_MOVES = 10_000
MOST_POINTS_OF_KOMI = 1000


@dataclass(frozen=True)
class Rules:
    """How the games are played.

    Raises `UsageError` for values that make no sense.
    """

    temperature: float = 1.0  # moves are drawn by p ** (1 / temperature); 0: always the best
    opening_moves: int | None = None  # moves of a game that are drawn; then the best is played; None: all are drawn
    komi: float = 7.5
    max_moves: int | None = None  # passes included; None: twice the points of the board
    resign: float | None = None  # points: see `casecnn.go.play.games_batch.move_batch`; None: nobody resigns
    symmetries: bool = False  # average the net over the board's eight symmetries: eight times the work
    seed: int = 0

    def __post_init__(self) -> None:
        within("temperature", self.temperature, 0, 100, closed=True)
        if self.opening_moves is not None:
            whole("opening_moves", self.opening_moves, 0)
        within("komi", self.komi, -MOST_POINTS_OF_KOMI, MOST_POINTS_OF_KOMI, closed=True)
        if self.max_moves is not None:
            whole("max_moves", self.max_moves, 1, MAX_MOVES)
        if self.resign is not None:
            positive("resign", within("resign", self.resign, 0, 1000, closed=True))


@dataclass(frozen=True, eq=False)
class PlayedGame:
    """One finished game.

    `events` uint16 [n] are its moves as in `casecnn.go.board.record`, without those before the start position. `score`
    is black minus white minus komi as the board stands, whoever won. `swapped`: the opponent
    has black.
    """

    number: int
    size: int
    events: np.ndarray
    score: float
    winner: int  # 0 draw, 1 black, 2 white
    ended: str  # "passes", "resignation", "move limit", "cut off"
    swapped: bool

    @property
    def result(self) -> str:
        """As in SGF: "B+3.5", "W+R", "0" for a draw."""
        if not self.winner:
            return "0"
        return ("B+" if self.winner == BLACK else "W+") + (
            "R" if self.ended == "resignation" else f"{abs(self.score):g}"
        )

    def final(self, start: Position) -> State:
        """The board at the end of a game that began at `start`."""
        state = copy_state(start.state)
        for event in self.events:
            apply_event(state, event)
        return state

    def record(self, rules: Rules, black: str, white: str) -> GameRecord:
        """The game as a record, with the players' names."""
        return GameRecord(
            self.size, self.events, rules.komi, 0, self.result, self.winner, "Chinese", black, white,
            source=f"game {self.number}",
        )  # fmt: skip
