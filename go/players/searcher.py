"""Which move to play after a search, and the search that an engine keeps from move to move.

The most visited move is played, but

1. a pass is answered with a pass where the game is won both as the board stands and with the dead stones taken off (see
   `casecnn.go.players.player`), and not much of the board is open;
2. a move in territory that gains nothing over a pass is no reason to play on;
3. nothing that repeats an arrangement of the stones is looked at at all.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import cast

import numpy as np

from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.play.ending import OTHER, OWN, candidate_moves
from casecnn.go.players.settings import Settings
from casecnn.go.position import Position
from casecnn.go.search.reading import Search
from casecnn.go.search.results import PositionNet, SearchedMove, SearchResult

SAME_WIN, SAME_LEAD = 0.01, 0.5
"""Win rate and points that a move in territory must gain over a pass."""


class Searcher:
    """The search of an engine: one tree, for the net that was used last."""

    def __init__(self) -> None:
        self._search: Search | None = None
        self.last: SearchResult | None = None  # of the last move that was chosen

    def of(self, policy: MovePolicy, settings: Settings) -> Search:
        """The search with a net, which has a value branch; a new one for another net or other settings."""
        wanted, net = settings.threads, cast(PositionNet, policy)
        found = self._search
        if found is None or found.net is not net or found.options.threads != wanted or found.seed != settings.seed:
            self.forget()
            self._search = found = Search(net, seed=settings.seed, threads=wanted)
        return found

    def forget(self) -> None:
        """Forget the tree, and end what goes on in the background."""
        if self._search is not None:
            self._search.stop_pondering()
        self._search = self.last = None

    def choose(
        self,
        policy: MovePolicy,
        settings: Settings,
        position: Position,
        seconds: float,
        temperature: float,
        avoid: Collection[int],
        generator: np.random.Generator,
    ) -> int:
        """The move to play; `seconds` may be infinite where the settings limit the visits."""
        result = self.of(policy, settings).run(
            position,
            visits=settings.visits,
            seconds=None if math.isinf(seconds) else seconds,
            avoid=[move for move in avoid if 0 <= move <= position.size**2],
            decide=temperature == 0,
        )
        self.last = result
        visited = [move for move in result.moves if move.visits] or list(result.moves[:1])
        if temperature > 0 and len(visited) > 1:
            logs = np.log([move.visits for move in visited]) / temperature
            return visited[int((logs + generator.gumbel(size=len(logs))).argmax())].move
        return _unless_idle(visited, position)


def _unless_idle(visited: list[SearchedMove], position: Position) -> int:
    """The best move, or a pass where the best is in territory and no better than that."""
    best = visited[0]
    passed = next((move for move in visited if move.move == position.size**2), None)
    if passed is None or best is passed or candidate_moves(position)[best.move] not in (OWN, OTHER):
        return best.move
    return passed.move if best.win - passed.win < SAME_WIN and best.lead - passed.lead < SAME_LEAD else best.move
