"""Ctrl-C and SIGTERM during long work: finish the step, save, then stop."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from casecnn.errors import CasecnnError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(CasecnnError):
    """Training was stopped from outside, its state is saved, the message says how to go on; exit code 128 + signal."""

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class InterruptionGuard:
    """Within the context the first SIGINT or SIGTERM only sets `number` and prints `notice` to stderr.

    Another one, from a second later on, acts as if there were no guard. Outside the main thread, where Python forbids
    handlers, it does nothing.
    """

    def __init__(self, notice: str = "") -> None:
        self.number: int | None = None
        self._first = 0.0
        self._notice = notice
        self._before: dict[int, Any] = {}

    def __enter__(self) -> InterruptionGuard:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            if time.monotonic() - self._first < 1.0:  # launchers pass on a Ctrl-C that the terminal sent to all
                return
            self._restore()
            signal.raise_signal(number)
            return
        self.number, self._first = number, time.monotonic()
        if self._notice:
            print(f"\n{self._notice}", file=sys.stderr, flush=True)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}
