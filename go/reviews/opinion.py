"""The net's opinion of the moves of a game: rank, probability and surprise of each, agreement of all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from casecnn.checks import one_of
from casecnn.go.board.record import GameRecord
from casecnn.go.net.evaluation import PHASES
from casecnn.go.picture.points_lost import THRESHOLDS
from casecnn.go.reviews.judgement import Judgement, Losses
from casecnn.go.suggested_moves import COLOURS

HOT = 1.0  # nats: a surprise that stands out; the move played is at most 1/e as probable as the net's own
FLOOR = 1e-6  # a move less probable than this is as surprising as one of this probability


class Candidate(NamedTuple):
    """A move that the net would play, or the pass where there is no sensible move."""

    move: int
    vertex: str
    probability: float


@dataclass(frozen=True, slots=True)
class ReviewedMove:
    """One move of a game and the net's opinion of the position before it.

    `rank` counts from 1 among the sensible moves (legal, no own true eye filled) and `probability` is the net's, scaled
    so that those of all sensible moves add up to 1. Of moves that the net finds equal the one played is first. A move
    that fills an own true eye (`fills_eye`) ranks after all of them with probability 0, and so does suicide where the
    rules allow it. A pass, which the net does not know, has neither rank nor probability.
    """

    number: int  # from 1, passes counted
    colour: int  # 1 black, 2 white
    move: int  # size * size for a pass
    vertex: str
    rank: int | None
    probability: float | None
    best: tuple[Candidate, ...]  # the net's own moves, up to CANDIDATES, the best first
    fills_eye: bool = False
    judgement: Judgement | None = None  # what a search says, where there was one

    @property
    def choice(self) -> Candidate:
        """The net's own move."""
        return self.best[0]

    @property
    def surprise(self) -> float | None:
        """ln(p of the net's own move / p of the move played), in nats; 0 if they are the same, None for a pass.

        The probability of the move played counts as at least `FLOOR`, so that no surprise exceeds 13.8.
        """
        if self.probability is None:
            return None
        return max(0.0, math.log(self.choice.probability / max(self.probability, FLOOR)))

    def as_dict(self, size: int = 19) -> dict[str, Any]:
        """The move for `json.dumps`; see `Opinions.as_dict`."""
        return {
            "number": self.number,
            "player": COLOURS[self.colour],
            "move": self.vertex,
            "rank": self.rank,
            "probability": self.probability,
            "surprise": self.surprise,
            "fills_eye": self.fills_eye,
            "best": [{"move": c.vertex, "probability": c.probability} for c in self.best],
            **(self.judgement.as_dict(self.colour, size) if self.judgement else {}),
        }


@dataclass(frozen=True)
class Agreement:
    """How often the moves played are the net's own. Fractions from 0 to 1; None if there are no moves."""

    moves: int  # passes left out
    top1: float | None  # played the net's own move
    top3: float | None  # one of its best three
    top5: float | None
    probability: float | None  # mean of what the net gave to the moves played

    @classmethod
    def of(cls, moves: Iterable[ReviewedMove]) -> Agreement:
        """The agreement over some moves, those of several games if need be."""
        plays = [(m.rank, m.probability) for m in moves if m.rank is not None and m.probability is not None]
        if not plays:
            return cls(0, None, None, None, None)
        top1, top3, top5 = (sum(rank <= top for rank, _ in plays) / len(plays) for top in (1, 3, 5))
        return cls(len(plays), top1, top3, top5, sum(p for _, p in plays) / len(plays))

    def as_dict(self) -> dict[str, Any]:
        """The figures under stable names."""
        return {
            "moves": self.moves,
            "top1": self.top1,
            "top3": self.top3,
            "top5": self.top5,
            "probability": self.probability,
        }


@dataclass(frozen=True, eq=False)
class Opinions:
    """The net's opinion of the moves of a game, in their order.

    Iterating gives the `ReviewedMove`s.
    """

    record: GameRecord
    moves: tuple[ReviewedMove, ...] = field(repr=False)
    weights: str
    symmetries: bool
    elapsed_ms: float  # planes, net and ranking; the loading of the weights is not counted
    note: str = ""  # what to tell a user about the weights on this board, such as that they were trained on another
    visits: int = 0  # of the search before each move; 0: there was none, and nobody knows what moves cost

    def __iter__(self) -> Iterator[ReviewedMove]:
        return iter(self.moves)

    def __len__(self) -> int:
        return len(self.moves)

    def surprises(self, top: int = 10) -> list[ReviewedMove]:
        """The `top` moves with the greatest surprise, the greatest first; the net's own moves are none."""
        others = [move for move in self.moves if move.rank is not None and move.rank > 1]
        return sorted(others, key=lambda move: -(move.surprise or 0.0))[:top]

    def mistakes(self, top: int = 10) -> list[ReviewedMove]:
        """The `top` moves that lost most points, the costliest first, of those that lost half a point or more."""
        costly = [move for move in self.moves if _lost(move) >= THRESHOLDS[0]]
        return sorted(costly, key=lambda move: -_lost(move))[:top]

    def losses(self) -> Iterator[tuple[int | None, str | None, Losses]]:
        """Colour, phase and losses, in the order of `agreements`."""
        for colour in (None, *COLOURS):
            yield colour, None, Losses.of(move.judgement for move in select(self.moves, colour))
            for phase, _, _ in PHASES:
                yield colour, phase, Losses.of(move.judgement for move in select(self.moves, colour, phase))

    def agreement(self, colour: int | None = None, phase: str | None = None) -> Agreement:
        """The agreement of one player (1 black, 2 white) or both, in one phase or all."""
        return Agreement.of(select(self.moves, colour, phase))

    def agreements(self) -> Iterator[tuple[int | None, str | None, Agreement]]:
        """Colour, phase and agreement for both players together, then for each; None stands for all of them."""
        for colour in (None, *COLOURS):
            yield colour, None, self.agreement(colour)
            for phase, _, _ in PHASES:
                yield colour, phase, self.agreement(colour, phase)

    def as_dict(self, file: str | None = None, top: int = 10) -> dict[str, Any]:
        """The review for `json.dumps`, as `casecnn go review --format json` prints it.

        `file`, `source` (file and game), `board_size`, `black`, `white` and `result` (as in the file, or empty),
        `warnings`, `weights`, `symmetries`; `moves`, each with `number`, `player`, `move`, `rank`, `probability` and
        `surprise` (null for a pass), `fills_eye` and `best`, the net's own moves with their probabilities; `agreement`,
        a row for each `player` (both, black, white) and `phase` (all, and those of PHASES) with `moves`, `top1`,
        `top3`, `top5` and `probability` (null without moves); `surprises`, the numbers of the `top` most surprising
        moves, the most surprising first; `elapsed_ms`. Vertices are as people read them: "Q16", "pass".

        After a search there are `visits` and each move has those of `Judgement.as_dict`; `losses` are rows like those
        of `agreement`, with `moves`, `mean` and `counts` by class; `mistakes` the numbers of the `top` costliest moves.
        """
        return {
            "file": file,
            "source": self.record.source,
            "board_size": self.record.size,
            "black": self.record.black,
            "white": self.record.white,
            "result": self.record.result,
            "warnings": list(self.record.warnings),
            "weights": self.weights,
            "symmetries": self.symmetries,
            **({"visits": self.visits} if self.visits else {}),
            "moves": [move.as_dict(self.record.size) for move in self.moves],
            "agreement": [
                {"player": COLOURS[colour] if colour else "both", "phase": phase or "all", **agreement.as_dict()}
                for colour, phase, agreement in self.agreements()
            ],
            "surprises": [move.number for move in self.surprises(top)],
            **(self._losses_as_dict(top) if self.visits else {}),
            "elapsed_ms": round(self.elapsed_ms, 3),
        }

    def _losses_as_dict(self, top: int) -> dict[str, Any]:
        rows = [
            {"player": COLOURS[colour] if colour else "both", "phase": phase or "all", **losses.as_dict()}
            for colour, phase, losses in self.losses()
        ]
        return {"losses": rows, "mistakes": [move.number for move in self.mistakes(top)]}


def _lost(move: ReviewedMove) -> float:
    return move.judgement.points_lost if move.judgement is not None else 0.0


def select(moves: Iterable[ReviewedMove], colour: int | None = None, phase: str | None = None) -> list[ReviewedMove]:
    """The moves of one colour, of one phase of the game, or both. Raises UsageError for an unknown phase."""
    spans = {name: (low, high) for name, low, high in PHASES}
    if phase is not None:
        one_of("phase", phase, list(spans))
    low, high = spans[phase] if phase else (0, math.inf)
    return [move for move in moves if colour in (None, move.colour) and low < move.number <= high]
