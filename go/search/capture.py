"""Whether a chain can be captured, read to the end within a few points: for races, sekis and bent fours.

Both sides play on the given points only, by simple ko and without suicide. The defender may pass, the attacker has no
reason to: a chain that is in danger only where its owner must move is not in danger. Ko threats are not counted: who
takes first, takes again. Reading stops after `MAX_PLIES` moves in a row, or after a number of moves in all; then the
answer is `UNKNOWN`.
"""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.rules import is_free_of_ko_and_suicide
from casecnn.go.board.state import EMPTY, KO, ZOBRIST, copy_state, to_point
from casecnn.go.board.trials import OLD_KO, TAKEN_END, new_reader, play_trial, undo_trial
from casecnn.go.position import Position

SAFE, CAPTURED, UNKNOWN = 0, 1, 2
MAX_PLIES = 20
BUDGET = 100_000  # moves
_SLOTS = 1 << 14


def read_capture(
    position: Position, prey: int, points: list[int], attacker_first: bool, first: int | None = None
) -> int:
    """`CAPTURED` if the chain at the move `prey` is captured, `SAFE` if not, or `UNKNOWN`.

    `points` are moves: where both sides play. With `first` the side to move begins with that move.
    """
    size = position.size
    state = copy_state(position.state)
    reader = new_reader()
    keys, results = np.zeros(_SLOTS, np.uint64), np.zeros(_SLOTS, np.int8)
    where = np.array([to_point(size, move) for move in points], np.int64)
    begin = np.int64(-1 if first is None else to_point(size, first))
    return int(
        _read(
            state.board, state.info, state.mark, state.stack, reader.frame, reader.taken,
            np.int64(to_point(size, prey)), where, attacker_first, begin, BUDGET, keys, results,
        )
    )  # fmt: skip


# Columns of a node: whose turn it is, the next thing to try (-1: a pass), the answer so far, its place in the table,
# whether a pass led to it.
_ATTACKS, _NEXT, _ANSWER, _SLOT, _BY_PASS = range(5)


@njit(cache=True, nogil=True)
def _read(board, info, mark, stack, frame, taken, prey, where, attacks, begin, budget, keys, results):
    """Depth-first search; node `ply` is the position after `ply` moves."""
    defender = np.int64(board[prey])
    node = np.zeros((MAX_PLIES + 2, 5), np.int64)
    node_keys = np.zeros(MAX_PLIES + 2, np.uint64)
    info[KO] = 0
    bottom = np.int64(0)
    if begin >= 0:
        mover = 3 - defender if attacks else defender
        if not is_free_of_ko_and_suicide(board, info, mark, stack, begin, mover):
            return UNKNOWN
        play_trial(board, info, mark, stack, frame, taken, np.int64(0), begin, mover)
        attacks = not attacks
        bottom = np.int64(1)
    ply = bottom
    node[ply, _ATTACKS] = attacks
    fresh = True
    found = UNKNOWN
    while True:
        attacks = node[ply, _ATTACKS] == 1
        decided = False
        if fresh:
            budget -= 1
            if board[prey] != defender:
                found, decided = CAPTURED, True
            elif budget < 0 or ply >= MAX_PLIES:
                found, decided = UNKNOWN, True
            else:
                key = np.uint64(info[KO]) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(attacks)
                for p in where:
                    if board[p] != EMPTY:
                        key ^= ZOBRIST[board[p], p]
                slot = np.int64(key % np.uint64(_SLOTS))
                if keys[slot] == key and results[slot]:
                    found, decided = results[slot] - 1, True
                else:
                    node[ply, _SLOT] = slot
                    node_keys[ply] = key
                    node[ply, _NEXT] = 0 if attacks else -1
                    node[ply, _ANSWER] = SAFE if attacks else CAPTURED
        else:  # the answer of the node above is in `found`
            if found == (CAPTURED if attacks else SAFE):
                node[ply, _ANSWER] = found
                node[ply, _NEXT] = where.shape[0]
            elif found == UNKNOWN:
                node[ply, _ANSWER] = UNKNOWN
        if not decided:
            moved = False
            while node[ply, _NEXT] < where.shape[0]:
                i = node[ply, _NEXT]
                node[ply, _NEXT] = i + 1
                mover = 3 - defender if attacks else defender
                if i < 0:
                    frame[ply, TAKEN_END] = frame[ply - 1, TAKEN_END] if ply else 0
                    frame[ply, OLD_KO] = info[KO]
                    info[KO] = 0
                    node[ply + 1, _BY_PASS] = 1
                    moved = True
                    break
                p = where[i]
                if board[p] == EMPTY and is_free_of_ko_and_suicide(board, info, mark, stack, p, mover):
                    play_trial(board, info, mark, stack, frame, taken, ply, p, mover)
                    node[ply + 1, _BY_PASS] = 0
                    moved = True
                    break
            if moved:
                ply += 1
                node[ply, _ATTACKS] = not attacks
                fresh = True
                continue
            found = node[ply, _ANSWER]
            if found != UNKNOWN:
                keys[node[ply, _SLOT]] = node_keys[ply]
                results[node[ply, _SLOT]] = found + 1
        if ply == bottom:
            return found
        if node[ply, _BY_PASS]:
            info[KO] = frame[ply - 1, OLD_KO]
        else:
            undo_trial(board, info, frame, taken, ply - 1)
        ply -= 1
        fresh = False
