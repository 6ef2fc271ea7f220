"""What a search says of the moves of a game: win rate, lead, the points that each move lost, the better move.

A move's loss is the lead before it less the lead after it, both as its player sees them; the lead before it is that of
best play. Source: so do KaTrain and KataGo's users count. Leads are in points, komi counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.state import BLACK
from casecnn.go.picture.points_lost import NAMES, loss_class


@dataclass(frozen=True, slots=True)
class Judgement:
    """A move as a search sees it. All figures are the player's who made it."""

    win: float  # the chance to win before the move, from 0 to 1
    lead: float  # points ahead before the move
    win_after: float
    lead_after: float
    visits: int  # positions looked at before the move
    best: int  # the search's own move there
    variation: tuple[int, ...]  # how it goes on, the best move first
    is_best: bool  # whether that was played

    @property
    def points_lost(self) -> float:
        """Points that the move lost, never below 0; none where it was the search's own."""
        return 0.0 if self.is_best else max(0.0, self.lead - self.lead_after)

    @property
    def win_lost(self) -> float:
        """The chance to win that the move lost, from 0 to 1."""
        return 0.0 if self.is_best else max(0.0, self.win - self.win_after)

    def black_win(self, colour: int) -> float:
        """Black's chance to win after the move of a colour."""
        return self.win_after if colour == BLACK else 1.0 - self.win_after

    def black_lead(self, colour: int) -> float:
        """Black's lead after the move of a colour."""
        return self.lead_after if colour == BLACK else -self.lead_after

    def as_dict(self, colour: int, size: int) -> dict[str, Any]:
        """The figures under stable names; those of Black say so, the others are the player's."""
        return {
            "points_lost": self.points_lost,
            "win_rate_lost": self.win_lost,
            "win_rate_before": self.win,
            "lead_before": self.lead,
            "win_rate": self.win_after,
            "lead": self.lead_after,
            "black_win_rate": self.black_win(colour),
            "black_lead": self.black_lead(colour),
            "visits": self.visits,
            "better": None if self.is_best else to_vertex(self.best, size),
            "variation": vertices(self.variation, size),
        }


@dataclass(frozen=True)
class Losses:
    """What some moves lost together; `mean` is None without moves, `counts` has the moves of each class."""

    moves: int
    mean: float | None
    counts: tuple[int, ...]

    @classmethod
    def of(cls, judgements: Iterable[Judgement | None]) -> Losses:
        """The losses of some moves; None for one that was not judged."""
        lost = [judged.points_lost for judged in judgements if judged is not None]
        classes = [loss_class(points) for points in lost]
        counts = tuple(classes.count(number) for number in range(len(NAMES)))
        return cls(len(lost), sum(lost) / len(lost) if lost else None, counts)

    def as_dict(self) -> dict[str, Any]:
        """The figures under stable names."""
        return {"moves": self.moves, "mean": self.mean, "counts": dict(zip(NAMES, self.counts, strict=True))}


def vertices(moves: Iterable[int], size: int) -> list[str]:
    """The moves of a variation as people read them."""
    return [to_vertex(move, size) for move in moves]
