"""All chains of a position with their stones and liberties, and what a move does to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import next_stamp
from casecnn.go.board.state import EMPTY, KO, KO_COLOUR, MOST_POINTS, SIZE, STAMP
from casecnn.go.board.trials import Reader, new_reader
from casecnn.go.planes.ladder_cache import LadderCache, new_ladder_cache

FIRST, CHAIN_SIZE, FIRST_LIBERTY, FREE = range(4)


class Scratch(NamedTuple):
    """Working memory of one thread.

    Chains are numbered from 1. `chain` int32 [P]: the chain of a stone, 0 elsewhere; `table` int32 [P, 4]: per chain
    its first stone's place in `stones`, its size, its first liberty's place in `liberty`, its number of liberties;
    `stones` int32 [P] and `liberty` int32 [4 P]: the lists.
    """

    reader: Reader
    ladders: LadderCache
    chain: np.ndarray
    table: np.ndarray
    stones: np.ndarray
    liberty: np.ndarray


@njit(cache=True, nogil=True)
def new_scratch():
    """Return working memory, usable for boards of any size."""
    return Scratch(
        new_reader(),
        new_ladder_cache(),
        np.zeros(MOST_POINTS, np.int32),
        np.zeros((MOST_POINTS, 4), np.int32),
        np.zeros(MOST_POINTS, np.int32),
        np.zeros(4 * MOST_POINTS, np.int32),
    )


@njit(cache=True, nogil=True)
def find_chains(board, info, mark, chain, table, stones, liberty):
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
def after_move(board, info, mark, chain, table, stones, liberty, point, colour):
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
