"""How many threads to compute with, where other programs keep some of the cores busy.

oneDNN shares out each convolution among the threads in equal parts beforehand. A thread whose core another program has
got is waited for by all the others, convolution by convolution, and they burn their own time spinning meanwhile: beside
one busy process, two threads on two cores are slower than one. So while cores are busy, fewer threads are asked. The
numbers that a net gives do not depend on it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

PERIOD = 0.1  # seconds between two looks at the machine
NEW = 0.3  # of a look in the running average, since programs come and go
GIVEN_UP = 0.75  # of a core that others take, and a thread is given up: two that wait for each other lose more


def other_programs() -> int | None:
    """How many threads of other programs want a core at this moment; None where the system does not say (Linux does).

    What the whole machine counts as runnable, less this process's own.
    """
    try:
        runnable = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
        own = 0
        for task in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                state = Path(f"/proc/self/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
                own += state == "R"
    except (OSError, ValueError, IndexError):
        return None
    return max(0, runnable - own)


class FreeCores:
    """How many cores other programs leave free, on a running average.

    ``look`` and ``clock`` are `other_programs` and seconds that rise; ``cores`` are those of the machine.
    """

    def __init__(
        self,
        look: Callable[[], int | None] = other_programs,
        clock: Callable[[], float] = time.monotonic,
        cores: int | None = None,
    ) -> None:
        self._look, self._clock = look, clock
        self._cores = cores or os.cpu_count() or 1
        self._next = clock()
        self._others: float | None = None

    def threads(self, most: int) -> int:
        """As many threads as there are free cores, from 1 to ``most``."""
        if most == 1:
            return 1
        now = self._clock()
        if now >= self._next:
            self._next = now + PERIOD
            others = self._look()
            if others is None:
                self._next = float("inf")
            else:
                others = min(others, self._cores)
                before = others if self._others is None else self._others
                self._others = before + NEW * (others - before)
        if self._others is None:
            return most
        return max(1, min(most, int(self._cores - self._others + GIVEN_UP)))


FREE_CORES = FreeCores()
"""Of this machine."""
