"""AlphaGo's 48 feature planes, compiled: the fast twin of `casecnn.go.features_plain`, which is the judge.

The planes and what is decided where the paper is silent stand in the table of `casecnn.go.planes`
(Silver et al. 2016, Extended Data Table 2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from casecnn.go.ladders import Reader, escape_options, is_eye, new_reader, read
from casecnn.go.planes import OFFSETS, PLANES
from casecnn.go.rules import (
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    MAX_SIZE,
    PLAY,
    SIZE,
    STAMP,
    TURN,
    State,
    apply_event,
    new_state,
    to_move,
)
from casecnn.go.symmetry import targets

_POINTS = (MAX_SIZE + 2) * (MAX_SIZE + 1) + 1

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
    """Working memory of one thread. Chains are numbered from 1: `chain` int32 [P] is the chain of a stone, 0 elsewhere;
    `first`, `size`, `liberties`, `first_liberty` int32 [P] are per chain; `stones` int32 [P] lists the stones chain by
    chain, `liberty` int32 [4 P] the liberties chain by chain; `chains` int32 [1] is their number; `legal` and `eye`
    uint8 [P]; `option` int32 [64] is for ladders."""

    reader: Reader
    chain: np.ndarray
    first: np.ndarray
    size: np.ndarray
    liberties: np.ndarray
    first_liberty: np.ndarray
    stones: np.ndarray
    liberty: np.ndarray
    chains: np.ndarray
    legal: np.ndarray
    eye: np.ndarray
    option: np.ndarray


@njit(cache=True, nogil=True)
def new_scratch():
    """Return working memory for `write_planes`, usable for boards of any size."""
    return Scratch(
        new_reader(),
        np.zeros(_POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(_POINTS, np.int32),
        np.zeros(4 * _POINTS, np.int32),
        np.zeros(1, np.int32),
        np.zeros(_POINTS, np.uint8),
        np.zeros(_POINTS, np.uint8),
        np.zeros(64, np.int32),
    )


@njit(cache=True, nogil=True)
def _find_chains(state, scratch):
    """Number the chains; list their stones and their liberties."""
    board, mark = state.board, state.mark
    size = state.info[SIZE]
    stride = size + 1
    chain, stones, liberty = scratch.chain, scratch.stones, scratch.liberty
    chain[: board.shape[0]] = 0
    chains = 0
    top = 0
    end = 0
    stamp = state.info[STAMP]
    for row in range(1, size + 1):
        for start in range(row * stride + 1, row * stride + 1 + size):
            colour = board[start]
            if colour == EMPTY or chain[start]:
                continue
            chains += 1
            stamp += 1
            scratch.first[chains] = top
            scratch.first_liberty[chains] = end
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
            scratch.size[chains] = top - scratch.first[chains]
            scratch.liberties[chains] = end - scratch.first_liberty[chains]
    state.info[STAMP] = stamp
    scratch.chains[0] = chains


@njit(cache=True, nogil=True)
def _after_move(state, scratch, point, colour):
    """What a move does: (captured stones, size of the new chain, its liberties up to 8); (-1, 0, 0) if illegal."""
    board, mark = state.board, state.mark
    chain = scratch.chain
    stride = state.info[SIZE] + 1
    if point == state.info[KO] and colour == state.info[KO_COLOUR]:
        return -1, 0, 0
    state.info[STAMP] += 1
    stamp = state.info[STAMP]
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
                size += scratch.size[k]
    for k in (own0, own1, own2, own3):
        if k and free < 8:
            begin = scratch.first_liberty[k]
            for i in range(begin, begin + scratch.liberties[k]):
                q = scratch.liberty[i]
                if mark[q] != stamp:
                    mark[q] = stamp
                    free += 1
                    if free == 8:
                        break
    for d in (-1, 1, -stride, stride):
        q = point + d
        k = chain[q]
        if board[q] == 3 - colour and scratch.liberties[k] == 1 and mark[scratch.stones[scratch.first[k]]] != stamp:
            captured += scratch.size[k]
            begin = scratch.first[k]
            for i in range(begin, begin + scratch.size[k]):
                s = scratch.stones[i]
                if i == begin:
                    mark[s] = stamp  # counted
                for e in (-1, 1, -stride, stride):
                    r = s + e
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

    `target` int32 [size * size] says where each move goes: the identity, or a row of `symmetry.targets`."""
    board, turn_of, info = state.board, state.turn_of, state.info
    size = info[SIZE]
    stride = size + 1
    colour = info[COLOUR]
    other = 3 - colour
    chain, legal, option = scratch.chain, scratch.legal, scratch.option
    out[:] = 0
    out[ONES] = 1
    _find_chains(state, scratch)
    move = 0
    for row in range(1, size + 1):
        for p in range(row * stride + 1, row * stride + 1 + size):
            t = target[move]
            move += 1
            c = board[p]
            if c != EMPTY:
                out[STONES if c == colour else STONES + 1, t] = 1
                since = info[TURN] - turn_of[p]
                out[TURNS_SINCE + min(since, 8) - 1, t] = 1
                free = scratch.liberties[chain[p]]
                if free:
                    out[LIBERTIES + min(free, 8) - 1, t] = 1
                continue
            out[STONES + 2, t] = 1
            captured, chain_size, free = _after_move(state, scratch, p, colour)
            legal[p] = captured >= 0
            if captured < 0:
                continue
            out[CAPTURE_SIZE + min(captured, 7), t] = 1
            if free == 1:
                out[SELF_ATARI_SIZE + min(chain_size, 8) - 1, t] = 1
            out[LIBERTIES_AFTER + free - 1, t] = 1
            if not is_eye(state, p, colour):
                out[SENSIBLENESS, t] = 1
    for k in range(1, scratch.chains[0] + 1):
        prey = scratch.stones[scratch.first[k]]
        if board[prey] == other and scratch.liberties[k] == 2:
            begin = scratch.first_liberty[k]
            for i in range(begin, begin + 2):
                p = scratch.liberty[i]
                if legal[p]:
                    t = target[to_move(size, p)]
                    if out[LADDER_CAPTURE, t] == 0 and read(state, scratch.reader, prey, p, True)[0]:
                        out[LADDER_CAPTURE, t] = 1
        elif board[prey] == colour and scratch.liberties[k] == 1:
            for i in range(escape_options(state, scratch.reader, prey, option)):
                p = option[i]
                t = target[to_move(size, p)]
                if out[LADDER_ESCAPE, t] == 0 and not read(state, scratch.reader, prey, p, False)[0]:
                    out[LADDER_ESCAPE, t] = 1


@njit(cache=True, nogil=True)
def _game_features(size, events, target):
    count = 0
    for event in events:
        count += (event >> 12) == PLAY
    out = np.empty((count, PLANES, size * size), np.uint8)
    state = new_state(size)
    scratch = new_scratch()
    row = 0
    for i in range(events.shape[0]):
        event = events[i]
        if (event >> 12) == PLAY:
            state.info[COLOUR] = (event >> 10) & 3
            write_planes(state, scratch, target, out[row])
            row += 1
        if not apply_event(state, event):
            return out[:0], i
    return out, -1


def game_features(size: int, events: np.ndarray) -> np.ndarray:
    """Return uint8 [N, 48, size, size]: the planes before each play of the game, passes included, seen by the player
    who makes it.

    `events` uint16 [n] as in `casecnn.go.record`. Raises `ValueError` at an illegal event."""
    out, wrong = _game_features(size, np.ascontiguousarray(events, np.uint16), targets(size)[0])
    if wrong >= 0:
        raise ValueError(f"event {wrong} is not legal")
    return out.reshape(len(out), PLANES, size, size)


def state_features(state: State) -> np.ndarray:
    """Return uint8 [48, size, size]: the planes of one position for the side to play."""
    size = int(state.info[SIZE])
    out = np.empty((PLANES, size * size), np.uint8)
    write_planes(state, new_scratch(), targets(size)[0], out)
    return out.reshape(PLANES, size, size)
