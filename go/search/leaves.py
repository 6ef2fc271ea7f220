"""What a net is asked about the leaves of a search, and what its answers become: moves with priors, and their order.

The moves of a position are those of `casecnn.go.play.ending`, with a pass: no own eye is filled and no move leads
nowhere, but territory is cheaper here than in self-play (`TERRITORY`), since the search looks at what comes of it. The
net has no pass of its own. Its share is `1 / (1 + open moves)`, halved: little in the opening, and all where
nothing is left to play; after the opponent's pass it is at least `ANSWER`, as two passes show at once who wins.
"""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.state import BLACK, COLOUR, LAST, PASSES, state_at
from casecnn.go.planes.fast import Scratch, new_scratch, write_planes
from casecnn.go.planes.table import PLANES
from casecnn.go.play.ending import NEVER, OPEN, classify_moves
from casecnn.go.search.random_play import play_out
from casecnn.go.search.results import PositionNet
from casecnn.go.search.tree import MOST_EDGES, Leaves, new_leaves

TERRITORY = 0.02
"""What the net must give a move in somebody's territory for it to be looked at."""

ANSWER = 0.2
"""The least share of a pass after a pass."""


@njit(cache=True, nogil=True)
def write_leaves(leaves, count, scratch, target, planes, classes, komi, own_komi):
    """Planes uint8 [k, 48, points], classes of moves uint8 [k, points] and komi float32 [k] of the first leaves.

    `komi` is White's; `own_komi` is filled with what each leaf's side to move is given.
    """
    for i in range(count):
        state = state_at(leaves.states, i)
        write_planes(state, scratch, target, planes[i])
        classify_moves(state, planes[i], classes[i])
        own_komi[i] = -komi if state.info[COLOUR] == BLACK else komi


@njit(cache=True, nogil=True)
def order_moves(state, probabilities, classes, power, moves, priors):
    """Fill `moves` int16 and `priors` float32 [MOST_EDGES], the most probable first, and return their number.

    `probabilities` float32 [points] are the net's, raised to `power` here; `classes` are those of `classify_moves`.
    """
    points = probabilities.shape[0]
    raw = np.zeros(points + 1, np.float64)
    total = 0.0
    open_moves = 0
    for move in range(points):
        p = np.float64(probabilities[move])
        if classes[move] == NEVER or (classes[move] != OPEN and p < TERRITORY):
            continue
        open_moves += classes[move] == OPEN
        raw[move] = max(p, 1e-9) if power == 1.0 else max(p, 1e-9) ** power
        total += raw[move]
    share = 1.0
    if open_moves:
        share = 0.5 / (1 + open_moves)
    elif total > 0:
        share = 0.5
    if state.info[PASSES] > 0 and state.info[LAST] == 0:
        share = max(share, ANSWER)
    for move in range(points):
        if total > 0:
            raw[move] *= (1 - share) / total
    raw[points] = share if total > 0 else 1.0
    order = np.argsort(-raw)
    count = 0
    kept = False
    for i in range(order.shape[0]):
        move = order[i]
        if raw[move] <= 0 or count == MOST_EDGES:
            break
        moves[count] = move
        priors[count] = raw[move]
        kept |= move == points
        count += 1
    if not kept:
        moves[count - 1] = points
        priors[count - 1] = min(raw[points], priors[count - 2])
    return count


@njit(cache=True, nogil=True)
def _order_all(leaves, count, probabilities, classes, power, moves, priors, counts):
    for i in range(count):
        counts[i] = order_moves(state_at(leaves.states, i), probabilities[i], classes[i], power, moves[i], priors[i])


class LeafBatch:
    """The leaves that one thread computes at once, with the arrays that go to the net and come from it.

    `values` float32 [k, 3] and `ownership` int8 [k, points] are as Black sees them; `moves`, `priors` and `counts` are
    those of `order_moves`.
    """

    def __init__(self, size: int, most: int) -> None:
        points = size * size
        self.size = size
        self.leaves: Leaves = new_leaves(size, most)
        self.scratch: Scratch = new_scratch()
        self.target = np.arange(points, dtype=np.int32)
        self.planes = np.zeros((most, PLANES, points), np.uint8)
        self.classes = np.zeros((most, points), np.uint8)
        self.komi = np.zeros(most, np.float32)
        self.values = np.zeros((most, 3), np.float32)
        self.ownership = np.zeros((most, points), np.int8)
        self.moves = np.zeros((most, MOST_EDGES), np.int16)
        self.priors = np.zeros((most, MOST_EDGES), np.float32)
        self.counts = np.zeros(most, np.int64)

    def write(self, count: int, komi: float) -> None:
        """Make the planes of the first `count` leaves."""
        write_leaves(self.leaves, count, self.scratch, self.target, self.planes, self.classes, komi, self.komi)

    def estimate(self, net: PositionNet, count: int, symmetries: bool) -> np.ndarray:
        """Ask the net, and return the probabilities, float32 [count, points]."""
        planes = self.planes[:count].reshape(count, PLANES, self.size, self.size)
        found = net.estimate(planes, self.komi[:count], symmetries=symmetries)
        sign = np.where(self.leaves.states.info[:count, COLOUR] == BLACK, np.float32(1), np.float32(-1))
        win = np.asarray(found.win, np.float32)
        self.values[:count, 1] = np.where(sign > 0, win, 1 - win)
        self.values[:count, 2] = sign * found.lead
        self.ownership[:count] = np.rint(127 * np.clip(sign[:, None] * found.ownership, -1, 1))
        return np.ascontiguousarray(found.probabilities, np.float32)

    def mix(self, count: int, share: float, games: int, komi: float, seed: int) -> None:
        """Mix AlphaGo's other half into the win rates: `share` of the outcome of random games from each leaf."""
        for i in range(count):
            state = state_at(self.leaves.states, i)
            won = 0
            for game in range(games):
                score = play_out(state, int(state.info[COLOUR]), 1, seed + game).score - komi
                won += score > 0
            self.values[i, 1] += share * (won / games - self.values[i, 1])

    def order(self, probabilities: np.ndarray, count: int, temperature: float) -> None:
        """Put the moves of each leaf in order."""
        _order_all(
            self.leaves, count, probabilities, self.classes, 1.0 / temperature, self.moves, self.priors, self.counts
        )
