"""Which moves an engine may play: the rule of `casecnn.go.play.ending`, with random games to look ahead."""

from __future__ import annotations

import numpy as np

from casecnn.go.board.regions import chains, neighbours, regions
from casecnn.go.board.rules import play, play_pass
from casecnn.go.board.state import BLACK, EMPTY, copy_state, to_point
from casecnn.go.planes.table import OFFSETS
from casecnn.go.play.ending import OPEN, OTHER, OTHER_TERRITORY, OWN, OWN_TERRITORY
from casecnn.go.position import Position
from casecnn.go.search.dead_stones import Ending, games_for
from casecnn.go.search.random_play import play_out

SMALL = 12  # points: in a larger region a defence may be needed that random games do not see
GAIN = 1.0  # points
LOSS = 1.0  # points
SURE = 0.2  # of the net's probability
MOST_CHECKS = 8  # moves that are tested by random games, at one turn


class MoveCheck:
    """Points 1 and 2 of `casecnn.go.players.player` for one position.

    What random games say of a pass is worked out when it is needed.
    """

    def __init__(
        self, position: Position, planes: np.ndarray, classes: np.ndarray, raw: np.ndarray, cleanup: bool
    ) -> None:
        self._position = position
        self._strict: Position | None = None
        self._games = games_for(position.board) // 2
        self._checks = 0
        self._passing: float | None = None
        risked = planes[OFFSETS["self-atari size"]].reshape(8, -1)
        taken = planes[OFFSETS["capture size"]].reshape(8, -1)
        risk = risked.argmax(0) + risked.any(0)  # stones; 8 means 8 or more
        small = np.zeros(raw.shape, bool)
        for region, _ in regions(position.board.reshape(-1), position.size):
            small[region] = len(region) <= SMALL
        wasteful = (risk >= 2) & (taken.argmax(0) < risk)
        self._doubtful = ((classes == OWN) & small) | wasteful
        self._sure = (classes == OWN) & (raw >= SURE) & ~wasteful
        if 8 * int((classes == OPEN).sum()) >= len(classes):
            self._doubtful &= ~self._sure
        self._allowed = classes == OPEN
        self._allowed |= (classes == OWN) & (small | (raw >= OWN_TERRITORY))
        self._allowed |= (classes == OTHER) & (cleanup | (raw >= OTHER_TERRITORY))

    def passes(self, move: int) -> bool:
        """Whether the move may be played."""
        return bool(self._allowed[move]) and self._is_new(move) and (not self._doubtful[move] or self._pays(move))

    def _is_new(self, move: int) -> bool:
        if self._strict is None:
            self._strict = self._position.copy()
            self._strict.superko = True
        return self._strict.is_legal(move)

    def _pays(self, move: int) -> bool:
        if self._checks == MOST_CHECKS:
            return False
        self._checks += 1
        if self._passing is None:
            self._passing = self._outcome(self._position.size**2)
        return self._outcome(move) - self._passing >= (-LOSS if self._sure[move] else GAIN)

    def _outcome(self, move: int) -> float:
        """Mean points of the colour to play less the opponent's in random games after a move."""
        state = copy_state(self._position.state)
        colour = self._position.to_play
        if move == self._position.size**2:
            play_pass(state, colour)
        else:
            play(state, to_point(self._position.size, move), colour)
        score = play_out(state, 3 - colour, self._games).score
        return score if colour == BLACK else -score


def beside_dead(position: Position, ending: Ending) -> tuple[np.ndarray, np.ndarray]:
    """Where dead stones of the opponent of the colour to play are attacked.

    Returns their liberties, and the empty regions that these belong to; both bool [size * size].
    """
    size = position.size
    board = position.board.reshape(-1)
    liberties = np.zeros(size * size, bool)
    for chain in chains(board, size):
        if ending.dead[chain[0]] and board[chain[0]] == 3 - position.to_play:
            for point in chain:
                liberties[[near for near in neighbours(point, size) if board[near] == EMPTY]] = True
    around = np.zeros(size * size, bool)
    for region, _ in regions(board, size):
        if liberties[region].any():
            around[region] = True
    return liberties, around
