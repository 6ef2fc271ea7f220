"""Analyses by search: lines of what is known so far, while the search goes on until the controller sends a line."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Iterator
from typing import NamedTuple

from casecnn.console import warn
from casecnn.errors import CasecnnError
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.forms import Form, kata_form, ownership_form, root_form, searched_lines
from casecnn.go.position import Position
from casecnn.go.search.results import SearchResult

PATIENCE = 0.7
"""Seconds until a first line, where there is no interval."""


class Shape(NamedTuple):
    """How a line is written: its form, the least and the most moves, and whether ownership and the root follow."""

    form: Form
    least: int
    most: int
    ownership: bool
    root: bool

    def line(self, result: SearchResult) -> str:
        """A search as a line."""
        shown = searched_lines(result, self.most, self.least)
        parts = [self.form(line) for line in shown]
        if self.root and self.form is kata_form and shown:
            parts.append(root_form(shown, result))
        if self.ownership:
            parts.append(ownership_form(result.ownership))
        return " ".join(parts)


def lines_of_search(
    engine: Engine,
    position: Position,
    interval: float,
    shape: Shape,
    avoid: Collection[int],
    allow: Collection[int] | None,
) -> Iterator[str]:
    """What is known so far, each time that it is asked for; the search goes on in the meantime, until this is closed.

    With an interval it goes on without a limit. Without one it keeps to the settings' visits and time, and there is one
    line at its end; but where it takes long, a first one before.
    """
    player, settings = engine.player, engine.settings
    search = player.searcher.of(player.policy, settings)
    seconds = engine.seconds_for(position.to_play)
    closed = threading.Event()
    known: list[SearchResult] = []
    first = threading.Event()

    def take(result: SearchResult) -> None:
        known[:] = [result]
        first.set()

    def work() -> None:
        try:
            visits, most = (None, None) if interval else (settings.visits, None if math.isinf(seconds) else seconds)
            every = interval / 2 if interval else PATIENCE / 2
            take(
                search.run(
                    position, visits=visits, seconds=most, stop=closed.is_set, on_progress=take,
                    every=min(every, 0.5), avoid=avoid, allow=allow,
                )
            )  # fmt: skip
        except CasecnnError as error:
            warn(str(error))
        finally:
            first.set()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        first.wait()
        if not interval:
            worker.join(PATIENCE)
            if worker.is_alive() and known:
                yield shape.line(known[0])
            worker.join()
            if known:
                yield shape.line(known[0])
        while interval and known:
            yield shape.line(known[0])
    finally:
        closed.set()
        worker.join()
