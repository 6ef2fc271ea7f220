"""Which stones are dead, which points are still to be decided, and the score without the dead stones.

Nothing here reads ahead: chains are judged by random games (`casecnn.go.search.random_play`). A chain is dead if its
points are the opponent's in more than half of them. Random play kills what nobody would: where it leaves a doubt, a few
games of a policy net against itself can decide. Chains in seki count as alive or dead by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casecnn.go.board.state import BLACK, EMPTY, WHITE, board_of
from casecnn.go.play.selfplay import Player, Rules, for_games, play_games
from casecnn.go.position import Position
from casecnn.go.search.random_play import play_out

# A region whose points have the same owner in this share of the random games more than not is decided.
DECIDED = 0.5

SURE = 0.9
"""Random games leave no doubt about a chain whose points have the same owner so much more often than not."""

PLAYOUTS = 16
"""Games of the policy that decide in doubt: a chain's mean over them is seldom near 0."""


@dataclass(frozen=True, eq=False)
class Ending:
    """What would be if the game ended now. All arrays have the shape [size * size].

    `dead` bool: the stones that are dead; `owner` uint8: whose area a point is once they are off the board (0:
    nobody's); `open` bool: empty points that are still worth a move, because they touch both colours or random games
    disagree; `score` black minus white minus komi, dead stones taken off.
    """

    dead: np.ndarray
    owner: np.ndarray
    open: np.ndarray
    score: float


def judge(position: Position, games: int | None = None, seed: int = 0, policy: Player | None = None) -> Ending:
    """Judge a position by `games` random games, by default as many as `games_for` says. Does not change it.

    With a `policy`, which takes seconds, games of it against itself decide instead where random ones leave a doubt and
    half of the board is full.
    """
    size = position.size
    board = position.board.reshape(-1)
    ownership = play_out(position.state, position.to_play, games or games_for(board), seed).ownership
    if policy is not None and 2 * int((board == EMPTY).sum()) <= board.size:
        if any(abs(ownership[chain].mean()) < SURE for chain in chains(board, size)):
            ownership = _played_by(policy, position, seed)
    dead = np.zeros(size * size, bool)
    for chain in chains(board, size):
        sign = 1 if board[chain[0]] == BLACK else -1
        if sign * ownership[chain].mean() < 0:
            dead[chain] = True
    cleaned = np.where(dead, EMPTY, board)
    owner = _owners(cleaned, size)
    still_open = np.zeros(size * size, bool)
    for region, border in regions(cleaned, size):
        sign = 1 if border == BLACK else -1
        if border not in (BLACK, WHITE) or sign * ownership[region].mean() < DECIDED:
            still_open[region] = board[region] == EMPTY
    score = float((owner == BLACK).sum()) - float((owner == WHITE).sum()) - position.komi
    return Ending(dead, owner, still_open, score)


def _played_by(policy: Player, position: Position, seed: int) -> np.ndarray:
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


def chains(board: np.ndarray, size: int) -> Iterator[list[int]]:
    """The chains of a board uint8 [size * size], each as the list of its points."""
    for component, _ in _components(board, size):
        if board[component[0]] != EMPTY:
            yield component


def regions(board: np.ndarray, size: int) -> Iterator[tuple[list[int], int]]:
    """The connected regions of empty points, each with the colours that border it: 0 none, 1, 2, or 3 for both."""
    for component, border in _components(board, size):
        if board[component[0]] == EMPTY:
            yield component, border


def _components(board: np.ndarray, size: int) -> Iterator[tuple[list[int], int]]:
    """Connected points of one content, and the colours (1 and 2, added up) of the stones beside them."""
    content = board.tolist()
    seen = [False] * (size * size)
    for start in range(size * size):
        if seen[start]:
            continue
        seen[start] = True
        component = [start]
        border = 0
        for point in component:  # grows while it is walked through
            for near in neighbours(point, size):
                if content[near] != content[start]:
                    border |= content[near]
                elif not seen[near]:
                    seen[near] = True
                    component.append(near)
        yield component, border


def neighbours(point: int, size: int) -> Iterator[int]:
    """The points beside a point."""
    row, column = divmod(point, size)
    if row:
        yield point - size
    if row < size - 1:
        yield point + size
    if column:
        yield point - 1
    if column < size - 1:
        yield point + 1
