"""Review of a game: for every move that was played, what the policy net thinks of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from casecnn.checks import whole
from casecnn.errors import InputError, UsageError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import GameRecord
from casecnn.go.net.board_sizes import note, policy_for
from casecnn.go.planes.file import LARGEST
from casecnn.go.planes.table import OFFSETS
from casecnn.go.reviews.chart import save_chart
from casecnn.go.reviews.opinion import Candidate, Opinions, ReviewedMove
from casecnn.go.reviews.text import table
from casecnn.go.suggestions import share_out

if TYPE_CHECKING:
    from casecnn.go.net.move_policy import MovePolicy

BATCH = 32  # positions that the net sees at once, each under eight symmetries
CANDIDATES = 3  # of the net's own moves, for each position
TIE = 1e-4  # moves whose probabilities differ by less than this part are equal, such as the corners at the start


class Review(Opinions):
    """The net's opinion of the moves of a game, as a table or a chart too."""

    def table(self, top: int = 10) -> str:
        """The moves, the agreement and the `top` surprises as lines of text, at most 80 columns wide."""
        return table(self, top)

    def save_picture(self, path: str | os.PathLike[str], top: int = 10) -> None:
        """Draws the probability of each move over the game to a .png or .svg file; see `casecnn.go.reviews.chart`."""
        save_chart(self, path, top=top)


def review(
    game_or_file: GameRecord | str | os.PathLike[str] | bytes,
    *,
    policy: MovePolicy | str | os.PathLike[str] | None = None,
    symmetries: bool = True,
    first: int = 1,
    last: int | None = None,
    device: str = "auto",
    game: int | None = None,
    path: str | None = None,
    visits: int = 0,
    seed: int = 0,
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
    `progress(n)` is called after n more moves, twice for each of them with `visits`.

    With `visits` the position before each move is searched until it has as many (see `casecnn.go.search.reading`; 1 is
    the net's own estimate), so that the review knows who is ahead and what each move cost (`ReviewedMove.judgement`).
    That needs a net with a value branch: `policy` is one (`casecnn.go.net.policy_value`), or the name or file of its
    weights; None is the packaged one. The same `seed` gives the same review.

    The probabilities are those of `casecnn.go.suggest` at the same position. The net sees one position at a time and
    reads no variations: a surprise is a move that strong players seldom make there, good or bad.

    Raises UsageError for a range without moves and InputError for a file that is no game, a game without moves or with
    an illegal one, weights that cannot be loaded, and a board that is not from 5x5 to 25x25.
    """
    record = game_or_file
    if not isinstance(record, GameRecord):
        from casecnn.go.sgf.game import read_game

        record = read_game(record, game=game, path_spec=path)
    first, last = check_range(record, first, last)
    whole("visits", visits, 0)
    if policy is None or isinstance(policy, (str, os.PathLike)):
        policy = load_net(policy, device, value=visits > 0)
    if visits and not hasattr(policy, "estimate"):
        raise UsageError(f"`visits` (={visits}) needs a net with a value branch; '{policy.name}' has none")
    policy = policy_for(policy, record.size, record.source or "the game")
    start = time.perf_counter()
    planes = _planes(record)[first - 1 : last]
    played = list(zip(record.moves.tolist(), record.colours.tolist(), strict=True))
    moves: list[ReviewedMove] = []
    for begin in range(0, len(planes), BATCH):
        batch = planes[begin : begin + BATCH]
        raw = np.asarray(policy.probabilities(batch, symmetries=symmetries), dtype=np.float64)
        for number, given, seen in zip(range(first + begin, last + 1), raw, batch, strict=False):
            sensible = seen[OFFSETS["sensibleness"].start].reshape(-1).astype(bool)
            legal = seen[OFFSETS["liberties after move"]].any(0).reshape(-1)  # by all rules: suicide is not
            probabilities = share_out(given, sensible, policy.name)
            moves.append(_opinion(number, *played[number - 1], record.size, probabilities, sensible, legal))
        if progress is not None:
            progress(len(batch))
    if visits:
        from casecnn.go.reviews.judge import judge

        judged = judge(record, policy, visits, first, last, symmetries=symmetries, seed=seed, progress=progress)  # type: ignore[arg-type]
        moves = [replace(move, judgement=judgement) for move, judgement in zip(moves, judged, strict=True)]
    elapsed_ms = 1000 * (time.perf_counter() - start)
    return Review(record, tuple(moves), policy.name, symmetries, elapsed_ms, note(policy, record.size), visits)


def load_net(which: str | os.PathLike[str] | None, device: str = "auto", *, value: bool = False) -> MovePolicy:
    """The net of a name or a file, or the packaged one: with a value branch where that is needed."""
    if value:
        from casecnn.go.net.policy_value import load_policy_value

        return load_policy_value(which, device)
    from casecnn.go.net.policy import load_policy

    return load_policy(which, device)


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
    number: int, move: int, colour: int, size: int, probabilities: np.ndarray, sensible: np.ndarray, legal: np.ndarray
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
        return ReviewedMove(
            number, colour, move, vertex, max(1, len(order)) + 1, 0.0, best, fills_eye=bool(legal[move])
        )
    rank = int(np.flatnonzero(order == move)[0]) + 1
    return ReviewedMove(number, colour, move, vertex, rank, float(probabilities[move]), best)
