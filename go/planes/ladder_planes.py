"""The two ladder planes of a position, compiled; `casecnn.go.planes.fast` makes the other 46."""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.eyes import is_eyeish
from casecnn.go.board.ladders import escape_options, read
from casecnn.go.board.state import COLOUR, EMPTY, KO, SIZE, STAMP, to_move
from casecnn.go.board.trials import OPTION, ROOT
from casecnn.go.planes.chain_table import FIRST, FIRST_LIBERTY, FREE, after_move
from casecnn.go.planes.ladder_cache import ESCAPE, MAX_MOVES_KEPT, forget_changed, keep


@njit(cache=True, nogil=True)
def write_ladders(state, scratch, chains, target, capture, escape, cached):
    """Set `capture` and `escape` uint8 [size * size], all 0 before, to 1 where the side to play has such a move.

    `chains` of `scratch` were found by `casecnn.go.planes.chain_table.find_chains`. With `cached`, ladders of the
    position before that stand on unchanged points are not read again: that pays where one move lies between the two,
    and costs a tenth where nothing does.
    """
    board, info, mark, stack = state.board, state.info, state.mark, state.stack
    frame, taken, near = scratch.reader.frame, scratch.reader.taken, scratch.reader.near
    chain, table, stones, liberty = scratch.chain, scratch.table, scratch.stones, scratch.liberty
    size = info[SIZE]
    stride = size + 1
    colour = np.int64(info[COLOUR])
    other = 3 - colour
    cache = scratch.ladders
    valid, region, found, live, lengths = cache.valid, cache.region, cache.found, cache.live, cache.lengths
    if cached:
        forget_changed(board, stride, cache.board, valid, region, live, lengths)
    calm = cached and info[KO] == 0
    for k in range(1, chains + 1):
        prey = np.int64(stones[table[k, FIRST]])
        if board[prey] == colour:
            if table[k, FREE] == 1:
                if calm and valid[prey, ESCAPE]:
                    for i in range(found[prey, ESCAPE, 0]):
                        p = np.int64(found[prey, ESCAPE, 1 + i])
                        if p > 0:
                            escape[target[to_move(size, p)]] = 1
                    continue
                before = info[STAMP]
                options = escape_options(board, info, mark, stack, frame, near, np.int64(ROOT), prey)
                for i in range(options):
                    p = np.int64(frame[ROOT, OPTION + i])
                    captured, _ = read(board, info, mark, stack, frame, taken, near, prey, p)
                    if not captured:
                        escape[target[to_move(size, p)]] = 1
                    if calm and i < MAX_MOVES_KEPT:
                        found[prey, ESCAPE, 1 + i] = -p if captured else p
                if calm and options <= MAX_MOVES_KEPT:
                    found[prey, ESCAPE, 0] = options
                    keep(valid, region, live, lengths, mark, before, prey, np.int64(ESCAPE))
        elif table[k, FREE] == 2:
            for i in range(2):
                p = np.int64(liberty[table[k, FIRST_LIBERTY] + i])
                t = target[to_move(size, p)]
                if capture[t]:
                    continue
                room = board[p - 1] == EMPTY or board[p + 1] == EMPTY
                room |= board[p - stride] == EMPTY or board[p + stride] == EMPTY
                if not room and after_move(board, info, mark, chain, table, stones, liberty, p, colour)[0] < 0:
                    continue
                if calm and valid[prey, i] and found[prey, i, 0] == p:
                    capture[t] = found[prey, i, 1]
                    continue
                q = np.int64(liberty[table[k, FIRST_LIBERTY] + 1 - i])
                # Extending at the other liberty gives the chain `free` liberties, `p` perhaps among them: with
                # four it escapes for sure (unless the extension takes stones that `p` may save, or fills an eye), and
                # there is nothing to read.
                taken_stones, _, free = after_move(board, info, mark, chain, table, stones, liberty, q, other)
                if free < 4 or taken_stones or is_eyeish(board, stride, q, other):
                    before = info[STAMP]
                    captured, _ = read(board, info, mark, stack, frame, taken, near, prey, p)
                    capture[t] = captured
                    if calm:
                        found[prey, i, 0] = p
                        found[prey, i, 1] = captured
                        mark[p] = info[STAMP]
                        keep(valid, region, live, lengths, mark, before, prey, i)
