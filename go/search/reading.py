"""Search with a net of two heads: AlphaGo's second half, for a few cores.

`Search` keeps a tree (`casecnn.go.search.tree`) from move to move. Some threads share it. Each goes down for a few
leaves, makes their planes and asks the net, while the others do the same: the tree is touched by one at a time, planes
and net are not. So on two cores the net computes nearly all the time (`benchmarks/search.py` measures it).
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Collection
from types import SimpleNamespace
from typing import Any

import numpy as np

from casecnn.checks import whole, within
from casecnn.errors import InputError, UsageError
from casecnn.go.board.state import BLACK, MIN_SIZE, State, copy_state
from casecnn.go.net.move_policy import UniformPolicy, on_cpu
from casecnn.go.position import Position
from casecnn.go.search import tree as nodes
from casecnn.go.search.leaves import LeafBatch
from casecnn.go.search.options import Options
from casecnn.go.search.results import PositionNet, Progress, SearchedMove, SearchResult
from casecnn.go.search.team import LOOK, Limit, Root, Team
from casecnn.seeds import derive_seed

LONGEST_LINE = 30


class Search:
    """A tree that lives from move to move, and the net that fills it.

    Options are those of `Options`, by name. The same seed gives the same result on one device where a search is limited
    by visits alone. Keeps no position; moves that the positions of two runs have in common keep their visits. Both
    sides are held to positional superko, and nobody takes off stones of his own.

    ``Search(load_policy_value()).run(Position(), visits=200).best`` is the move to play on an empty board.

    Raises `UsageError` for options out of range.
    """

    def __init__(self, net: PositionNet, *, seed: int = 0, **options: Any) -> None:
        try:
            self.options = Options(**options)
        except TypeError as error:
            raise UsageError(f"a search has no such option: {error}") from error
        self.net = net
        self.seed = seed
        cores = min(2, os.cpu_count() or 1)
        self._threads = self.options.threads or cores
        self._batch = self.options.batch or (4 if on_cpu(net) else 32)  # type: ignore[arg-type]
        most = self.options.max_nodes
        self._tree = nodes.new_tree(net.size, most, min(nodes.MOST_EDGES, net.size**2 + 1) * most)
        self._batches = [LeafBatch(net.size, self._batch) for _ in range(self._threads)]
        self._state: State | None = None
        self._moves: list[tuple[int, int]] = []
        self._history: tuple[int, ...] = ()
        self._komi = 0.0
        self._running = threading.Lock()
        self._ponder: tuple[threading.Thread, threading.Event] | None = None
        self.net_seconds = 0.0  # spent in the net by all threads, in the last run
        self.evaluations = 0  # positions that the net saw in the last run

    def run(
        self,
        position: Position,
        *,
        visits: int | None = None,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
        on_progress: Progress | None = None,
        every: float = 0.5,
        avoid: Collection[int] = (),
        allow: Collection[int] | None = None,
        decide: bool = False,
    ) -> SearchResult:
        """Search a position until one of the limits is reached, and tell what is known.

        `visits` are those of the position in the end, with what an earlier search found; `seconds` are seconds from the
        call on; `stop()` is asked some fifty times a second. `on_progress(result)` is called each `every` seconds. The
        position's own moves are none of `avoid`, and only those of `allow`, where that is given. With `decide` the
        search also ends where no other move can still become the most visited one. At least one visit is made.

        The position is not changed. On Ctrl-C the tree stays as it is, and `KeyboardInterrupt` goes on to the caller,
        who may ask `result` for what is known. Raises `UsageError` without any limit or for one out of range,
        `InputError` for a board of another size than the net's and for a net that gives no numbers.
        """
        if visits is None and seconds is None and stop is None:
            raise UsageError("a search needs a limit: `visits`, `seconds` or `stop`")
        if visits is not None:
            whole("visits", visits, 1)
        if seconds is not None:
            within("seconds", seconds, 0, math.inf)
        begin = time.monotonic()
        self.stop_pondering()
        with self._running:
            self._take_root(position)
            banned = self._banned(avoid, allow)
            old = self._visits()
            team = self._team(position, banned)
            if self.options.noise and not old:
                team.work(Limit(1))
                add_noise(self._tree, self.options, derive_seed(self.seed, len(position.moves)))
            limit = Limit(visits, math.inf if seconds is None else begin + seconds)

            def watch() -> bool:
                return (stop is not None and stop()) or (decide and self._is_decided(banned, limit, begin, old))

            def report() -> None:
                if on_progress is not None:
                    on_progress(self._result(banned, begin, old))

            try:
                team.work(limit, watch, report, every)
            finally:
                self.net_seconds, self.evaluations = team.net_seconds, team.evaluations
            return self._result(banned, begin, old)

    def result(self, position: Position) -> SearchResult | None:
        """What is known of a position without a further visit; None where it was not searched."""
        with self._running:
            return self._result(None, time.monotonic(), self._visits()) if self._is_at(position) else None

    def ponder(self, position: Position) -> None:
        """Search a position in the background, until `stop_pondering` or the next `run`: on the opponent's time."""
        self.stop_pondering()
        stopped = threading.Event()
        copy = position.copy()

        def think() -> None:
            with self._running:
                self._take_root(copy)
                self._team(copy, None).work(Limit(), stopped.is_set)

        thread = threading.Thread(target=think, daemon=True)
        self._ponder = thread, stopped
        thread.start()

    def stop_pondering(self) -> None:
        """End a search in the background, whose tree is kept."""
        if self._ponder is not None:
            thread, stopped = self._ponder
            stopped.set()
            thread.join()
            self._ponder = None

    def clear(self) -> None:
        """Forget the tree."""
        self.stop_pondering()
        self._state = None

    # The root

    def _take_root(self, position: Position) -> None:
        """Make a position the root: with its subtree where there is one, else with an empty tree."""
        if position.size != self.net.size:
            raise InputError(
                f"the board (={position.size}x{position.size}) must be {self.net.size}x{self.net.size}, the size that"
                f" the weights '{self.net.name}' know"
            )
        if not self._is_at(position):
            node = self._node_of(position)
            if node is None:
                nodes.start_at(self._tree, position.state)
            else:
                nodes.keep_below(self._tree, node)
        self._state = copy_state(position.state)
        self._moves, self._komi, self._history = list(position.moves), position.komi, position.history

    def _is_at(self, position: Position) -> bool:
        """Whether a position is the root."""
        return self._moves == position.moves and self._node_of(position) is not None

    def _node_of(self, position: Position) -> int | None:
        """The node of a position that was reached from the root by moves; None where there is none."""
        known = len(self._moves)
        if (
            self._state is None
            or self._komi != position.komi
            or self._moves != position.moves[:known]
            or self._history != position.history[: len(self._history)]
            or self._state.board.shape != position.state.board.shape
        ):
            return None
        node = int(self._tree.used[nodes.ROOT])
        for _, move in position.moves[known:]:
            node = int(nodes.child_by(self._tree, node, move))
            if node < 0:
                return None
        return node if int(self._tree.key[node]) == int(nodes.key_of(position.state)) else None

    def _visits(self) -> int:
        return int(self._tree.visits[self._tree.used[nodes.ROOT]])

    def _team(self, position: Position, banned: np.ndarray | None) -> Team:
        assert self._state is not None
        seen = np.array(position.history, np.uint64)
        none = np.zeros(self.net.size**2 + 1, np.bool_)
        root = Root(self._tree, self._state, seen, none if banned is None else banned, position.komi)
        return Team(self.net, root, self.options, self._batches, derive_seed(self.seed, len(position.moves)))

    def _banned(self, avoid: Collection[int], allow: Collection[int] | None) -> np.ndarray | None:
        """Bool [points + 1]: the moves that are not to be played."""
        if not avoid and allow is None:
            return None
        banned = np.full(self.net.size**2 + 1, allow is not None, np.bool_)
        for moves, value in ((allow or (), False), (avoid, True)):
            for move in moves:
                if not 0 <= move < len(banned):
                    raise UsageError(f"a move (={move}) must be from 0 to {len(banned) - 1}")
                banned[move] = value
        return banned

    # What is known

    def _is_decided(self, banned: np.ndarray | None, limit: Limit, begin: float, old: int) -> bool:
        """Whether what is left of the search cannot change which move is the most visited one."""
        _, _, visits = self._edges(banned)
        if len(visits) == 1:
            return True
        passed = time.monotonic() - begin
        new = self._visits() - old
        if passed < 3 * LOOK or new < 1:
            return False
        left = new / passed * max(0.0, limit.end - time.monotonic())
        if limit.visits is not None:
            left = min(left, limit.visits - self._visits())
        ordered = np.sort(visits)
        return bool(ordered[-1] - ordered[-2] > left)

    def _edges(self, banned: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The edges of the root that may be played, the nodes that they lead to (-1: none), and the visits of these."""
        tree = self._tree
        root = tree.used[nodes.ROOT]
        edges = np.arange(tree.first[root], tree.first[root] + tree.edges[root])
        allowed = tree.prior[edges] > 0
        if banned is not None:
            allowed &= ~banned[tree.move[edges]]
        edges = edges[allowed]
        children = tree.child[edges]
        return edges, children, np.where(children >= 0, tree.visits[children], 0)

    def _result(self, banned: np.ndarray | None, begin: float, old: int) -> SearchResult:
        assert self._state is not None
        tree = self._tree
        root = int(tree.used[nodes.ROOT])
        black = tree.colour[root] == BLACK
        points = self.net.size**2

        def seen(node: int) -> tuple[float, float]:
            """Win rate and lead as the side to move at the root sees them."""
            win, lead = tree.sums[node, 1:] / max(1, int(tree.visits[node]))
            return (float(win), float(lead)) if black else (1 - float(win), -float(lead))

        own = seen(root)
        edges, children, visits = self._edges(banned)
        line = np.zeros(LONGEST_LINE - 1, np.int16)
        moves = []
        for edge, child, count in zip(edges.tolist(), children.tolist(), visits.tolist(), strict=True):
            length = nodes.main_line(tree, child, line) if count else 0
            move = int(tree.move[edge])
            win, lead = seen(child) if count else own
            moves.append(SearchedMove(move, count, win, lead, float(tree.prior[edge]), (move, *line[:length].tolist())))
        moves.sort(key=lambda searched: (-searched.visits, -searched.prior))
        if not moves:
            moves.append(SearchedMove(points, 0, *own, 1.0, (points,)))
        ownership = np.zeros(points)
        nodes.mean_ownership(tree, ownership)
        total = self._visits()
        return SearchResult(
            visits=total,
            win=own[0],
            lead=own[1],
            ownership=(ownership if black else -ownership).astype(np.float32),
            moves=tuple(moves),
            seconds=time.monotonic() - begin,
            new_visits=total - old,
            full=bool(tree.used[nodes.DRAINED]),
        )


def add_noise(tree: nodes.Tree, options: Options, seed: int) -> None:
    """Mix Dirichlet noise into the priors of the root, which has been looked at, and put its edges in order again."""
    root = int(tree.used[nodes.ROOT])
    edges = np.arange(tree.first[root], tree.first[root] + tree.edges[root])
    noise = np.random.default_rng(seed).dirichlet(np.full(len(edges), options.noise_total / len(edges)))
    mixed = (1 - options.noise) * np.abs(tree.prior[edges]) + options.noise * noise
    order = np.argsort(-mixed, kind="stable")
    tree.prior[edges] = np.maximum(mixed[order], 1e-9)
    tree.move[edges] = tree.move[edges][order]
    tree.child[edges] = tree.child[edges][order]


def rehearse() -> None:
    """Search on a small board without a net: what a search needs is then compiled."""
    position = Position(MIN_SIZE)
    search = Search(_EvenNet(), threads=1, max_nodes=100)
    search.run(position, visits=20)
    position.play(search.run(position, visits=20).best.move)
    search.run(position, visits=20)


class _EvenNet(UniformPolicy):
    """A net that thinks everything as likely."""

    def estimate(self, planes: np.ndarray, komi: np.ndarray, symmetries: bool = False) -> SimpleNamespace:
        """See `PositionNet`."""
        nothing = np.zeros(len(planes), np.float32)
        return SimpleNamespace(
            probabilities=self.probabilities(planes),
            win=nothing + 0.5,
            lead=nothing,
            ownership=np.zeros((len(planes), self.size**2), np.float32),
        )
