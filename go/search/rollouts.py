"""Moves evaluated by playing on: the policy against itself, to the end, many times, in one batch.

AlphaGo's rollouts, with the policy net in the place of the small rollout policy (Silver et al. 2016, Methods): slower a
game, but each says more. All moves of a playout are drawn at temperature 1, so the win rate is that of the policy's own
play, not of best play; both sides make the same mistakes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from casecnn.errors import UsageError
from casecnn.go.board.state import BLACK, COLOUR
from casecnn.go.net.move_policy import MovePolicy, for_games, on_cpu
from casecnn.go.play.batch import CPU_BLOCK
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.position import Position
from casecnn.go.search.random_play import play_out
from casecnn.interruption import InterruptionGuard
from casecnn.statistics import standard_error

BATCH = 256
MAX_ROLLOUTS = 100_000
CUT_OFF_GAMES = 32
"""Random games that estimate the score of a playout that was cut off."""


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
    policy: MovePolicy,
    rollouts: int,
    *,
    seed: int = 0,
    batch: int | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> dict[int, Rollouts]:
    """Play each of `moves` (passes are `size * size`) in a position and then `rollouts` games to the end.

    A game ends as `casecnn.go.play.ending` says, without resignation, and is scored by area when both have passed: dead
    stones are taken by then. Superko counts from the position on. The same seed gives the same games, and playout
    number i of each move is the same however many there are. `batch` games are played at once, by default as many as
    the device takes in one pass, so that the first end soon; the net computes in the precision that its device is
    fastest in. `progress(moves just played, games finished, all games)` is called after each move of the batch. The
    position is not changed.

    On Ctrl-C the games that are finished are counted, and moves with none are left out; short games finish first, so
    that what they say may lean to one side. Raises `UsageError` for `rollouts` out of range.
    """
    found: dict[int, Rollouts] = {}
    with InterruptionGuard("stopping; what is known so far:") as guard:

        def tick(played: int) -> bool:
            if progress:
                progress(played, sum(r.games for r in found.values()), rollouts * len(moves))
            return guard.number is not None

        for move, known in rolling_out(position, moves, policy, rollouts, seed=seed, batch=batch, tick=tick):
            found[move] = known
    return {move: found[move] for move in moves if move in found}


def rolling_out(
    position: Position,
    moves: Sequence[int],
    policy: MovePolicy,
    rollouts: int,
    *,
    seed: int = 0,
    batch: int | None = None,
    tick: Callable[[int], bool] | None = None,
    enough: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, Rollouts]]:
    """The games of `roll_out` as they end: for each its move, and what all finished games after that move say.

    `tick(moves just played)` is called after each move of the batch; if it returns true, there are no more games, and
    those in progress are dropped. Where `enough()` returns true, they are cut off, and random games from there say who
    wins (see `casecnn.go.search.random_play`). Raises `UsageError` for `rollouts` out of range.
    """
    if not 1 <= rollouts <= MAX_ROLLOUTS:
        raise UsageError(f"`rollouts` (={rollouts}) must be from 1 to {MAX_ROLLOUTS}")
    starts = []
    for move in moves:
        start = position.copy()
        start.play(move)
        starts.append(start)
    sums = [[0, 0.0, 0.0] for _ in moves]  # games, wins, points: exact, as wins and scores are whole or halves
    sign = 1 if position.to_play == BLACK else -1

    class _Stop(Exception):
        pass

    def watch(played: int) -> None:
        if tick is not None and tick(played):
            raise _Stop

    games = play_games(
        for_games(policy),
        range(rollouts * len(moves)),
        Rules(komi=position.komi, seed=seed),
        start=lambda number: starts[number % len(moves)],
        batch=min(batch or _room(policy), max(1, rollouts * len(moves))),
        progress=watch,
        enough=enough,
    )
    try:
        for game in games:
            number = game.number % len(moves)
            score = sign * (_estimated_score(starts[number], game) if game.ended == "cut off" else game.score)
            won = 1.0 if score > 0 else 0.5 if score == 0 else 0.0
            sums[number] = [old + new for old, new in zip(sums[number], (1, won, score), strict=True)]
            count, wins, points = sums[number]
            yield (
                moves[number],
                Rollouts(int(count), wins / count, standard_error(wins / count, int(count)), points / count),
            )
    except _Stop:
        pass


def _estimated_score(start: Position, game: PlayedGame) -> float:
    """What random games say of the end of a game that was cut off: black minus white minus komi."""
    state = game.final(start)
    return play_out(state, int(state.info[COLOUR]), CUT_OFF_GAMES).score - start.komi


def _room(policy: MovePolicy) -> int:
    """How many playouts go on at once: what the device takes in one pass, or each of its cores."""
    return min(BATCH, CPU_BLOCK * (os.cpu_count() or 1)) if on_cpu(policy) else BATCH
