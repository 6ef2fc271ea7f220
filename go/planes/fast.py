"""AlphaGo's 48 feature planes, compiled: the fast twin of `casecnn.go.planes.plain`, the reference implementation.

The planes and what is decided where the paper is silent stand in the table of `casecnn.go.planes.table`
(Silver et al. 2016, Extended Data Table 2).
"""

from __future__ import annotations

import threading

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.eyes import is_eye
from casecnn.go.board.record import PLAY, colour_of, kind_of
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import COLOUR, EMPTY, SIZE, TURN, State, new_state
from casecnn.go.board.symmetry import targets
from casecnn.go.planes.chain_table import FREE, Scratch, after_move, find_chains, new_scratch
from casecnn.go.planes.ladder_planes import write_ladders
from casecnn.go.planes.table import OFFSETS, PLANES

STONES = OFFSETS["stone colour"].start
ONES = OFFSETS["ones"].start
TURNS_SINCE = OFFSETS["turns since"].start
LIBERTIES = OFFSETS["liberties"].start
CAPTURE_SIZE = OFFSETS["capture size"].start
SELF_ATARI_SIZE = OFFSETS["self-atari size"].start
LIBERTIES_AFTER = OFFSETS["liberties after move"].start
LADDER_CAPTURE = OFFSETS["ladder capture"].start
LADDER_ESCAPE = OFFSETS["ladder escape"].start
SENSIBLENESS = OFFSETS["sensibleness"].start


_kept = threading.local()


@njit(cache=True, nogil=True)
def write_planes(state, scratch, target, out):
    """Fill `out` uint8 [48, size * size] with the planes for the side to play.

    `target` int32 [size * size] says where each move goes: the identity, or a row of `symmetry.targets`.
    """
    board, turn_of, info, mark, stack = state.board, state.turn_of, state.info, state.mark, state.stack
    chain, table, stones, liberty = scratch.chain, scratch.table, scratch.stones, scratch.liberty
    size = info[SIZE]
    stride = size + 1
    turn = info[TURN]
    colour = np.int64(info[COLOUR])
    other = 3 - colour
    out[:] = 0
    out[ONES] = 1
    chains = find_chains(board, info, mark, chain, table, stones, liberty)
    move = 0
    for row in range(1, size + 1):
        for p in range(row * stride + 1, row * stride + 1 + size):
            t = target[move]
            move += 1
            c = board[p]
            if c != EMPTY:
                out[STONES if c == colour else STONES + 1, t] = 1
                out[TURNS_SINCE + min(turn - turn_of[p], 8) - 1, t] = 1
                free = table[chain[p], FREE]
                if free:
                    out[LIBERTIES + min(free, 8) - 1, t] = 1
                continue
            out[STONES + 2, t] = 1
            # Most empty points have no stone beside them, or only stones that are in no danger: no need to look closer.
            free = 0
            own = 0
            atari = 0
            for d in (-1, 1, -stride, stride):
                c = board[p + d]
                free += c == EMPTY
                own += c == colour
                atari += c == other and table[chain[p + d], FREE] == 1
            if own or atari or free == 0:
                captured, chain_size, free = after_move(board, info, mark, chain, table, stones, liberty, p, colour)
                if captured < 0:
                    continue
                eye = is_eye(board, info, mark, stack, p, colour)
            else:
                captured, chain_size, eye = 0, 1, False
            out[CAPTURE_SIZE + min(captured, 7), t] = 1
            if free == 1:
                out[SELF_ATARI_SIZE + min(chain_size, 8) - 1, t] = 1
            out[LIBERTIES_AFTER + free - 1, t] = 1
            out[SENSIBLENESS, t] = not eye
    write_ladders(state, scratch, chains, target, out[LADDER_CAPTURE], out[LADDER_ESCAPE], True)


@njit(cache=True, nogil=True)
def _game_features(size, events, target):
    count = 0
    for event in events:
        count += kind_of(event) == PLAY
    out = np.empty((count, PLANES, size * size), np.uint8)
    state = new_state(size)
    scratch = new_scratch()
    row = 0
    for i in range(events.shape[0]):
        event = events[i]
        if kind_of(event) == PLAY:
            state.info[COLOUR] = colour_of(event)
            write_planes(state, scratch, target, out[row])
            row += 1
        if not apply_event(state, event):
            return out[:0], i
    return out, -1


def game_features(size: int, events: np.ndarray) -> np.ndarray:
    """Return the planes before each play of the game, passes included, as uint8 [N, 48, size, size].

    They are seen by the player who makes the play. `events` uint16 [n] as in `casecnn.go.board.record`. Raises
    `ValueError` at an illegal event.
    """
    out, wrong = _game_features(size, np.ascontiguousarray(events, np.uint16), targets(size)[0])
    if wrong >= 0:
        raise ValueError(f"event {wrong} is not legal")
    return out.reshape(len(out), PLANES, size, size)


def _scratch_of_thread() -> Scratch:
    """Working memory that a thread keeps: making it anew takes longer than to compute the planes."""
    if not hasattr(_kept, "scratch"):
        _kept.scratch = new_scratch()
    return _kept.scratch


def state_features(state: State) -> np.ndarray:
    """Return uint8 [48, size, size]: the planes of one position for the side to play."""
    size = int(state.info[SIZE])
    out = np.empty((PLANES, size * size), np.uint8)
    write_planes(state, _scratch_of_thread(), targets(size)[0], out)
    return out.reshape(PLANES, size, size)
