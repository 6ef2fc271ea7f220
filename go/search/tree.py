"""The tree of a search, compiled: going down to new leaves, taking over what the net says of them, keeping a subtree.

This is one file because its functions share one layout of arrays. A node is a position, an edge a move that the search
allows there; a node's edges lie in a row, the most probable first. Values are kept as Black sees them.

Going down follows PUCT (Silver et al. 2016, Methods, "Searching the tree"): the edge with the largest
`Q + c P sqrt(N) / (1 + n)`. An edge that was never taken has as Q the value of its position less `reduction` times the
root of the probability of the edges that were taken (first play urgency). A node on whose way a leaf is being computed
counts that as a visit which loses (virtual loss). Since edges are in order of probability, the first that was never
taken is the best of those.

**Transpositions.** Positions that other orders of moves have led to are recognised by their Zobrist hash (stones,
player, ko, passes and last move); what the net said of the first is taken over, without computing it anew. Their visits
stay apart: the planes "turns since" differ, and superko depends on the moves before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from casecnn.compiled import njit
from casecnn.go.board.chains import connected, next_stamp
from casecnn.go.board.rules import area, play, play_pass
from casecnn.go.board.state import (
    BLACK,
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    LAST,
    MOST_POINTS,
    PASSES,
    SIZE,
    STAMP,
    WHITE,
    State,
    new_state,
    new_states,
    state_at,
    to_move,
    to_point,
)

NEW, EXPANDED, TERMINAL = 0, 1, 2
"""What is known of a node (`Tree.kind`): nothing yet; the net's estimates; that the game is over."""

NODES, EDGES, ROOT, DRAINED = range(4)
"""Slots of `Tree.used`."""

MOST_EDGES = 82
"""Moves of a position that are kept: all on 9x9; on larger boards the policy gives those beyond next to nothing."""

DEPTH = 600
_GATHERED, _SETTLED, _BLOCKED, _FULL = range(4)


class Tree(NamedTuple):
    """Nodes and edges in arrays, for at most n nodes and m edges.

    Of nodes: `parent` int32 [n]; `colour` uint8 [n], who is to move; `kind` uint8 [n]; `first` int64 [n] and `edges`
    int32 [n], its first edge and how many it has; `key` uint64 [n], the hash; `visits` int32 [n]; `flying` int32 [n],
    leaves below that are being computed; `sums` float64 [n, 3], utility, win rate and lead of all visits; `values`
    float32 [n, 3], the same of the node itself; `own` int32 [n], the visits that ended here; `ownership` int8
    [n, points] in 1/127.

    Of edges: `move` int16 [m], `prior` float32 [m] (negative where superko forbids the move), `child` int32 [m] (-1:
    none). `table` int32 [t]: nodes by hash. `used` int64 [4].
    """

    parent: np.ndarray
    colour: np.ndarray
    kind: np.ndarray
    first: np.ndarray
    edges: np.ndarray
    key: np.ndarray
    visits: np.ndarray
    flying: np.ndarray
    sums: np.ndarray
    values: np.ndarray
    own: np.ndarray
    ownership: np.ndarray
    move: np.ndarray
    prior: np.ndarray
    child: np.ndarray
    table: np.ndarray
    used: np.ndarray


class Leaves(NamedTuple):
    """The leaves that one thread computes at once, at most k, and its working memory.

    `states`: the positions, the arrays of a `State` with one dimension more in front; `node` int32 [k]; `work`: a
    board to go down with; `path` uint64 [DEPTH + 1]: the hashes of the arrangements on the way down.
    """

    states: State
    node: np.ndarray
    work: State
    path: np.ndarray


class Choice(NamedTuple):
    """The numbers that going down is steered by: see `casecnn.go.search.reading.Options`."""

    exploration: float
    growth: float
    base: float
    reduction: float
    loss: float
    score_weight: float
    score_scale: float
    komi: float


def new_tree(size: int, nodes: int, edges: int) -> Tree:
    """An empty tree for a board. Memory is taken as it fills: about 60 bytes and the points for a node, 10 an edge."""
    slots = 1
    while slots < 2 * nodes:
        slots *= 2
    return Tree(
        parent=np.zeros(nodes, np.int32),
        colour=np.zeros(nodes, np.uint8),
        kind=np.zeros(nodes, np.uint8),
        first=np.zeros(nodes, np.int64),
        edges=np.zeros(nodes, np.int32),
        key=np.zeros(nodes, np.uint64),
        visits=np.zeros(nodes, np.int32),
        flying=np.zeros(nodes, np.int32),
        sums=np.zeros((nodes, 3)),
        values=np.zeros((nodes, 3), np.float32),
        own=np.zeros(nodes, np.int32),
        ownership=np.zeros((nodes, size * size), np.int8),
        move=np.zeros(edges, np.int16),
        prior=np.zeros(edges, np.float32),
        child=np.zeros(edges, np.int32),
        table=np.full(slots, -1, np.int32),
        used=np.zeros(4, np.int64),
    )


def new_leaves(size: int, most: int) -> Leaves:
    """Room for `most` leaves of a board."""
    return Leaves(
        new_states(size, most),
        np.zeros(most, np.int32),
        new_state(size),
        np.zeros(DEPTH + 1, np.uint64),
    )


@njit(cache=True, nogil=True)
def _copy(to, start):
    """Copy a state without its scratch space, whose stamps stay."""
    for p in range(start.board.shape[0]):
        to.board[p] = start.board[p]
        to.turn_of[p] = start.turn_of[p]
    stamp = to.info[STAMP]
    for i in range(start.info.shape[0]):
        to.info[i] = start.info[i]
    to.info[STAMP] = stamp
    to.zobrist[0] = start.zobrist[0]


@njit(cache=True, nogil=True)
def key_of(state):
    """The hash of a position: its stones, who is to move, the ko, the passes and the last move."""
    info = state.info
    rest = np.uint64(info[COLOUR] + 4 * min(info[PASSES], 3))
    rest = rest * np.uint64(MOST_POINTS) + np.uint64(info[LAST])
    rest = rest * np.uint64(MOST_POINTS) + np.uint64(info[KO])
    rest = rest * np.uint64(4) + np.uint64(info[KO_COLOUR] if info[KO] else 0)
    rest = (rest + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    rest = (rest ^ (rest >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return state.zobrist[0] ^ rest ^ (rest >> np.uint64(32))


@njit(cache=True, nogil=True)
def _slot(tree, key):
    """Where the table has the node with a hash, or the place for it."""
    mask = np.uint64(tree.table.shape[0] - 1)
    slot = key & mask
    while tree.table[slot] >= 0 and tree.key[tree.table[slot]] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(cache=True, nogil=True)
def _add_node(tree, parent, colour, key):
    node = tree.used[NODES]
    tree.used[NODES] += 1
    tree.parent[node] = parent
    tree.colour[node] = colour
    tree.kind[node] = NEW
    tree.first[node] = 0
    tree.edges[node] = 0
    tree.key[node] = key
    tree.visits[node] = 0
    tree.flying[node] = 0
    tree.sums[node] = 0
    tree.own[node] = 0
    return node


@njit(cache=True, nogil=True)
def start_at(tree, state):
    """Empty the tree and make a position its root."""
    tree.table[:] = -1
    tree.used[:] = 0
    _add_node(tree, -1, state.info[COLOUR], key_of(state))


@njit(cache=True, nogil=True)
def _utility(choice, win, lead):
    """What a position is worth to Black: the win rate from -1 to 1, and a little of the lead."""
    return 2 * win - 1 + choice.score_weight * np.tanh(lead / choice.score_scale)


@njit(cache=True, nogil=True)
def _back_up(tree, choice, node, value):
    """Count a visit that ended at a node, with win rate and lead as Black sees them, on all of its way."""
    utility = _utility(choice, value[1], value[2])
    tree.own[node] += 1
    while node >= 0:
        tree.visits[node] += 1
        tree.sums[node, 0] += utility
        tree.sums[node, 1] += value[1]
        tree.sums[node, 2] += value[2]
        node = tree.parent[node]


@njit(cache=True, nogil=True)
def fly(tree, node, by):
    """Add `by` to the leaves that are being computed below each node on the way to a leaf."""
    while node >= 0:
        tree.flying[node] += by
        node = tree.parent[node]


@njit(cache=True, nogil=True)
def _best_edge(tree, choice, node, banned):
    """The edge to go on by; -1 where there is none. `banned` bool [points + 1] holds at the root."""
    sign = 1.0 if tree.colour[node] == BLACK else -1.0
    root = node == tree.used[ROOT]
    visits = tree.visits[node]
    total = np.sqrt(np.float64(max(1, visits - 1 + tree.flying[node])))
    c = choice.exploration + choice.growth * np.log((visits + choice.base) / choice.base)
    first = tree.first[node]
    last = first + tree.edges[node]
    seen = 0.0
    for e in range(first, last):
        if tree.child[e] >= 0 and tree.prior[e] > 0:
            seen += tree.prior[e]
    urgency = sign * tree.sums[node, 0] / max(1, visits) - choice.reduction * np.sqrt(seen)
    best = -1
    highest = -np.inf
    for e in range(first, last):
        if tree.prior[e] < 0 or (root and banned[tree.move[e]]):
            continue
        child = tree.child[e]
        if child < 0:
            value = urgency + c * tree.prior[e] * total
        else:
            taken = tree.visits[child] + tree.flying[child]
            if taken:
                value = (sign * tree.sums[child, 0] - choice.loss * tree.flying[child]) / taken
            else:
                value = urgency
            value += c * tree.prior[e] * total / (1 + taken)
        if value > highest:
            highest = value
            best = e
        if child < 0:
            break
    return best


@njit(cache=True, nogil=True)
def _repeats(path, depth, seen, arrangement):
    """Whether the stones stood like this before, on the way down or in the game."""
    for i in range(depth + 1):
        if path[i] == arrangement:
            return True
    for i in range(seen.shape[0]):
        if seen[i] == arrangement:
            return True
    return False


@njit(cache=True, nogil=True)
def _end(tree, choice, node, state):
    """The game is over at a node: its value and ownership are those of the board as it stands."""
    black, white = area(state)
    lead = black - white - choice.komi
    tree.kind[node] = TERMINAL
    tree.values[node, 1] = 1.0 if lead > 0 else 0.5 if lead == 0 else 0.0
    tree.values[node, 2] = lead
    size = state.info[SIZE]
    mark, stack, board = state.mark, state.stack, state.board
    stamp = next_stamp(state.info)
    for move in range(size * size):
        start = to_point(size, move)
        if board[start] != EMPTY:
            tree.ownership[node, move] = 127 if board[start] == BLACK else -127
        elif mark[start] != stamp:
            count, beside = connected(board, mark, stack, size + 1, stamp, start)
            for i in range(count):
                owner = 127 if beside == BLACK else -127 if beside == WHITE else 0
                tree.ownership[node, to_move(size, stack[i])] = owner


@njit(cache=True, nogil=True)
def _take_over(tree, node, donor):
    """Give a node the estimates and moves of another one of the same position; False where there is no room."""
    count = tree.edges[donor]
    begin = tree.used[EDGES]
    if begin + count > tree.move.shape[0]:
        return False
    tree.used[EDGES] += count
    for i in range(count):
        tree.move[begin + i] = tree.move[tree.first[donor] + i]
        tree.prior[begin + i] = abs(tree.prior[tree.first[donor] + i])
        tree.child[begin + i] = -1
    tree.first[node] = begin
    tree.edges[node] = count
    tree.values[node] = tree.values[donor]
    tree.ownership[node] = tree.ownership[donor]
    tree.kind[node] = EXPANDED
    return True


@njit(cache=True, nogil=True)
def _go_down(tree, choice, root, seen, banned, leaves, share):
    """One visit, down to a leaf. Returns what came of it and the node.

    `_GATHERED`: the leaf's position stands in `leaves.work`, and it waits for the net. `_SETTLED`: it needed no net,
    and the visit is counted. `_BLOCKED`: it is being computed already. `_FULL`: there is no room for it.
    """
    state = leaves.work
    _copy(state, root)
    info = state.info
    size = np.int64(info[SIZE])
    node = tree.used[ROOT]
    leaves.path[0] = state.zobrist[0]
    depth = 0
    while True:
        kind = tree.kind[node]
        if kind == TERMINAL:
            _back_up(tree, choice, node, tree.values[node])
            return _SETTLED, node
        if kind == NEW:
            if tree.flying[node]:
                return _BLOCKED, node
            return _GATHERED, node
        if depth == DEPTH:
            return _BLOCKED, node
        edge = _best_edge(tree, choice, node, banned)
        if edge < 0:
            return _BLOCKED, node
        move = np.int64(tree.move[edge])
        colour = np.int64(info[COLOUR])
        if move == size * size:
            play_pass(state, colour)
        else:
            play(state, to_point(size, move), colour)
        child = tree.child[edge]
        if child < 0:
            if move != size * size and _repeats(leaves.path, depth, seen, state.zobrist[0]):
                tree.prior[edge] = -tree.prior[edge]
                _copy(state, root)  # and once more from the top
                node = tree.used[ROOT]
                depth = 0
                continue
            if tree.used[NODES] == tree.parent.shape[0]:
                return _FULL, node
            child = _add_node(tree, node, info[COLOUR], key_of(state))
            tree.child[edge] = child
            if info[PASSES] >= 2:
                _end(tree, choice, child, state)
            elif share:
                slot = _slot(tree, tree.key[child])
                donor = tree.table[slot]
                if donor >= 0 and tree.kind[donor] == EXPANDED:
                    if not _take_over(tree, child, donor):
                        return _FULL, child
                    _back_up(tree, choice, child, tree.values[child])
                    return _SETTLED, child
        node = child
        depth += 1
        leaves.path[depth] = state.zobrist[0]


@njit(cache=True, nogil=True)
def gather(tree, choice, root, seen, banned, leaves, wanted, most, share):
    """Go down for up to `wanted` leaves, and for up to `most` visits in all.

    Returns the leaves, and whether the tree is full.

    `root` is the root's state, `seen` uint64 [n] the hashes of all arrangements of the game so far, `banned` bool
    [points + 1] the moves that the root may not choose; with `share` transpositions are used.
    """
    gathered = 0
    visits = 0
    while gathered < wanted and visits < most:
        result, node = _go_down(tree, choice, root, seen, banned, leaves, share)
        if result == _FULL:
            tree.used[DRAINED] = 1
            return gathered, True
        if result == _BLOCKED:
            break
        visits += 1
        if result == _GATHERED:
            leaves.node[gathered] = node
            _copy(state_at(leaves.states, gathered), leaves.work)
            fly(tree, node, 1)
            gathered += 1
    return gathered, False


@njit(cache=True, nogil=True)
def settle(tree, choice, leaves, i, values, ownership, moves, priors, count):
    """Take over what the net says of leaf `i`: win rate and lead as Black sees them, and the moves to go on by.

    `values` float32 [3], of which the last two are given; `ownership` int8 [points]; `moves` int16 and `priors`
    float32 [count], the most probable first. Returns False where there is no room for the moves.
    """
    node = leaves.node[i]
    fly(tree, node, -1)
    begin = tree.used[EDGES]
    if begin + count > tree.move.shape[0]:
        tree.used[DRAINED] = 1
        return False
    tree.used[EDGES] += count
    for j in range(count):
        tree.move[begin + j] = moves[j]
        tree.prior[begin + j] = priors[j]
        tree.child[begin + j] = -1
    tree.first[node] = begin
    tree.edges[node] = count
    tree.values[node] = values
    tree.ownership[node] = ownership
    tree.kind[node] = EXPANDED
    slot = _slot(tree, tree.key[node])
    if tree.table[slot] < 0:
        tree.table[slot] = node
    _back_up(tree, choice, node, values)
    return True


@njit(cache=True, nogil=True)
def child_by(tree, node, move):
    """The node that a move leads to; -1 where it was never looked at."""
    for e in range(tree.first[node], tree.first[node] + tree.edges[node]):
        if tree.move[e] == move:
            return np.int64(tree.child[e])
    return np.int64(-1)


@njit(cache=True, nogil=True)
def keep_below(tree, root):
    """Make a node the root and drop all that is not below it; the rest moves to the front of the arrays.

    Parents come before their children, and edges in the order of their nodes' being expanded, so that both can be
    moved in place: nothing is written where something is still to be read.
    """
    nodes = tree.used[NODES]
    place = np.full(nodes, -1, np.int32)
    kept = 0
    for node in range(root, nodes):
        if node == root or (tree.parent[node] >= 0 and place[tree.parent[node]] >= 0):
            place[node] = kept
            kept += 1
    # Edges first: they stay in their own order, which is not that of the nodes.
    owner = np.full(tree.used[EDGES], -1, np.int32)
    for node in range(root, nodes):
        if place[node] >= 0:
            for e in range(tree.first[node], tree.first[node] + tree.edges[node]):
                owner[e] = node
    end = 0
    e = 0
    while e < owner.shape[0]:
        node = owner[e]
        if node < 0:
            e += 1
            continue
        count = tree.edges[node]
        for i in range(count):
            tree.move[end + i] = tree.move[e + i]
            tree.prior[end + i] = tree.prior[e + i]
            child = tree.child[e + i]
            tree.child[end + i] = place[child] if child >= 0 else -1
        tree.first[node] = end
        end += count
        e += count
    for node in range(root, nodes):
        to = place[node]
        if to < 0:
            continue
        tree.parent[to] = place[tree.parent[node]] if node != root else -1
        tree.colour[to] = tree.colour[node]
        tree.kind[to] = tree.kind[node]
        tree.first[to] = tree.first[node]
        tree.edges[to] = tree.edges[node]
        tree.key[to] = tree.key[node]
        tree.visits[to] = tree.visits[node]
        tree.flying[to] = tree.flying[node]
        tree.sums[to] = tree.sums[node]
        tree.values[to] = tree.values[node]
        tree.own[to] = tree.own[node]
        tree.ownership[to] = tree.ownership[node]
    tree.used[NODES] = kept
    tree.used[EDGES] = end
    tree.used[ROOT] = 0
    tree.used[DRAINED] = 0
    tree.table[:] = -1
    for node in range(kept):
        if tree.kind[node] == EXPANDED:
            slot = _slot(tree, tree.key[node])
            if tree.table[slot] < 0:
                tree.table[slot] = node


@njit(cache=True, nogil=True)
def mean_ownership(tree, out):
    """Fill `out` float64 [points] with the mean over all visits of the tree, as Black sees it."""
    out[:] = 0
    total = 0
    for node in range(tree.used[NODES]):
        weight = tree.own[node]
        if weight:
            total += weight
            for p in range(out.shape[0]):
                out[p] += weight * tree.ownership[node, p]
    if total:
        for p in range(out.shape[0]):
            out[p] /= 127.0 * total


@njit(cache=True, nogil=True)
def main_line(tree, node, out):
    """Write the most visited moves from a node on into `out` int16 [n] and return their number."""
    length = 0
    while length < out.shape[0] and tree.kind[node] == EXPANDED:
        best = -1
        most = 0
        for e in range(tree.first[node], tree.first[node] + tree.edges[node]):
            child = tree.child[e]
            if child >= 0 and tree.visits[child] > most:
                most = tree.visits[child]
                best = e
        if best < 0:
            break
        out[length] = tree.move[best]
        length += 1
        node = tree.child[best]
    return length
