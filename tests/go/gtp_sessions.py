"""Whole sessions of the Go Text Protocol with a net that is a table."""

from __future__ import annotations

import io

import numpy as np

from casecnn.go.board.coordinates import from_vertex
from casecnn.go.gtp.commands import dispatcher_of
from casecnn.go.gtp.dispatch import serve
from casecnn.go.gtp.engine import Engine


class TableNet:
    """A net that always gives the same: halves from point to point, the upper left first, or what it is told."""

    name = "a-net"

    def __init__(self, size: int = 9, **given: float) -> None:
        self.size = size
        self.table = np.zeros(size * size) if given else 0.5 ** np.arange(1, size * size + 1)
        for vertex, p in given.items():
            self.table[from_vertex(vertex, size)] = p

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        return np.repeat(self.table[None].astype(np.float32), len(planes), axis=0)


def session(text: str | bytes, engine: Engine | None = None) -> str:
    """What the engine answers to a session."""
    sink = io.StringIO()
    source = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    serve(dispatcher_of(engine or Engine(TableNet())), source, sink)
    return sink.getvalue()
