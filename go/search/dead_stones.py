"""Which stones are dead, which are in seki, and which points are still to be decided.

Random games tell which chains are dead (`casecnn.go.search.random_play`): those whose points are the opponent's in more
than half of them. Random play kills what nobody would. Where it leaves a doubt, a few games of a policy net against
itself can decide; and small positions are read (`casecnn.go.search.seki`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casecnn.go.board.regions import chains, regions
from casecnn.go.board.state import BLACK, EMPTY, WHITE, board_of
from casecnn.go.net.move_policy import MovePolicy, for_games
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.position import Position
from casecnn.go.search.random_play import play_out
from casecnn.go.search.seki import read_weak_chains

# A region whose points have the same owner in this share of the random games more than not is decided.
DECIDED = 0.5

DEAD = 0.8
"""A chain whose points are the opponent's so much more often in random games is taken off before reading."""

SURE = 0.9
"""Random games leave no doubt about a chain whose points have the same owner so much more often than not."""

PLAYOUTS = 16
"""Games of the policy that decide in doubt: a chain's mean over them is seldom near 0."""


@dataclass(frozen=True, eq=False)
class Ending:
    """What would be if the game ended now. All arrays have the shape [size * size].

    `dead` bool: the stones that are dead; `seki` bool: the stones in seki; `owner` uint8: whose area a point is once
    the dead are off the board (0: nobody's); `neutral` bool: empty points beside stones in seki; `open` bool: empty
    points that are still worth a move, because they touch both colours or random games disagree; `score`: area, black
    minus white minus komi, dead stones taken off.
    """

    dead: np.ndarray
    seki: np.ndarray
    owner: np.ndarray
    neutral: np.ndarray
    open: np.ndarray
    score: float


def estimate_ending(
    position: Position, games: int | None = None, seed: int = 0, policy: MovePolicy | None = None
) -> Ending:
    """Estimate what would be if the game ended now, from `games` random games, by default `games_for` the board.

    Does not change the position.

    With a `policy`, which takes seconds, games of it against itself decide instead where random ones leave a doubt and
    half of the board is full.
    """
    size = position.size
    board = position.board.reshape(-1)
    random = play_out(position.state, position.to_play, games or games_for(board), seed).ownership
    ownership = random
    if policy is not None and 2 * int((board == EMPTY).sum()) <= board.size:
        if any(abs(ownership[chain].mean()) < SURE for chain in chains(board, size)):
            ownership = _played_by(policy, position, seed)
    dead, surely = np.zeros(size * size, bool), np.zeros(size * size, bool)
    for chain in chains(board, size):
        mean = (1 if board[chain[0]] == BLACK else -1) * ownership[chain].mean()
        dead[chain] = mean < 0
        surely[chain] = mean < 0 and (1 if board[chain[0]] == BLACK else -1) * random[chain].mean() < -DEAD
    verdict = read_weak_chains(position, surely)
    for group in verdict.groups:  # a stone that a living group can connect is not dead because random games forget to
        dead[group] = (1 if board[group[0]] == BLACK else -1) * ownership[group].mean() < 0
    dead[list(verdict.alive)] = False
    dead[list(verdict.dead)] = True
    cleaned = np.where(dead, EMPTY, board)
    for region, border in regions(cleaned, size):  # stones in a region of their own colour are not dead, but at home
        at_home = [point for point in region if board[point] == border]
        dead[at_home] = False
    seki, neutral = np.zeros(size * size, bool), np.zeros(size * size, bool)
    seki[list(verdict.seki)] = True
    neutral[list(verdict.neutral)] = True
    cleaned = np.where(dead, EMPTY, board)
    owner = _owners(cleaned, size)
    still_open = np.zeros(size * size, bool)
    for region, border in regions(cleaned, size):
        sign = 1 if border == BLACK else -1
        if border not in (BLACK, WHITE) or sign * ownership[region].mean() < DECIDED:
            still_open[region] = (board[region] == EMPTY) & ~neutral[region]
    score = float((owner == BLACK).sum()) - float((owner == WHITE).sum()) - position.komi
    return Ending(dead, seki, owner, neutral, still_open, score)


def _played_by(policy: MovePolicy, position: Position, seed: int) -> np.ndarray:
    """Who owns which point after `PLAYOUTS` games of the policy: from 1, always Black's, to -1, always White's."""
    owned = np.zeros(position.size**2)
    rules = Rules(komi=position.komi, seed=seed)
    for game in play_games(for_games(policy), range(PLAYOUTS), rules, start=lambda number: position, batch=PLAYOUTS):
        owner = _owners(board_of(game.final(position)).reshape(-1), position.size)
        owned += (owner == BLACK) * 1.0 - (owner == WHITE)
    return owned / PLAYOUTS


def _owners(board: np.ndarray, size: int) -> np.ndarray:
    """The colour of each stone, and of each empty point that only one colour reaches; else 0."""
    owner = board.copy()
    for region, border in regions(board, size):
        if border in (BLACK, WHITE):
            owner[region] = border
    return owner


def games_for(board: np.ndarray) -> int:
    """How many random games to play: more where they are short, so that the time hardly depends on the position."""
    empty = int((board == EMPTY).sum())
    return min(512, max(128, 40_000 // max(1, empty)))
