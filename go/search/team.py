"""The threads that fill the tree of a search.

Each goes down for a few leaves, makes their planes and asks the net. Where a search is limited by visits alone, they
take turns at the tree in a fixed order, so that the same seed gives the same tree; else a thread whose core another
program has got holds nobody up.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.state import State
from casecnn.go.net.move_policy import on_cpu
from casecnn.go.search import tree as nodes
from casecnn.go.search.leaves import LeafBatch
from casecnn.go.search.options import Options
from casecnn.go.search.results import PositionNet
from casecnn.seeds import derive_seed

LOOK = 0.02  # seconds between two looks at what else a search depends on
PAUSE = 0.0005  # seconds to wait where all leaves within reach are being computed
SLOW_START = 16  # visits: for each further 16 a thread takes one more leaf at once


@dataclass(frozen=True)
class Limit:
    """When to stop: at a number of visits of the root, at a time on the clock of `time.monotonic`."""

    visits: int | None = None
    end: float = math.inf


@dataclass(frozen=True, eq=False)
class Root:
    """A tree and its root: the position, `seen` uint64 [n], the hashes of all arrangements so far, and `banned`.

    `banned` bool [points + 1] are the moves that are not to be looked at there; `komi` is White's.
    """

    tree: nodes.Tree
    state: State
    seen: np.ndarray
    banned: np.ndarray
    komi: float


class Turns:
    """A lock for numbered threads. In `order` they take turns, so that the same seed gives the same tree.

    Without order a thread whose core another program has got holds nobody up.
    """

    def __init__(self, threads: int, order: bool) -> None:
        self._waiting = list(range(threads)) if order else []
        self._order = order
        self._changed = threading.Condition()

    @contextmanager
    def of(self, thread: int) -> Iterator[None]:
        """The thread's turn."""
        with self._changed:
            while self._order and self._waiting[0] != thread:
                self._changed.wait()
            yield
            if self._order:
                self._waiting.append(self._waiting.pop(0))
                self._changed.notify_all()

    def leave(self, thread: int) -> None:
        """The thread takes no more turns."""
        with self._changed:
            if self._order:
                self._waiting.remove(thread)
                self._changed.notify_all()

    @contextmanager
    def between(self) -> Iterator[None]:
        """A look at the tree by nobody of them."""
        with self._changed:
            yield


@dataclass
class _Job:
    """One piece of work: its limit, whether it is over, and what went wrong."""

    limit: Limit
    turns: Turns
    over: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)


class Team:
    """Threads for a root, one for each of `batches`."""

    def __init__(self, net: PositionNet, root: Root, options: Options, batches: Sequence[LeafBatch], seed: int) -> None:
        self.net, self.root, self.options, self.batches, self.seed = net, root, options, batches, seed
        self.choice = nodes.Choice(
            exploration=float(options.c_puct),
            growth=float(options.c_growth),
            base=float(options.c_base),
            reduction=float(options.fpu_reduction),
            loss=float(options.virtual_loss),
            score_weight=float(options.score_weight),
            score_scale=float(options.score_scale),
            komi=float(root.komi),
        )
        self.net_seconds = 0.0
        self.evaluations = 0

    def work(
        self,
        limit: Limit,
        watch: Callable[[], bool] | None = None,
        report: Callable[[], None] | None = None,
        every: float = math.inf,
    ) -> None:
        """Fill the tree until the limit is reached or `watch()` is true, which is asked each `LOOK` seconds.

        `report()` is called each `every` seconds while nobody touches the tree. What the net raises is raised here.
        """
        import torch  # late: a net without it is possible

        cores = torch.get_num_threads()
        threads = len(self.batches)
        job = _Job(limit, Turns(threads, limit.visits is not None and limit.end == math.inf))
        workers = [threading.Thread(target=self._work, args=(job, i), daemon=True) for i in range(threads)]
        for worker in workers:
            worker.start()
        next_report = time.monotonic() + every
        try:
            while any(worker.is_alive() for worker in workers):
                workers[0].join(LOOK) if workers[0].is_alive() else workers[-1].join(LOOK)
                now = time.monotonic()
                with job.turns.between():
                    if self.root.tree.visits[self.root.tree.used[nodes.ROOT]]:
                        if watch is not None and not job.over.is_set() and watch():
                            job.over.set()
                        if report is not None and now >= next_report:
                            report()
                            next_report = now + every
        finally:
            job.over.set()
            for worker in workers:
                worker.join()
            torch.set_num_threads(cores)  # the last call is also what threads begin with later
        if job.errors:
            raise job.errors[0]

    def _work(self, job: _Job, number: int) -> None:
        batch = self.batches[number]
        tree = self.root.tree
        count = settled = 0
        try:
            if on_cpu(self.net):  # type: ignore[arg-type]
                import torch

                torch.set_num_threads(1)
            while True:
                with job.turns.of(number):
                    for settled in range(1, count + 1):
                        if not self._settle(batch, settled - 1):
                            job.over.set()
                    count = settled = 0
                    if not self._is_over(job):
                        before = int(tree.visits[tree.used[nodes.ROOT]])
                        count, full = self._gather(job, batch, before)
                        if full or not (count or tree.flying[tree.used[nodes.ROOT]] or self._grew(before)):
                            job.over.set()
                    idle = not count
                    ended = idle and self._is_over(job)
                if ended:
                    return
                if idle:
                    time.sleep(PAUSE)
                    continue
                self._compute(batch, count)
        except BaseException as error:  # to be raised by who waits
            job.errors.append(error)
            job.over.set()
            with job.turns.between():
                for i in range(settled, count):
                    nodes.fly(tree, int(batch.leaves.node[i]), -1)
        finally:
            job.turns.leave(number)

    def _is_over(self, job: _Job) -> bool:
        """Whether no more leaves are to be found. The root itself is looked at whatever the limits say."""
        tree = self.root.tree
        root = tree.used[nodes.ROOT]
        if job.errors or tree.used[nodes.DRAINED]:
            return True
        if not tree.visits[root]:
            return bool(tree.flying[root]) and job.over.is_set()
        if job.limit.visits is not None and tree.visits[root] + tree.flying[root] >= job.limit.visits:
            return True
        return job.over.is_set() or time.monotonic() >= job.limit.end

    def _grew(self, before: int) -> bool:
        return int(self.root.tree.visits[self.root.tree.used[nodes.ROOT]]) > before

    def _gather(self, job: _Job, batch: LeafBatch, visits: int) -> tuple[int, bool]:
        root, tree = self.root, self.root.tree
        most = len(batch.komi)
        wanted = min(most, 1 + visits // SLOW_START)
        room = 4 * most
        if job.limit.visits is not None:
            room = min(room, job.limit.visits - visits - int(tree.flying[tree.used[nodes.ROOT]]))
        return nodes.gather(  # type: ignore[no-any-return]
            tree, self.choice, root.state, root.seen, root.banned, batch.leaves, wanted, room,
            self.options.transpositions,
        )  # fmt: skip

    def _compute(self, batch: LeafBatch, count: int) -> None:
        """Everything about some leaves that does not touch the tree."""
        options = self.options
        batch.write(count, self.choice.komi)
        begin = time.perf_counter()
        probabilities = batch.estimate(self.net, count, options.symmetries)
        self.net_seconds += time.perf_counter() - begin
        self.evaluations += count
        if not (np.isfinite(probabilities).all() and np.isfinite(batch.values[:count, 1:]).all()):
            raise InputError(f"the weights '{self.net.name}' give values that are not numbers; are they damaged?")
        if options.rollouts:
            seed = derive_seed(self.seed, self.evaluations)
            batch.mix(count, options.rollouts, options.rollout_games, self.choice.komi, seed)
        batch.order(probabilities, count, options.prior_temperature)

    def _settle(self, batch: LeafBatch, i: int) -> bool:
        return bool(
            nodes.settle(
                self.root.tree, self.choice, batch.leaves, i, batch.values[i], batch.ownership[i], batch.moves[i],
                batch.priors[i], batch.counts[i],
            )
        )  # fmt: skip
