"""Loading or compiling the engine before its first use, with a word about it where it has to be compiled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import event

from casecnn.console import tell
from casecnn.go.board.record import PLAY, pack
from casecnn.go.board.rules import check_events
from casecnn.go.board.state import BLACK, MIN_SIZE
from casecnn.go.planes.fast import game_features

PATIENCE = 1.0
"""Seconds of CPU time, not of wall time: a machine may be busy with something else."""


class _Compiling(event.Listener):
    """Notes when compiling began; what is loaded from the cache does not count."""

    since: float | None = None

    def on_start(self, event: Any) -> None:
        """Note the time of the first event."""
        if self.since is None:
            self.since = time.process_time()

    def on_end(self, event: Any) -> None:
        """Nothing to do."""


def warm_up(*more: Callable[[], object]) -> None:
    """Load or compile the rules and the planes, and what `more` calls.

    If something is compiled and that takes a second of CPU time, as on the first run ever, it says so on stderr.
    """
    done = threading.Event()
    compiling = _Compiling()

    def watch() -> None:
        while not done.wait(0.2):
            if compiling.since is not None and time.process_time() - compiling.since > PATIENCE:
                tell("casecnn: compiling the Go engine for this machine, once (about 20 seconds) ...")
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        with event.install_listener("numba:compile", compiling):
            check_events(MIN_SIZE, np.zeros(0, np.uint16))
            game_features(MIN_SIZE, np.array([pack(PLAY, BLACK, 0)], np.uint16))
            for call in more:
                call()
    finally:
        done.set()
