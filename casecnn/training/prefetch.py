"""Batches made ahead of time by worker threads or processes, in order, while the net computes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from types import TracebackType
from typing import Literal

import torch
from torch import Tensor

from casecnn.checks import one_of, whole

Batch = tuple[Tensor, ...]
Source = Callable[[int, int, int], Batch]
"""source(step, rank, world) -> tensors: a pure function of its arguments and of a seed that the source holds."""


class Prefetcher:
    """Yields source(step, rank, world) for step = start, start+1, ..., stop-1, made up to `ahead` steps in advance.

    The order and the content never depend on `workers`. "thread" suits sources that release the interpreter lock
    (numba with nogil, PIL, large NumPy or torch calls); "process" any other: the source is sent to each worker once
    (it must pickle), tensors come back through shared memory, and a worker that dies raises BrokenProcessPool here.
    With 0 workers the batch is made on demand. `pin` page-locks the tensors for a copy to a GPU in the background.
    An exception of the source is raised by the `next` call of its step. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        source: Source,
        start: int,
        stop: int,
        *,
        rank: int = 0,
        world: int = 1,
        workers: int = 1,
        kind: Literal["thread", "process"] = "thread",
        ahead: int | None = None,
        pin: bool = False,
    ) -> None:
        whole("workers", workers, 0)
        one_of("worker_kind", kind, ("thread", "process"))
        self.waited = 0.0  # seconds that `next` has taken so far: the time the net had no data
        self._source, self._rank, self._world, self._pin = source, rank, world, pin
        self._next, self._stop = start, stop
        self._ahead = max(2 * workers, 2) if ahead is None else max(ahead, 1)
        self._queue: deque[Future[Batch]] = deque()
        self._executor: Executor | None = None
        if workers and kind == "thread":
            self._executor = ThreadPoolExecutor(workers, thread_name_prefix="batch")
        elif workers:
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(source,))
        self._fill()

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> Batch:
        begin = time.perf_counter()
        try:
            if self._executor is None:
                if self._next >= self._stop:
                    raise StopIteration
                self._next += 1
                return self._make(self._next - 1)
            if not self._queue:
                raise StopIteration
            batch = self._queue.popleft().result()
            self._fill()
            if self._pin and isinstance(self._executor, ProcessPoolExecutor):
                batch = tuple(tensor.pin_memory() for tensor in batch)
            return batch
        finally:
            self.waited += time.perf_counter() - begin

    def close(self) -> None:
        """Drop what is queued, wait for the batches in work, and end the workers; more than one call does no harm."""
        while self._queue:
            self._queue.popleft().cancel()
        self._stop = self._next
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _make(self, step: int) -> Batch:
        batch = self._source(step, self._rank, self._world)
        return tuple(tensor.pin_memory() for tensor in batch) if self._pin else batch

    def _fill(self) -> None:
        while self._executor is not None and self._next < self._stop and len(self._queue) < self._ahead:
            if isinstance(self._executor, ProcessPoolExecutor):
                future = self._executor.submit(_make_in_worker, self._next, self._rank, self._world)
            else:
                future = self._executor.submit(self._make, self._next)
            self._queue.append(future)
            self._next += 1


_worker_source: Source | None = None


def _start_worker(source: Source) -> None:
    global _worker_source
    _worker_source = source
    for number in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the parent ends its workers
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)  # the workers themselves are the parallelism
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a killed parent must not leave workers behind


def _make_in_worker(step: int, rank: int, world: int) -> Batch:
    assert _worker_source is not None
    return _worker_source(step, rank, world)
