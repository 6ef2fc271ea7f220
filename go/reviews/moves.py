"""Review of a game: for every move that was played, what the policy net thought of it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import GameRecord
from casecnn.go.net.evaluation import PHASES
from casecnn.go.planes.file import LARGEST
from casecnn.go.planes.table import OFFSETS
from casecnn.go.suggestions import COLOURS, share_out

if TYPE_CHECKING:
    from casecnn.go.net.policy import Policy

BATCH = 32  # positions that the net sees at once, each under eight symmetries
CANDIDATES = 3  # of the net's moves, so many are kept
TIE = 1e-4  # moves whose probabilities differ by less than this part are equal, such as the corners at the start
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
    that fills an own true eye (`fills_eye`) ranks after all of them with probability 0. A pass, of which the net knows
    nothing, has neither rank nor probability.
    """

    number: int  # from 1, passes counted
    colour: int  # 1 black, 2 white
    move: int  # size * size for a pass
    vertex: str
    rank: int | None
    probability: float | None
    best: tuple[Candidate, ...]  # the net's own moves, up to CANDIDATES, the best first
    fills_eye: bool = False

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

    def as_dict(self) -> dict[str, Any]:
        """The move for `json.dumps`; see `Review.as_dict`."""
        return {
            "number": self.number,
            "player": COLOURS[self.colour],
            "move": self.vertex,
            "rank": self.rank,
            "probability": self.probability,
            "surprise": self.surprise,
            "fills_eye": self.fills_eye,
            "best": [{"move": c.vertex, "probability": c.probability} for c in self.best],
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
class Review:
    """The net's opinion of the moves of a game, in their order. Iterating gives the `ReviewedMove`s."""

    record: GameRecord
    moves: tuple[ReviewedMove, ...] = field(repr=False)
    weights: str
    symmetries: bool
    elapsed_ms: float  # planes, net and ranking; the loading of the weights is not counted

    def __iter__(self) -> Iterator[ReviewedMove]:
        return iter(self.moves)

    def __len__(self) -> int:
        return len(self.moves)

    def surprises(self, top: int = 10) -> list[ReviewedMove]:
        """The `top` moves with the greatest surprise, the greatest first; the net's own moves are none."""
        others = [move for move in self.moves if move.rank is not None and move.rank > 1]
        return sorted(others, key=lambda move: -(move.surprise or 0.0))[:top]

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
            "moves": [move.as_dict() for move in self.moves],
            "agreement": [
                {"player": COLOURS[colour] if colour else "both", "phase": phase or "all", **agreement.as_dict()}
                for colour, phase, agreement in self.agreements()
            ],
            "surprises": [move.number for move in self.surprises(top)],
            "elapsed_ms": round(self.elapsed_ms, 3),
        }

    def table(self, top: int = 10) -> str:
        """The moves, the agreement and the `top` surprises as lines of text, at most 80 columns wide."""
        from casecnn.go.reviews.text import table

        return table(self, top)

    def save_picture(self, path: str | os.PathLike[str], top: int = 10) -> None:
        """Draws the probability of each move over the game to a .png or .svg file; see `casecnn.go.reviews.chart`."""
        from casecnn.go.reviews.chart import save_chart

        save_chart(self, path, top=top)


def select(moves: Iterable[ReviewedMove], colour: int | None = None, phase: str | None = None) -> list[ReviewedMove]:
    """The moves of one colour, of one phase of the game, or both. Raises UsageError for an unknown phase."""
    spans = {name: (low, high) for name, low, high in PHASES}
    if phase is not None and phase not in spans:
        raise UsageError(f"`phase` (={phase}) must be one of {', '.join(spans)}")
    low, high = spans[phase] if phase else (0, math.inf)
    return [move for move in moves if colour in (None, move.colour) and low < move.number <= high]


def review(
    game_or_file: GameRecord | str | os.PathLike[str] | bytes,
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
    symmetries: bool = True,
    first: int = 1,
    last: int | None = None,
    device: str = "auto",
    game: int | None = None,
    path: str | None = None,
    progress: Callable[[int], object] | None = None,
) -> Review:
    """What the policy net thinks of every move of a game: its rank and probability, and the net's own moves.

    >>> from casecnn.go import review
    >>> reviewed = review(b"(;SZ[19];B[pd];W[dd];B[pp])")
    >>> [(move.number, move.vertex) for move in reviewed]
    [(1, 'Q16'), (2, 'D16'), (3, 'Q4')]
    >>> reviewed.agreement(colour=1).moves
    2

    The game is a `GameRecord` or an SGF file (`game` is its number in a collection, `path` a variation: see
    `casecnn.go.sgf.game.read_game`). Reviewed are the moves from `first` to `last`, counted from 1 with passes, by
    default all; a `last` beyond the game is its end. `policy` is a loaded net, or the name or file of weights; None is
    the packaged net. With `symmetries` the probabilities are the mean over the eight symmetries of the board.
    `progress(n)` is called after n more moves.

    The probabilities are those of `casecnn.go.suggest` at the same position. The net sees one position at a time and
    reads no variations: a surprise is a move that strong players seldom make there, good or bad.

    Raises UsageError for a range without moves and InputError for a file that is no game, a game without moves or with
    an illegal one, weights that cannot be loaded, and a board of another size than the net's.
    """
    record = game_or_file
    if not isinstance(record, GameRecord):
        from casecnn.go.sgf.game import read_game

        record = read_game(record, game=game, path_spec=path)
    first, last = check_range(record, first, last)
    if policy is None or isinstance(policy, (str, os.PathLike)):
        from casecnn.go.net.policy import load_policy

        policy = load_policy(policy, device)
    check_size(record, policy)
    start = time.perf_counter()
    planes = _planes(record)[first - 1 : last]
    played = list(zip(record.moves.tolist(), record.colours.tolist(), strict=True))
    moves: list[ReviewedMove] = []
    for begin in range(0, len(planes), BATCH):
        batch = planes[begin : begin + BATCH]
        raw = np.asarray(policy.probabilities(batch, symmetries=symmetries), dtype=np.float64)
        for number, given, seen in zip(range(first + begin, last + 1), raw, batch, strict=False):
            sensible = seen[OFFSETS["sensibleness"].start].reshape(-1).astype(bool)
            probabilities = share_out(given, sensible, policy.name)
            moves.append(_opinion(number, *played[number - 1], record.size, probabilities, sensible))
        if progress is not None:
            progress(len(batch))
    return Review(record, tuple(moves), policy.name, symmetries, 1000 * (time.perf_counter() - start))


def check_numbers(first: int = 1, last: int | None = None) -> None:
    """Raises UsageError for a range that holds no move of any game."""
    if first < 1:
        raise UsageError(f"`first` (={first}) must be at least 1")
    if last is not None and last < first:
        raise UsageError(f"`last` (={last}) must be at least {first}, the first move to review")


def check_range(record: GameRecord, first: int = 1, last: int | None = None) -> tuple[int, int]:
    """The numbers of the first and the last move to review; raises as `review` does where there is none."""
    check_numbers(first, last)
    if not len(record):
        raise InputError(f"{record.source or 'the game'} has no moves to review")
    if first > len(record):
        source = record.source or "the game"
        raise UsageError(f"`first` (={first}) must be from 1 to {len(record)}, the number of moves in {source}")
    return first, len(record) if last is None else min(last, len(record))


def check_size(record: GameRecord, policy: Policy) -> None:
    """Raises InputError for a board of another size than the net's."""
    if record.size != policy.size:
        raise InputError(
            f"{record.source or 'the game'}: the board (={record.size}x{record.size}) must be"
            f" {policy.size}x{policy.size}, the size that the weights '{policy.name}' know"
        )


def _planes(record: GameRecord) -> np.ndarray:
    """The planes before every move, uint8 [moves, 48, size, size]; raises InputError for a game without them."""
    from casecnn.go.planes.fast import game_features
    from casecnn.go.sgf.failure import NotRead
    from casecnn.go.sgf.legality import check_legal

    longest = LARGEST // (48 * record.size * record.size)
    if len(record) > longest:
        raise InputError(
            f"{record.source or 'the game'} has {len(record):,} moves; games of up to {longest:,} are read"
        )
    try:
        check_legal(record)
    except NotRead as problem:
        raise InputError(f"{record.source or 'the game'} {problem}") from problem
    return game_features(record.size, record.events)


def _opinion(
    number: int, move: int, colour: int, size: int, probabilities: np.ndarray, sensible: np.ndarray
) -> ReviewedMove:
    merit = probabilities.copy()
    merit[move : move + 1] *= 1 + TIE  # nothing where the move is a pass
    order = np.argsort(-merit, kind="stable")  # of other equals the upper left first, as suggestions have it
    order = order[sensible[order]]
    best = tuple(Candidate(int(m), to_vertex(int(m), size), float(probabilities[m])) for m in order[:CANDIDATES])
    best = best or (Candidate(size * size, "pass", 1.0),)
    vertex = to_vertex(move, size)
    if move == size * size:
        return ReviewedMove(number, colour, move, vertex, None, None, best)
    if not sensible[move]:
        return ReviewedMove(number, colour, move, vertex, max(1, len(order)) + 1, 0.0, best, fills_eye=True)
    rank = int(np.flatnonzero(order == move)[0]) + 1
    return ReviewedMove(number, colour, move, vertex, rank, float(probabilities[move]), best)
