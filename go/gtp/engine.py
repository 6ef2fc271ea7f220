"""A Go engine with the policy net: the game in progress, and the GTP commands that play it.

Arguments come typed from `casecnn.go.gtp.protocol`, moves from `casecnn.go.players.player`. The other commands stand in
files of their own, by what they are about; `casecnn.go.gtp.commands` joins the tables. Errors use the words of GTP
version 2 draft 2 first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from casecnn import __version__
from casecnn.errors import CasecnnError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import DEFAULT_KOMI, PLAY, SETUP, TO_PLAY, GameRecord, pack, unpack
from casecnn.go.board.rulesets import DEFAULT, Ruleset
from casecnn.go.board.sizes import oblong
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.gtp.clock import Clock
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.protocol import COLOUR, NUMBER, VERTEX, WHOLE, GtpError, Parameter
from casecnn.go.net.board_sizes import NetsBySize
from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.picture.text_board import text_board
from casecnn.go.players.player import PolicyPlayer
from casecnn.go.players.settings import Settings
from casecnn.go.position import IllegalMove, Position
from casecnn.go.search.dead_stones import games_for
from casecnn.go.search.random_play import play_out

SIZES = Parameter("number", WHOLE.read, optional=True, many=True)
RESIGN_TURNS = 3  # turns in a row that a game must be hopeless


class Engine:
    """The game in progress, and a player for it. Every method named like a GTP command is that command.

    `position` is the board, `events` the game so far as in `casecnn.go.board.record`, `rules` what it is played by.
    The methods raise `GtpError`. `resize(size)` gives the net for a board of another size, as
    `casecnn.go.net.board_sizes.policy_for` does; without it there is only the net's own.

    >>> from casecnn.go import load_policy
    >>> engine = Engine(load_policy())
    >>> engine.play(1, 72)
    ''
    >>> engine.undo()
    ''
    """

    def __init__(
        self,
        policy: MovePolicy,
        settings: Settings | None = None,
        resize: Callable[[int], MovePolicy] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._nets = NetsBySize(policy, resize)
        self.player = PolicyPlayer(policy, self.settings)
        self.size = policy.size
        self.komi = DEFAULT_KOMI
        self.rules = DEFAULT
        self.handicap = 0
        self.events: list[int] = []
        self.position = self.empty_board()
        self.clock = Clock()
        self._hopeless = 0

    def handlers(self) -> dict[str, Handler]:
        """The commands of this class, for `casecnn.go.gtp.commands`."""
        return {
            "name": Handler(lambda: "casecnn"),
            "version": Handler(lambda: f"{__version__} {self.player.policy.name}"),
            "boardsize": Handler(self.boardsize, (WHOLE, SIZES)),
            "rectangular_boardsize": Handler(self.boardsize, (WHOLE, SIZES)),
            "clear_board": Handler(self.clear_board),
            "komi": Handler(self.set_komi, (NUMBER,)),
            "get_komi": Handler(lambda: f"{self.komi:g}"),
            "play": Handler(self.play, (COLOUR, VERTEX)),
            "is_legal": Handler(self.is_legal, (COLOUR, VERTEX)),
            "undo": Handler(self.undo),
            "gg-undo": Handler(self.undo, (Parameter("moves", WHOLE.read, optional=True),)),
            "genmove": Handler(self.genmove, (COLOUR,)),
            "reg_genmove": Handler(self.reg_genmove, (COLOUR,)),
            "kgs-genmove_cleanup": Handler(self.genmove_cleanup, (COLOUR,)),
            "kgs-game_over": Handler(lambda: ""),
            "showboard": Handler(self.showboard),
            "cputime": Handler(lambda: f"{time.process_time():.3f}"),
        }

    # The game

    def boardsize(self, size: int, others: list[int] | None = None) -> str:
        """Start an empty board of a size, with the net for it. A second number must be the same as the first."""
        if others and len(others) > 1:
            raise GtpError(f"syntax error: boardsize takes one number, or two, not {1 + len(others)}")
        if others and (problem := oblong(size, others[0])):
            raise GtpError(f"unacceptable size: {problem}")
        try:
            self.take_net(size)
        except CasecnnError as error:
            raise GtpError(f"unacceptable size: {error}") from error
        return self.clear_board()

    def take_net(self, size: int) -> None:
        """Go on with the net for a size; raises `CasecnnError` where there is none."""
        self.player.policy = self._nets.of(size)
        self.size = size

    def clear_board(self) -> str:
        """Start a new game. Komi, rules and time settings stay."""
        self.begin(self.empty_board(), [])
        return ""

    def begin(self, position: Position, events: Iterable[int], handicap: int = 0) -> None:
        """Go on from a position that was reached by `events`."""
        self.position = position
        self.events = list(events)
        self.handicap = handicap
        self.clock.start()
        self._hopeless = 0

    def empty_board(self) -> Position:
        """An empty board with the komi and the rules of the game."""
        return Position(self.size, self.komi, self.superko(), self.rules.suicide)

    def superko(self) -> bool | str:
        """What the opponent's moves are held to: the rules' superko, or positional superko if the settings want it."""
        return self.rules.superko or self.settings.superko

    def take_rules(self, rules: Ruleset) -> None:
        """Go on by other rules; the moves so far stay as they are."""
        self.rules = rules
        self.position.superko, self.position.suicide = self.superko(), rules.suicide

    def configure(self, **changes: Any) -> None:
        """Change settings; raises `UsageError` for a value out of range."""
        self.settings = self.player.settings = replace(self.settings, **changes)

    def set_komi(self, komi: float) -> str:
        """Set komi, in points for White."""
        self.komi = self.position.komi = komi
        return ""

    def play(self, colour: int, move: int) -> str:
        """Play the opponent's move, or any other; two in a row of one colour are as good."""
        try:
            self.position.play(move, colour)
        except IllegalMove as error:
            raise GtpError("illegal move") from error
        self.events.append(pack(PLAY, colour, move))
        return ""

    def is_legal(self, colour: int, move: int) -> str:
        """1 if a colour may play a move, else 0."""
        return "1" if self.position.is_legal(move, colour) else "0"

    def set_stone(self, move: int, colour: int) -> None:
        """Put a stone on the board outside of the rules, or take one off with colour 0."""
        self.position.set_stone(move, colour)
        self.events.append(pack(SETUP, colour, move))

    def set_to_play(self, colour: int) -> None:
        """Say whose turn it is."""
        self.position.set_to_play(colour)
        self.events.append(pack(TO_PLAY, colour))

    def undo(self, moves: int = 1) -> str:
        """Take back moves. Handicap stones stay."""
        if moves > self.position.move_number:
            raise GtpError("cannot undo")
        for _ in range(moves):
            self.position.undo()
            while unpack(self.events.pop()).kind != PLAY:
                pass
        self._hopeless = 0
        return ""

    def record(self) -> GameRecord:
        """The game so far."""
        events = np.array(self.events, np.uint16)
        name = "" if self.rules.name == DEFAULT.name else self.rules.name
        return GameRecord(self.size, events, self.komi, self.handicap, rules=name)

    # Moves of the engine

    def genmove(self, colour: int, avoid: Collection[int] = ()) -> str:
        """Choose a move, none of `avoid`, and play it; or resign, if that is wanted."""
        if self._gives_up(colour):
            return "resign"
        return self._play_own(colour, avoid=avoid)

    def reg_genmove(self, colour: int) -> str:
        """Choose the best move, at temperature 0, and do not play it."""
        move = self.player.choose(self.seen_by(colour), temperature=0.0, seconds=self.seconds_for(colour))
        return to_vertex(move, self.size)

    def genmove_cleanup(self, colour: int) -> str:
        """As genmove, but no pass while dead stones of the opponent can be taken."""
        return self._play_own(colour, cleanup=True)

    def seconds_for(self, colour: int) -> float:
        """The time for the rollouts or the search of a move: of the settings, or a share of what is on the clock.

        Infinite where nothing limits a search.
        """
        own_moves_left = max(20, (3 * self.size**2 // 4 - self.position.move_number) // 2)
        most = self.settings.seconds
        if self.settings.move_time is None and self.player.can_search:
            most = math.inf
        return min(most, self.clock.seconds_for_move(colour, own_moves_left))

    def seen_by(self, colour: int) -> Position:
        """The position with `colour` to play, as a copy."""
        position = self.position.copy()
        position.set_to_play(colour)
        return position

    def _play_own(self, colour: int, **how: Any) -> str:
        with self.clock.running(colour):
            move = self.player.choose(self.seen_by(colour), seconds=self.seconds_for(colour), **how)
        self.play(colour, move)
        if self.settings.ponder and self.player.searcher.last is not None:
            self.player.searcher.of(self.player.policy, self.settings).ponder(self.position)
        return to_vertex(move, self.size)

    def _gives_up(self, colour: int) -> bool:
        """Whether to resign: in the second half of the game, behind by more than the threshold three turns in a row."""
        limit = self.settings.resign
        if limit is None or self.position.move_number < self.size**2 // 2:
            return False
        score = play_out(self.position.state, colour, games_for(self.position.board)).score - self.komi
        self._hopeless = self._hopeless + 1 if (score if colour == BLACK else -score) < -limit else 0
        return self._hopeless >= RESIGN_TURNS

    def showboard(self) -> str:
        """The board, who is to play, and the prisoners."""
        position = self.position
        last = position.moves[-1][1] if position.moves and position.moves[-1][1] < self.size**2 else None
        taken = position.captured
        return "\n".join(
            (
                "",
                text_board(position.board, last_move=last),
                f"{'Black' if position.to_play == BLACK else 'White'} to play, {position.move_number} moves, "
                f"komi {self.komi:g}",
                f"Black (X) has taken {taken[WHITE]}, White (O) {taken[BLACK]}",
            )
        )
