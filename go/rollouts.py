"""Moves judged by playing on: the policy against itself, to the end, many times, in one batch.

AlphaGo's rollouts, with the policy net in the place of the small rollout policy (Silver et al. 2016, Methods): slower a
game, but each says more. All moves of a playout are drawn at temperature 1, so the win rate is that of the policy's own
play, not of best play; both sides make the same mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from casecnn.errors import UsageError
from casecnn.go.position import Position
from casecnn.go.proportion import standard_error
from casecnn.go.rules import BLACK
from casecnn.go.selfplay import Player, Rules, play_games
from casecnn.interruption import InterruptionGuard

BATCH = 256
MAX_ROLLOUTS = 100_000


@dataclass(frozen=True)
class Rollouts:
    """What `games` playouts after a move say, seen by the player who makes it."""

    games: int
    win_rate: float  # a draw counts half
    win_rate_error: float  # its standard error, sqrt(p (1 - p) / n): 0 where all playouts agree
    mean_score: float  # points ahead, by area, komi counted


def roll_out(
    position: Position,
    moves: Sequence[int],
    policy: Player,
    rollouts: int,
    *,
    seed: int = 0,
    batch: int = BATCH,
    progress: Callable[[int, int, int], None] | None = None,
) -> dict[int, Rollouts]:
    """Play each of `moves` (passes are `size * size`) in a position and then `rollouts` games to the end.

    A game ends as `casecnn.go.ending` says, without resignation, and is scored by area when both have passed: dead
    stones are taken by then. Superko counts from the position on. The same seed gives the same games, and playout
    number i of each move is the same however many there are. `progress(moves just
    played, games finished, all games)` is called after each move of the batch. The position is not changed.

    On Ctrl-C the games that are finished are counted, and moves with none are left out; short games finish first, so
    that what they say may lean to one side. Raises `UsageError` for `rollouts` out of range.
    """
    if not 1 <= rollouts <= MAX_ROLLOUTS:
        raise UsageError(f"`--rollouts` (={rollouts}) must be from 1 to {MAX_ROLLOUTS}")
    starts = []
    for move in moves:
        start = position.copy()
        start.play(move)
        starts.append(start)
    scores: list[list[float]] = [[] for _ in moves]
    sign = 1 if position.to_play == BLACK else -1
    finished = 0

    class _Stop(Exception):
        pass

    with InterruptionGuard("stopping; what is known so far:") as guard:

        def tick(played: int) -> None:
            if progress:
                progress(played, finished, rollouts * len(moves))
            if guard.number is not None:
                raise _Stop

        games = play_games(
            policy,
            range(rollouts * len(moves)),
            Rules(komi=position.komi, seed=seed),
            start=lambda number: starts[number % len(moves)],
            batch=min(batch, max(1, rollouts * len(moves))),
            progress=tick,
        )
        try:
            for game in games:
                scores[game.number % len(moves)].append(sign * game.score)
                finished += 1
        except _Stop:
            pass
    return {move: _tally(found) for move, found in zip(moves, scores, strict=True) if found}


def _tally(scores: list[float]) -> Rollouts:
    count = len(scores)
    share = sum(1.0 if score > 0 else 0.5 if score == 0 else 0.0 for score in scores) / count
    return Rollouts(count, share, standard_error(share, count), sum(scores) / count)
