"""Who may touch the tree: one thread at a time, in any order or in a fixed one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
