"""Answers of KataGo's analysis protocol: what is known about a position, as an object for JSON.

Where the protocol has numbers that a policy with rollouts does not give (standard deviations, for example) the fields
are left out, as its documentation allows. Without rollouts win rates are one half and leads 0: the net does not say who
wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from casecnn.go.analysis.query import Query, Turn
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.state import BLACK
from casecnn.go.board.symmetry import SYMMETRIES, transform
from casecnn.go.gtp.forms import Line, SearchedLine, searched_lines
from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.position import Position
from casecnn.go.search.look_ahead import Candidate
from casecnn.go.search.random_play import play_out
from casecnn.go.search.results import SearchedMove, SearchResult

OWNERSHIP_GAMES, MOVE_OWNERSHIP_GAMES = 256, 64
MOST_SHOWN = 64  # moves of a search


class Answers:
    """The answers to one turn of a query; what does not change with the rollouts is worked out once.

    `variations` maps moves to the lines that they start; with `searches` the answers come from searches.
    """

    def __init__(
        self,
        query: Query,
        turn: Turn,
        policy: MovePolicy,
        variations: dict[int, list[int]] | None = None,
        searches: bool = False,
    ) -> None:
        self.query, self.turn, self.variations = query, turn, variations or {}
        position = turn.position
        to_play = position.to_play
        as_black = query.perspective == "BLACK" or (query.perspective == "SIDETOMOVE" and to_play == BLACK)
        self.flipped = as_black != (to_play == BLACK)  # numbers are those of the player to move
        self.sign = 1 if as_black else -1  # ownership is Black's
        self.fixed: dict[str, Any] = {}
        if query.ownership and not searches:
            self.fixed["ownership"] = self._ownership(position, OWNERSHIP_GAMES)
        if query.policy:
            self.fixed["policy"] = policy_with_pass(policy, position)

    def answer(self, candidates: Sequence[Candidate], during: bool = False) -> dict[str, Any]:
        """The object for what is known so far."""
        size = self.turn.position.size
        lines = [Line(c, i, self.variations.get(c.move, [c.move]), size) for i, c in enumerate(candidates)]
        return {
            "id": self.query.id,
            "isDuringSearch": during,
            "turnNumber": self.turn.number,
            "moveInfos": [self._move(line) for line in lines],
            "rootInfo": self._root(lines),
            **self.fixed,
        }

    def searched(self, result: SearchResult, during: bool = False) -> dict[str, Any]:
        """The object for what a search knows so far."""
        root = self._numbers(SearchedLine(SearchedMove(0, result.visits, result.win, result.lead, 1.0, ()), 0, 0))
        fixed = dict(self.fixed)
        if self.query.ownership:
            mover = 1 if self.turn.position.to_play == BLACK else -1
            fixed["ownership"] = [round(float(self.sign * mover * v) + 0.0, 4) for v in result.ownership]
        return {
            "id": self.query.id,
            "isDuringSearch": during,
            "turnNumber": self.turn.number,
            "moveInfos": [self._move(line) for line in searched_lines(result, MOST_SHOWN)],
            "rootInfo": self._root_info(root, result.visits),
            **fixed,
        }

    def _numbers(self, line: Line | SearchedLine) -> dict[str, float]:
        """Win rate, its lower bound and the lead, as the query wants to see them."""
        rate, bound = line.rates
        lead = line.lead or 0.0
        if self.flipped:
            rate, bound, lead = 1 - rate, 1 - bound, -lead
        return {
            "winrate": round(rate, 6),
            "lcb": round(bound, 6),
            "utility": round(2 * rate - 1, 6),
            "utilityLcb": round(2 * bound - 1, 6),
            "scoreLead": round(lead + 0.0, 4),
            "scoreSelfplay": round(lead + 0.0, 4),
        }

    def _move(self, line: Line | SearchedLine) -> dict[str, Any]:
        numbers = self._numbers(line)
        pv = [to_vertex(move, line.size) for move in line.variation]
        info: dict[str, Any] = {
            "move": pv[0],
            "visits": line.visits if isinstance(line, SearchedLine) else _visits(line.candidate),
            **numbers,
            "scoreMean": numbers["scoreLead"],
            "prior": round(line.prior, 8),
            "order": line.order,
            "pv": pv,
        }
        if self.query.pv_visits:
            info["pvVisits"] = [info["visits"], *[1] * (len(pv) - 1)]
        if self.query.moves_ownership:
            after = self.turn.position.copy()
            after.play(line.move)
            info["ownership"] = self._ownership(after, MOVE_OWNERSHIP_GAMES)
        return info

    def _root(self, lines: Sequence[Line]) -> dict[str, Any]:
        numbers = self._numbers(lines[0]) if lines else {}
        return self._root_info(numbers, max(1, sum(_visits(line.candidate) for line in lines)))

    def _root_info(self, numbers: dict[str, float], visits: int) -> dict[str, Any]:
        position = self.turn.position
        numbers.pop("utilityLcb", None)
        return {
            **numbers,
            "visits": visits,
            "currentPlayer": "B" if position.to_play == BLACK else "W",
            "thisHash": _hash(position.board, position),
            "symHash": min(_hash(transform(position.board, s), position) for s in range(SYMMETRIES)),
        }

    def _ownership(self, position: Position, games: int) -> list[float]:
        owned = play_out(position.state, position.to_play, games).ownership
        return [round(float(self.sign * value) + 0.0, 4) for value in owned]


def policy_with_pass(policy: MovePolicy, position: Position) -> list[float]:
    """The net's probabilities of the legal points, row by row, -1 for the others; then that of a pass, always 0."""
    raw = policy.probabilities(position.features()[None])[0].astype(np.float64)
    legal = position.legal_moves()
    total = raw[legal].sum() or 1.0
    points = np.where(legal, raw / total, -1.0)
    return [round(float(p), 8) for p in points] + [0.0 if legal.any() else 1.0]


def _visits(candidate: Candidate) -> int:
    """The games played out after a move, and at least the net's one look at it."""
    return max(1, candidate.rollouts.games) if candidate.rollouts else 1


def _hash(board: np.ndarray, position: Position) -> str:
    """32 hexadecimal digits for stones, player to move and ko."""
    ko = b"" if position.ko is None else bytes([1])
    digest = hashlib.md5(np.ascontiguousarray(board).tobytes() + bytes([position.to_play]) + ko, usedforsecurity=False)
    return digest.hexdigest().upper()
