"""Which stones are dead, which points are still to be decided, and the score without the dead stones.

Nothing here reads ahead: chains are judged by random games (`casecnn.go.random_play`). A chain is dead if its points
are the opponent's in more than half of them. Chains in seki count as alive or dead by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from casecnn.go.position import Position
from casecnn.go.random_play import play_out
from casecnn.go.rules import BLACK, EMPTY, WHITE

# A region whose points have the same owner in this share of the random games more than not is decided.
DECIDED = 0.5


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


def judge(position: Position, games: int | None = None, seed: int = 0) -> Ending:
    """Judge a position by `games` random games, by default as many as `games_for` says. Does not change it."""
    size = position.size
    board = position.board.reshape(-1)
    played = play_out(position.state, position.to_play, games or games_for(board), seed)
    dead = np.zeros(size * size, bool)
    for chain in chains(board, size):
        sign = 1 if board[chain[0]] == BLACK else -1
        if sign * played.ownership[chain].mean() < 0:
            dead[chain] = True
    cleaned = np.where(dead, EMPTY, board)
    owner = cleaned.copy()
    still_open = np.zeros(size * size, bool)
    for region, border in regions(cleaned, size):
        if border in (BLACK, WHITE):
            owner[region] = border
        sign = 1 if border == BLACK else -1
        if border not in (BLACK, WHITE) or sign * played.ownership[region].mean() < DECIDED:
            still_open[region] = board[region] == EMPTY
    score = float((owner == BLACK).sum()) - float((owner == WHITE).sum()) - position.komi
    return Ending(dead, owner, still_open, score)


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
