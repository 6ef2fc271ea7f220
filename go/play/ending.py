"""Which moves a player without a pass of its own may choose from, and when it passes, resigns or is stopped.

AlphaGo's policy net gives probabilities to points only, so something else must end the game. The rule of self-play and
playouts, cheap enough for thousands of positions a second:

1. *Never*: an illegal move (positional superko included, where the earlier positions are known), a move into an own
   true eye, and a self-atari of four stones or more that takes nothing, unless the stones have a shape that kills the
   eye space they leave behind (square, pyramid, bulky five, cross, rabbity six). The last one keeps a seki alive.
2. *Territory*: a point whose empty region touches stones of one colour only and is at most half the board, if nothing
   is captured there. Under area scoring a move there gains nothing unless it kills, lives or defends, so it is played
   only where the net itself, with all points to choose from, gives it at least `OWN_TERRITORY` or `OTHER_TERRITORY`;
   and own territory is left alone once the opponent has passed, since passing too ends the game.
3. *Open*: all other moves, dame and the capture of dead stones among them. They are always played before passing, so
   when both have passed the dead stones are off the board and area scoring as it stands is right.

Where no move is left by this rule, the player passes; two passes end the game. This is not a reading of life and
death: what the net does not see is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import connected, next_stamp
from casecnn.go.board.state import COLOUR, EMPTY, PASSES, SIZE, to_move, to_point
from casecnn.go.planes.fast import CAPTURE_SIZE, SELF_ATARI_SIZE, SENSIBLENESS

if TYPE_CHECKING:
    from casecnn.go.position import Position

NEVER, OPEN, OWN, OTHER = 0, 1, 2, 3
"""The classes of a move: see the module's text."""

OWN_TERRITORY = 0.1
"""What the net must give a move in own territory for it to be played."""

OTHER_TERRITORY = 0.05
"""The same for a move in the opponent's territory."""


@njit(cache=True, nogil=True)
def _mark_territory(state, planes, out):
    """Turn `OPEN` into `OWN` or `OTHER` in `out` uint8 [size * size] where an empty region belongs to one colour.

    The region touches one colour only and is at most half the board, and nothing would be captured.
    """
    board, mark, stack, info = state.board, state.mark, state.stack, state.info
    size = info[SIZE]
    colour = info[COLOUR]
    stamp = next_stamp(info)
    for move in range(size * size):
        start = to_point(size, move)
        if board[start] != EMPTY or mark[start] == stamp:
            continue
        count, touched = connected(board, mark, stack, size + 1, stamp, start)
        if (touched == 1 or touched == 2) and 2 * count <= size * size:
            for i in range(count):
                m = to_move(size, stack[i])
                if out[m] == OPEN and planes[CAPTURE_SIZE, m]:
                    out[m] = OWN if touched == colour else OTHER


@njit(cache=True, nogil=True)
def _kills(state, point, colour, stones):
    """Whether the chain of `stones` stones (4 to 6) that a move at `point` makes leaves no two eyes once captured.

    Such shapes are the square and pyramid of four, the bulky five and cross, and the rabbity six.
    """
    board, stack = state.board, state.stack
    stride = state.info[SIZE] + 1
    stack[0] = point
    n = 1
    i = 0
    links = 0
    most = 0
    while i < n:
        p = stack[i]
        i += 1
        degree = 0
        for d in (-1, 1, -stride, stride):
            q = p + d
            if board[q] == colour or q == point:
                degree += 1
                known = False
                for j in range(n):
                    known |= stack[j] == q
                if not known:
                    if n == stones:
                        return False
                    stack[n] = q
                    n += 1
        links += degree
        most = max(most, degree)
    links //= 2
    if stones == 4:
        return links == 4 or most == 3
    if stones == 5:
        return links == 5 or most == 4
    return links == 6 and most == 4


@njit(cache=True, nogil=True)
def classify_moves(state, planes, out):
    """Fill `out` uint8 [size * size] with the class of each move of the side to play: NEVER, OPEN, OWN or OTHER.

    `planes` uint8 [48, size * size] are those of `casecnn.go.planes.fast.write_planes` for this very position,
    unturned. Knows simple ko only: superko is for the caller, who knows the earlier positions.
    """
    info = state.info
    size = info[SIZE]
    colour = info[COLOUR]
    for move in range(size * size):
        out[move] = NEVER
        if planes[SENSIBLENESS, move] == 0:
            continue
        out[move] = OPEN
        if planes[CAPTURE_SIZE, move] == 0:
            continue
        for stones in range(4, 9):
            if planes[SELF_ATARI_SIZE + stones - 1, move]:
                if stones > 6 or not _kills(state, to_point(size, move), colour, stones):
                    out[move] = NEVER
    _mark_territory(state, planes, out)


@njit(cache=True, nogil=True)
def weigh_moves(probabilities, classes, passed, temperature, weights):
    """Fill `weights` float64 [size * size] with what the choice is drawn by, and return whether there is any choice.

    `probabilities` float32 [size * size] are the net's over all points; `passed` says whether the opponent has just
    passed. The weights are p ** (1 / temperature), the largest 1; with temperature 0 (the best move only) as with
    1. Moves that may be played and to which the net gives nothing at all are played only if there are no others.
    """
    points = probabilities.shape[0]
    most = 0.0
    some = False
    for move in range(points):
        p = probabilities[move]
        kind = classes[move]
        allowed = kind == OPEN
        if kind == OWN:
            allowed = p >= OWN_TERRITORY and not passed
        elif kind == OTHER:
            allowed = p >= OTHER_TERRITORY
        weights[move] = p if allowed else -1.0
        if allowed:
            some = True
            most = max(most, p)
    power = 1.0 / temperature if temperature > 0 else 1.0
    for move in range(points):
        w = weights[move]
        if w < 0:
            weights[move] = 0.0
        elif most > 0:
            weights[move] = w / most if power == 1.0 else (w / most) ** power
        else:
            weights[move] = 1.0
    return some


@njit(cache=True, nogil=True)
def draw_move(weights, temperature, u):
    """The move drawn by `u` from [0, 1) in proportion to the weights.

    With temperature 0 it is the first of the largest weight. Returns -1 if all weights are 0.
    """
    points = weights.shape[0]
    best = -1
    largest = 0.0
    total = 0.0
    for move in range(points):
        total += weights[move]
        if weights[move] > largest:
            largest = weights[move]
            best = move
    if temperature <= 0 or best < 0:
        return best
    rest = u * total
    for move in range(points):
        if weights[move] > 0:
            rest -= weights[move]
            if rest < 0:
                return move
    return best


def candidate_moves(position: Position) -> np.ndarray:
    """uint8 [size * size]: the class of each move for the side to play, 0 `NEVER`, 1 `OPEN`, 2 `OWN`, 3 `OTHER`.

    Superko is looked at if the position does.
    """
    planes = position.features().reshape(48, -1)
    classes = np.empty(planes.shape[1], np.uint8)
    classify_moves(position.state, planes, classes)
    return classes


def choose_move(
    probabilities: np.ndarray,
    position: Position,
    *,
    temperature: float = 0.0,
    random: np.random.Generator | None = None,
    cleanup: bool = False,
) -> int:
    """The move to play by the rule above, `size * size` for a pass. The position is not changed.

    `probabilities` [size * size] are the net's, over all points, as `Policy.probabilities` gives them. With
    `temperature` 0 the most probable move is chosen, else one is drawn by p ** (1 / temperature) with `random` (needed
    then). `cleanup` leaves no move in the opponent's territory out: for the phase in which dead stones must be taken.
    """
    classes = candidate_moves(position)
    if cleanup:
        classes[classes == OTHER] = OPEN
    weights = np.empty(len(classes))
    passed = position.state.info[PASSES] > 0
    if not weigh_moves(np.ascontiguousarray(probabilities, np.float32), classes, passed, temperature, weights):
        return position.size * position.size
    u = 0.0
    if temperature > 0:
        if random is None:
            raise ValueError("`random` is needed for a temperature above 0")
        u = float(random.random())
    return int(draw_move(weights, temperature, u))
