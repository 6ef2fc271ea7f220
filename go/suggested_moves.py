"""Suggested moves as data: their ranks and probabilities, as a table, as JSON, and as a picture of the board."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from casecnn.go.board.coordinates import to_vertex

if TYPE_CHECKING:
    from casecnn.go.picture.scene import Diagram
    from casecnn.go.search.rollouts import Rollouts

COLOURS = {1: "black", 2: "white"}


@dataclass(frozen=True)
class Suggestion:
    """One suggested move, `row * size + column`; the pass, `size * size`, has neither row nor column."""

    rank: int  # from 1
    move: int
    vertex: str  # as people read it: "Q16", "pass"
    row: int | None
    column: int | None
    probability: float
    rollouts: Rollouts | None = None  # what playouts say, where some were played


@dataclass(frozen=True, eq=False)
class Suggestions:
    """The best moves of a position, the best first, and the position they are for.

    Iterating gives the `Suggestion`s. `probabilities` is float64 [size * size]: 0 on moves that are illegal or fill an
    own true eye, 1 in sum, or 0 everywhere if no move is left but to pass.
    """

    moves: tuple[Suggestion, ...]
    probabilities: np.ndarray = field(repr=False)
    board: np.ndarray = field(repr=False)  # uint8 [size, size]: 0 empty, 1 black, 2 white
    to_play: int  # 1 black, 2 white
    move_number: int  # moves played so far, passes included
    last_move: int | None  # size * size for a pass
    weights: str
    symmetries: bool
    elapsed_ms: float  # planes, net, playouts and ranking; the loading of the weights is not counted
    rollouts: int = 0  # playouts asked for each move; after Ctrl-C a move may have fewer
    over: bool = False  # whether both players have passed
    note: str = ""  # what to tell a user about the weights on this board, such as that they were trained on another

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.moves)

    def __len__(self) -> int:
        return len(self.moves)

    def __getitem__(self, index: int) -> Suggestion:
        return self.moves[index]

    @property
    def size(self) -> int:
        """Lines of the board."""
        return len(self.board)

    @property
    def unfinished(self) -> int:
        """Playouts that were asked for but not finished."""
        return sum(self.rollouts - (s.rollouts.games if s.rollouts else 0) for s in self.moves)

    def as_dict(self, file: str | None = None) -> dict[str, Any]:
        """The suggestions for `json.dumps`, as `casecnn go suggest --format json` prints them."""
        return {
            "file": file,
            "board_size": self.size,
            "move_number": self.move_number,
            "to_play": COLOURS[self.to_play],
            **({"game_over": True} if self.over else {}),
            "weights": self.weights,
            "suggestions": [
                {
                    "rank": suggestion.rank,
                    "move": suggestion.vertex,
                    "row": suggestion.row,
                    "column": suggestion.column,
                    "probability": suggestion.probability,
                    **(_rollouts_as_dict(suggestion.rollouts) if self.rollouts else {}),
                }
                for suggestion in self.moves
            ],
            "elapsed_ms": round(self.elapsed_ms, 3),
        }

    def text_board(self, *, colour: bool = False) -> str:
        """The board for a terminal, the best moves marked 1 to 9, then a, b, ..."""
        from casecnn.go.picture.text_board import MARKS, text_board

        marks = {s.move: mark for s, mark in zip(self.moves, MARKS, strict=False)}
        return text_board(self.board, marks=marks, last_move=self.last_move, colour=colour)

    def diagram(self) -> Diagram:
        """The board with the heat map, as a description that can be drawn."""
        from casecnn.go.picture.scene import Diagram

        return Diagram(
            board=self.board,
            heat=self.probabilities,
            ranked=tuple(s.move for s in self.moves if s.row is not None),
            to_play=self.to_play,
            last_move=self.last_move,
            caption=self.headline(),
            note=f"% by {self.weights}" if self.probabilities.any() else f"pass, {self.weights}",
        )

    def headline(self) -> str:
        """Who is to play and how far the game is.

        Reads "White to play after move 57 (Q16)", or "Black to play, no move yet".
        """
        colour = COLOURS[self.to_play].capitalize()
        if not self.move_number:
            return f"{colour} to play, no move yet"
        last = f" ({to_vertex(self.last_move, self.size)})" if self.last_move is not None else ""
        end = "; the game is over, both have passed" if self.over else ""
        return f"{colour} to play after move {self.move_number}{last}{end}"

    def origin(self) -> str:
        """Which weights the suggestions come from, and how: "policy-k48, mean over 8 symmetries"."""
        how = ", mean over 8 symmetries" if self.symmetries else ""
        return self.weights + how + (f", {self.rollouts} playouts a move" if self.rollouts else "")

    def table(self) -> str:
        """Rank, GTP vertex and probability of each move as lines of text; ranks from 10 with the board's mark.

        Where there are playouts, the win rate with its standard error and the mean score follow.
        """
        from casecnn.go.picture.text_board import MARKS

        lines = ["rank   move  probability" + ("        win rate   score  playouts" if self.rollouts else "")]
        for suggestion in self.moves:
            mark = f" {MARKS[suggestion.rank - 1]}" if 9 < suggestion.rank <= len(MARKS) else ""
            lines.append(
                f"{f'{suggestion.rank}{mark}':<5}  {suggestion.vertex:<4}  {100 * suggestion.probability:9.2f} %"
                + (_rollouts_as_text(suggestion.rollouts) if self.rollouts else "")
            )
        return "\n".join(lines)

    def save_picture(self, path: str | os.PathLike[str]) -> None:
        """Writes the board with the heat map to a .png or .svg file, whole or not at all."""
        from casecnn.go.picture.draw import save_picture

        save_picture(self.diagram(), path)


def _rollouts_as_dict(found: Rollouts | None) -> dict[str, Any]:
    return {
        "win_rate": found.win_rate if found else None,
        "win_rate_error": found.win_rate_error if found else None,
        "mean_score": found.mean_score if found else None,
        "rollouts": found.games if found else 0,
    }


def _rollouts_as_text(found: Rollouts | None) -> str:
    if found is None:
        return f"{'-':>16}{'-':>8}{0:10}"
    share = f"{100 * found.win_rate:.1f} +- {100 * found.win_rate_error:.1f} %"
    return f"{share:>16}{found.mean_score:+8.1f}{found.games:10}"
