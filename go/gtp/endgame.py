"""The end of the game: final_score, final_status_list and final_status."""

from __future__ import annotations

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.regions import chains
from casecnn.go.board.state import BLACK, EMPTY, WHITE
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import VERTEX, WORD, GtpError
from casecnn.go.search.dead_stones import Ending, estimate_ending
from casecnn.go.search.scoring import score, score_as_text

STATUSES = ("alive", "dead", "seki", "white_territory", "black_territory", "dame")


class Endgame:
    """The commands of this module for an engine.

    The ending is worked out once a position, as referees ask for several of its aspects.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._known: tuple[tuple[float, ...], Ending] | None = None

    def handlers(self) -> dict[str, Handler]:
        """The table of commands."""
        return {
            "final_score": Handler(self.final_score),
            "final_status_list": Handler(self.final_status_list, (WORD,)),
            "final_status": Handler(self.final_status, (VERTEX,)),
            "clear_cache": Handler(self.clear_cache),
        }

    def clear_cache(self) -> str:
        """Forget what was worked out about the position."""
        self._known = None
        self.engine.player.searcher.forget()
        return ""

    def ending(self) -> Ending:
        """The end of the game as it stands."""
        engine = self.engine
        key = (engine.size, *engine.events)
        if self._known is None or self._known[0] != key:
            self._known = key, estimate_ending(engine.position, policy=engine.player.policy)
        return self._known[1]

    def final_score(self) -> str:
        """The score by the rules of the game, with the dead stones taken off: B+3.5, W+0.5 or 0."""
        engine = self.engine
        return score_as_text(score(engine.position, self.ending(), engine.rules, engine.handicap))

    def final_status_list(self, status: str) -> str:
        """The stones that are alive, dead or in seki, a line a chain; or the points of dame or of a territory."""
        if status not in STATUSES:
            raise GtpError("syntax error: the status must be alive, dead or seki")
        size = self.engine.size
        if status in ("alive", "dead", "seki"):
            board = self.engine.position.board.reshape(-1)
            groups = [chain for chain in chains(board, size) if self._status(chain[0]) == status]
            return "\n".join(" ".join(to_vertex(move, size) for move in sorted(chain)) for chain in groups)
        return " ".join(to_vertex(move, size) for move in range(size * size) if self._owner(move) == status)

    def final_status(self, move: int) -> str:
        """The status of a point: alive, dead, seki, white_territory, black_territory or dame."""
        if move == self.engine.size**2:
            raise GtpError("syntax error: a pass has no status")
        return self._status(move) if self.engine.position.board.flat[move] else self._owner(move)

    def _status(self, move: int) -> str:
        ending = self.ending()
        return "dead" if ending.dead[move] else "seki" if ending.seki[move] else "alive"

    def _owner(self, move: int) -> str:
        """Whose territory a point is; the empty text for a stone that is not dead."""
        ending = self.ending()
        board = self.engine.position.board.reshape(-1)
        if board[move] != EMPTY and not ending.dead[move]:
            return ""
        return {EMPTY: "dame", BLACK: "black_territory", WHITE: "white_territory"}[int(ending.owner[move])]
