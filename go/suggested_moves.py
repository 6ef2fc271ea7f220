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
    from casecnn.go.search.results import SearchedMove, SearchResult
    from casecnn.go.search.rollouts import Rollouts

COLOURS = {1: "black", 2: "white"}
LONGEST = 8  # moves of a variation in a table


def lead_text(lead: float) -> str:
    """Black's lead with the side that is ahead.

    >>> lead_text(3.25), lead_text(-0.5), lead_text(0.01)
    ('B+3.2', 'W+0.5', 'even')
    """
    if abs(lead) < 0.05:
        return "even"
    return f"{'B' if lead > 0 else 'W'}+{abs(lead):.1f}"


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
    searched: SearchedMove | None = None  # what a search says, where there was one


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
    search: SearchResult | None = field(default=None, repr=False)  # as the side to move sees it
    visits: int = 0  # asked of the search; after Ctrl-C it has fewer
    ownership: bool = False  # whether to show whose each point is expected to be

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

    def points_lost(self, suggestion: Suggestion) -> float | None:
        """The points that a move loses against the search's own, for the side to move; None without a search."""
        return None if self.search is None else self.search.points_lost(suggestion.move)

    def as_dict(self, file: str | None = None) -> dict[str, Any]:
        """The suggestions for `json.dumps`, as `casecnn go suggest --format json` prints them.

        After a search all rates, leads and the ownership are those of the side to move, unless their name says
        otherwise.
        """
        return {
            "file": file,
            "board_size": self.size,
            "move_number": self.move_number,
            "to_play": COLOURS[self.to_play],
            **({"game_over": True} if self.over else {}),
            "weights": self.weights,
            **self._search_as_dict(),
            "suggestions": [
                {
                    "rank": suggestion.rank,
                    "move": suggestion.vertex,
                    "row": suggestion.row,
                    "column": suggestion.column,
                    "probability": suggestion.probability,
                    **(_rollouts_as_dict(suggestion.rollouts) if self.rollouts else {}),
                    **self._searched_as_dict(suggestion),
                }
                for suggestion in self.moves
            ],
            "elapsed_ms": round(self.elapsed_ms, 3),
        }

    def _search_as_dict(self) -> dict[str, Any]:
        if self.search is None:
            return {}
        black = self.to_play == 1
        win, lead = self.search.win, self.search.lead
        found: dict[str, Any] = {
            "visits": self.search.visits,
            "win_rate": win,
            "lead": lead,
            "black_win_rate": win if black else 1 - win,
            "black_lead": lead if black else -lead,
        }
        if self.ownership:
            found["ownership"] = [round(float(share), 3) for share in self.search.ownership]
        return found

    def _searched_as_dict(self, suggestion: Suggestion) -> dict[str, Any]:
        if suggestion.searched is None:
            return {}
        found = suggestion.searched
        return {
            "visits": found.visits,
            "win_rate": found.win,
            "lead": found.lead,
            "points_lost": self.points_lost(suggestion),
            "variation": [to_vertex(move, self.size) for move in found.variation],
        }

    def text_board(self, *, colour: bool = False) -> str:
        """The board for a terminal, the best moves marked 1 to 9, then a, b, ..."""
        from casecnn.go.picture.text_board import MARKS, text_board

        marks = {s.move: mark for s, mark in zip(self.moves, MARKS, strict=False)}
        return text_board(self.board, marks=marks, last_move=self.last_move, colour=colour)

    def diagram(self) -> Diagram:
        """The board with the heat map, as a description that can be drawn."""
        from casecnn.go.picture.scene import Diagram

        ranked = tuple(s.move for s in self.moves if s.row is not None)
        losses, owners = None, None
        note = f"% by {self.weights}" if self.probabilities.any() else f"pass, {self.weights}"
        if self.search is not None:
            losses = {s.move: lost for s in self.moves if (lost := self.points_lost(s)) is not None}
            note = f"points lost, {self.search.visits:,} visits"
            if self.ownership:
                owners = self.search.ownership if self.to_play == 1 else -self.search.ownership
        return Diagram(
            board=self.board,
            heat=self.probabilities,
            ranked=ranked,
            to_play=self.to_play,
            last_move=self.last_move,
            caption=self.headline(),
            note=note,
            losses=losses,
            ownership=owners,
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
        """Which weights the suggestions come from, and how: "policy-k48, mean over 8 symmetries".

        After a search also how the side to move stands.
        """
        how = ", mean over 8 symmetries" if self.symmetries else ""
        text = self.weights + how + (f", {self.rollouts} playouts a move" if self.rollouts else "")
        if self.search is None:
            return text
        who = COLOURS[self.to_play].capitalize()
        lead = lead_text(self.search.lead if self.to_play == 1 else -self.search.lead)
        return f"{text}, {self.search.visits:,} visits: {who} wins {100 * self.search.win:.1f} %, lead {lead}"

    def table(self) -> str:
        """Rank, GTP vertex and probability of each move as lines of text; ranks from 10 with the board's mark.

        Where there are playouts, the win rate with its standard error and the mean score follow; after a search the
        visits, the win rate of the side to move, the lead with the side that has it, the points lost, the variation.
        """
        from casecnn.go.picture.text_board import MARKS

        more = "        win rate   score  playouts" if self.rollouts else ""
        if self.search is not None:
            more = f"  visits  {COLOURS[self.to_play].capitalize()} wins      lead  points lost  variation"
        lines = ["rank   move  probability" + more]
        for suggestion in self.moves:
            mark = f" {MARKS[suggestion.rank - 1]}" if 9 < suggestion.rank <= len(MARKS) else ""
            lines.append(
                f"{f'{suggestion.rank}{mark}':<5}  {suggestion.vertex:<4}  {100 * suggestion.probability:9.2f} %"
                + (_rollouts_as_text(suggestion.rollouts) if self.rollouts else "")
                + self._searched_as_text(suggestion)
            )
        return "\n".join(lines)

    def _searched_as_text(self, suggestion: Suggestion) -> str:
        found = suggestion.searched
        if found is None:
            return ""
        lead = lead_text(found.lead if self.to_play == 1 else -found.lead)
        lost = self.points_lost(suggestion)
        variation = " ".join(to_vertex(move, self.size) for move in found.variation[:LONGEST])
        return (
            f"  {found.visits:>6,}  {100 * found.win:8.1f} %  {lead:>8}"
            f"  {'-' if lost is None else f'{max(0.0, lost):.1f}':>11}  {variation}"
        )

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
