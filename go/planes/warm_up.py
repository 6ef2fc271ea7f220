"""Loading or compiling the engine before its first use, with a word about it where that takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from casecnn.console import tell
from casecnn.go.board.record import PLAY, pack
from casecnn.go.board.rules import check_events
from casecnn.go.board.state import BLACK, MIN_SIZE
from casecnn.go.planes.fast import game_features

PATIENCE = 1.0
"""Seconds of CPU time, not of wall time: on a busy machine loading alone may take a second."""


def warm_up(*more: Callable[[], object]) -> None:
    """Load or compile the rules and the planes, and what `more` calls.

    If that takes a second of CPU time, as on the first run ever, it says so on stderr.
    """
    done = threading.Event()
    start = time.process_time()

    def watch() -> None:
        while not done.wait(0.2):
            if time.process_time() - start > PATIENCE:
                tell("casecnn: compiling the Go engine for this machine, once (about 20 seconds) ...")
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        check_events(MIN_SIZE, np.zeros(0, np.uint16))
        game_features(MIN_SIZE, np.array([pack(PLAY, BLACK, 0)], np.uint16))
        for call in more:
            call()
    finally:
        done.set()
