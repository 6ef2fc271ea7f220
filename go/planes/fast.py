"""AlphaGo's 48 feature planes, compiled: the fast twin of `casecnn.go.planes.plain`, the reference implementation.

The planes and what is decided where the paper is silent stand in the table of `casecnn.go.planes.table`
(Silver et al. 2016, Extended Data Table 2).
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import next_stamp
from casecnn.go.board.eyes import is_eye, is_eyeish
from casecnn.go.board.ladders import escape_options, read
from casecnn.go.board.record import PLAY, colour_of, kind_of
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import (
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    MOST_POINTS,
    SIZE,
    STAMP,
    TURN,
    State,
    new_state,
    to_move,
)
from casecnn.go.board.symmetry import targets
from casecnn.go.board.trials import OPTION, ROOT, Reader, new_reader
from casecnn.go.planes.ladder_cache import ESCAPE, MAX_MOVES_KEPT, LadderCache, forget_changed, keep, new_ladder_cache
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


class Scratch(NamedTuple):
    """Working memory of one thread.

    Chains are numbered from 1. `chain` int32 [P]: the chain of a stone, 0 elsewhere; `table` int32 [P, 4]: per chain
    its first stone's place in `stones`, its size, its first liberty's place in `liberty`, its number of liberties;
    `stones` int32 [P] and `liberty` int32 [4 P]: the lists; `legal` uint8 [P].
    """

    reader: Reader
    ladders: LadderCache
    chain: np.ndarray
    table: np.ndarray
    stones: np.ndarray
    liberty: np.ndarray
    legal: np.ndarray


_kept = threading.local()

FIRST, CHAIN_SIZE, FIRST_LIBERTY, FREE = range(4)


@njit(cache=True, nogil=True)
def new_scratch():
    """Return working memory for `write_planes`, usable for boards of any size."""
    return Scratch(
        new_reader(),
        new_ladder_cache(),
        np.zeros(MOST_POINTS, np.int32),
        np.zeros((MOST_POINTS, 4), np.int32),
        np.zeros(MOST_POINTS, np.int32),
        np.zeros(4 * MOST_POINTS, np.int32),
        np.zeros(MOST_POINTS, np.uint8),
    )


@njit(cache=True, nogil=True)
def _find_chains(board, info, mark, chain, table, stones, liberty):
    """Number the chains, list their stones and their liberties, and return their number.

    `casecnn.go.board.chains` follows one chain; here all are listed in one sweep, each point once.
    """
    size = info[SIZE]
    stride = size + 1
    chain[: board.shape[0]] = 0
    chains = 0
    top = 0
    end = 0
    stamp = info[STAMP]
    for row in range(1, size + 1):
        for start in range(row * stride + 1, row * stride + 1 + size):
            colour = board[start]
            if colour == EMPTY or chain[start]:
                continue
            chains += 1
            stamp += 1
            table[chains, FIRST] = top
            table[chains, FIRST_LIBERTY] = end
            chain[start] = chains
            i = top
            stones[top] = start
            top += 1
            while i < top:
                p = stones[i]
                i += 1
                for d in (-1, 1, -stride, stride):
                    q = p + d
                    c = board[q]
                    if c == EMPTY:
                        if mark[q] != stamp:
                            mark[q] = stamp
                            liberty[end] = q
                            end += 1
                    elif c == colour and chain[q] == 0:
                        chain[q] = chains
                        stones[top] = q
                        top += 1
            table[chains, CHAIN_SIZE] = top - table[chains, FIRST]
            table[chains, FREE] = end - table[chains, FIRST_LIBERTY]
    info[STAMP] = stamp
    return chains


@njit(cache=True, nogil=True)
def _after_move(board, info, mark, chain, table, stones, liberty, point, colour):
    """What a move does: (captured stones, size of the new chain, its liberties up to 8); (-1, 0, 0) if illegal."""
    if point == info[KO] and colour == info[KO_COLOUR]:
        return -1, 0, 0
    stride = info[SIZE] + 1
    stamp = next_stamp(info)
    mark[point] = stamp
    free = 0
    size = 1
    captured = 0
    own0, own1, own2, own3 = 0, 0, 0, 0
    for d in (-1, 1, -stride, stride):
        q = point + d
        c = board[q]
        if c == EMPTY:
            mark[q] = stamp
            free += 1
        elif c == colour:
            k = chain[q]
            if k != own0 and k != own1 and k != own2:
                own3, own2, own1, own0 = own2, own1, own0, k
                size += table[k, CHAIN_SIZE]
    for k in (own0, own1, own2, own3):
        if k and free < 8:
            begin = table[k, FIRST_LIBERTY]
            for i in range(begin, begin + table[k, FREE]):
                q = liberty[i]
                if mark[q] != stamp:
                    mark[q] = stamp
                    free += 1
                    if free == 8:
                        break
    for d in (-1, 1, -stride, stride):
        q = point + d
        k = chain[q]
        if board[q] == 3 - colour and table[k, FREE] == 1:
            begin = table[k, FIRST]
            if mark[stones[begin]] == stamp:
                continue  # counted from another side
            mark[stones[begin]] = stamp
            captured += table[k, CHAIN_SIZE]
            for i in range(begin, begin + table[k, CHAIN_SIZE]):
                for e in (-1, 1, -stride, stride):
                    r = stones[i] + e
                    j = chain[r]
                    if r == point or (board[r] == colour and (j == own0 or j == own1 or j == own2 or j == own3)):
                        free += 1
                        break
    if free == 0:
        return -1, 0, 0
    return captured, size, min(free, 8)


@njit(cache=True, nogil=True)
def write_planes(state, scratch, target, out):
    """Fill `out` uint8 [48, size * size] with the planes for the side to play.

    `target` int32 [size * size] says where each move goes: the identity, or a row of `symmetry.targets`.
    """
    board, turn_of, info, mark, stack = state.board, state.turn_of, state.info, state.mark, state.stack
    frame, taken, near = scratch.reader.frame, scratch.reader.taken, scratch.reader.near
    chain, table, stones, liberty, legal = (
        scratch.chain,
        scratch.table,
        scratch.stones,
        scratch.liberty,
        scratch.legal,
    )
    size = info[SIZE]
    stride = size + 1
    turn = info[TURN]
    colour = np.int64(info[COLOUR])
    other = 3 - colour
    out[:] = 0
    out[ONES] = 1
    chains = _find_chains(board, info, mark, chain, table, stones, liberty)
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
                captured, chain_size, free = _after_move(board, info, mark, chain, table, stones, liberty, p, colour)
                legal[p] = captured >= 0
                if captured < 0:
                    continue
                eye = is_eye(board, info, mark, stack, p, colour)
            else:
                captured, chain_size, eye = 0, 1, False
                legal[p] = 1
            out[CAPTURE_SIZE + min(captured, 7), t] = 1
            if free == 1:
                out[SELF_ATARI_SIZE + min(chain_size, 8) - 1, t] = 1
            out[LIBERTIES_AFTER + free - 1, t] = 1
            out[SENSIBLENESS, t] = not eye
    cache = scratch.ladders
    valid, region, found, live, lengths = cache.valid, cache.region, cache.found, cache.live, cache.lengths
    forget_changed(board, stride, cache.board, valid, region, live, lengths)
    calm = info[KO] == 0
    for k in range(1, chains + 1):
        prey = np.int64(stones[table[k, FIRST]])
        if board[prey] == colour:
            if table[k, FREE] == 1:
                if calm and valid[prey, ESCAPE]:
                    for i in range(found[prey, ESCAPE, 0]):
                        p = np.int64(found[prey, ESCAPE, 1 + i])
                        if p > 0:
                            out[LADDER_ESCAPE, target[to_move(size, p)]] = 1
                    continue
                before = info[STAMP]
                options = escape_options(board, info, mark, stack, frame, near, np.int64(ROOT), prey)
                for i in range(options):
                    p = np.int64(frame[ROOT, OPTION + i])
                    captured, _ = read(board, info, mark, stack, frame, taken, near, prey, p)
                    if not captured:
                        out[LADDER_ESCAPE, target[to_move(size, p)]] = 1
                    if i < MAX_MOVES_KEPT:
                        found[prey, ESCAPE, 1 + i] = -p if captured else p
                if calm and options <= MAX_MOVES_KEPT:
                    found[prey, ESCAPE, 0] = options
                    keep(valid, region, live, lengths, mark, before, prey, np.int64(ESCAPE))
        elif table[k, FREE] == 2:
            for i in range(2):
                p = np.int64(liberty[table[k, FIRST_LIBERTY] + i])
                t = target[to_move(size, p)]
                if not legal[p] or out[LADDER_CAPTURE, t]:
                    continue
                if calm and valid[prey, i] and found[prey, i, 0] == p:
                    out[LADDER_CAPTURE, t] = found[prey, i, 1]
                    continue
                q = np.int64(liberty[table[k, FIRST_LIBERTY] + 1 - i])
                # Extending at the other liberty gives the chain `free` liberties, `p` perhaps among them: with
                # four it escapes for sure (unless the extension takes stones that `p` may save, or fills an eye), and
                # there is nothing to read.
                taken_stones, _, free = _after_move(board, info, mark, chain, table, stones, liberty, q, other)
                if free < 4 or taken_stones or is_eyeish(board, stride, q, other):
                    before = info[STAMP]
                    captured, _ = read(board, info, mark, stack, frame, taken, near, prey, p)
                    out[LADDER_CAPTURE, t] = captured
                    if calm:
                        found[prey, i, 0] = p
                        found[prey, i, 1] = captured
                        mark[p] = info[STAMP]
                        keep(valid, region, live, lengths, mark, before, prey, i)


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
