"""One game between two GTP engines, with a referee who knows the rules and trusts neither.

The referee allows what simple ko and the ban on suicide allow. An engine loses the game where it crashes, exceeds the
time limit or its main time, plays a move that is illegal or cannot be read, or refuses a legal move of its opponent.
With a main time engines that know the commands are told of it by `time_settings`, and before each move by `time_left`.

Two passes end the game. It is scored by area, after dead stones are taken off: those that both engines list as dead
(`final_status_list dead`); an engine that does not know the command goes along with the other, and where neither does,
no stone is dead. Where the lists differ, the game is marked as disputed. A third engine may be the judge instead: then
its `final_score` decides.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from casecnn.checks import positive, whole, within
from casecnn.errors import InputError, UsageError
from casecnn.go.board.coordinates import from_vertex, to_vertex
from casecnn.go.board.handicap import fixed_handicap, most_stones
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, GameRecord, pack, unpack
from casecnn.go.board.state import BLACK, EMPTY, MAX_SIZE, MIN_SIZE, WHITE
from casecnn.go.matches.client import EngineFailure, EngineGone, EngineRefused, EngineSilent, GtpClient
from casecnn.go.position import IllegalMove, Position

SETUP_LIMIT = 300.0
"""Seconds for everything but moves: an engine may have to load or compile first, and scoring may take long."""

LETTERS = {BLACK: "B", WHITE: "W"}
CRASH, TIME_OUT, ILLEGAL, REFUSED = "crash", "time-out", "illegal move", "refused move"
FAILURES = (CRASH, TIME_OUT, ILLEGAL, REFUSED)


@dataclass(frozen=True)
class Terms:
    """What a game is played on. Raises `UsageError` for values that make no sense."""

    size: int = 19
    komi: float = 7.5
    move_time_limit: float = 60.0  # seconds for one move
    max_moves: int | None = None  # of the engines, passes included; None: three times the points of the board
    handicap: int = 0  # black stones on the places that GTP gives them
    main_time: int | None = None  # seconds of a player for the whole game; None: no limit

    def __post_init__(self) -> None:
        whole("size", self.size, MIN_SIZE, MAX_SIZE)
        within("komi", self.komi, -1000, 1000, closed=True)
        positive("move_time_limit", within("move_time_limit", self.move_time_limit, 0, 86_400, closed=True))
        if self.max_moves is not None:
            whole("max_moves", self.max_moves, 1, 10_000)
        if self.main_time is not None:
            whole("main_time", self.main_time, 1, 86_400)
        if self.handicap:
            whole("handicap", self.handicap, 2, 9)
            if fixed_handicap(self.handicap, self.size) is None:
                most = most_stones(self.size)
                rule = f"from 2 to {most}" if most else "0"
                raise UsageError(f"`handicap` (={self.handicap}) must be {rule} on {self.size}x{self.size}")

    def start(self) -> tuple[int, ...]:
        """The events before the first move: the handicap, after which White is to play."""
        stones = fixed_handicap(self.handicap, self.size) or []
        return (*(pack(SETUP, BLACK, move) for move in stones), *([pack(TO_PLAY, WHITE)] if stones else []))


@dataclass(eq=False)
class MatchGame:
    """How a game went.

    `start` holds the events before the engines' first move, `events` their own; `opening` names where the start is
    from. `ended` is "passes", "resignation", "move limit", or one of `FAILURES`. `seconds`, `moves` and `slowest` are
    by colour and count answers to genmove.
    """

    start: tuple[int, ...] = ()
    opening: str = ""
    events: list[int] = field(default_factory=list)
    winner: int = 0  # 0 draw, 1 black, 2 white
    score: float | None = None  # black minus white minus komi, where the game was scored
    ended: str = ""
    reason: str = ""  # what an engine did wrong, in words
    disputed: bool = False
    seconds: dict[int, float] = field(default_factory=lambda: {BLACK: 0.0, WHITE: 0.0})
    moves: dict[int, int] = field(default_factory=lambda: {BLACK: 0, WHITE: 0})
    slowest: dict[int, float] = field(default_factory=lambda: {BLACK: 0.0, WHITE: 0.0})

    @property
    def result(self) -> str:
        """As in SGF: "B+3.5", "W+R", "B+T" on time, "B+F" by another failure, "0" for a draw."""
        if not self.winner:
            return "0"
        how = {"resignation": "R", TIME_OUT: "T"}.get(self.ended, "F")
        return f"{LETTERS[self.winner]}+{how if self.score is None else f'{abs(self.score):g}'}"

    def record(self, terms: Terms, black: str, white: str) -> GameRecord:
        """The game as a record, with the players' names."""
        events = np.array([*self.start, *self.events], np.uint16)
        rest = (terms.handicap, self.result, self.winner, "Chinese", black, white)
        return GameRecord(terms.size, events, terms.komi, *rest)


def set_up(engine: GtpClient, terms: Terms, start: Sequence[int] = ()) -> None:
    """Give an engine the board on which a game starts.

    Raises `InputError` where it refuses the size, the komi or the handicap, and what `GtpClient.ask` raises otherwise.
    """
    commands = [f"boardsize {terms.size}", "clear_board", f"komi {terms.komi:g}"]
    if terms.handicap:
        commands.append(f"fixed_handicap {terms.handicap}")
    for command in commands:
        try:
            engine.ask(command, SETUP_LIMIT)
        except EngineRefused as error:
            raise InputError(f"the engine '{engine.line}' refuses '{command}': {error}") from error
    if not terms.handicap:
        _tell(engine, start, terms.size)
    if terms.main_time is not None:
        with suppress(EngineRefused):  # the clock runs all the same
            engine.ask(f"time_settings {terms.main_time} 0 0", SETUP_LIMIT)


def play_game(
    black: GtpClient, white: GtpClient, terms: Terms, judge: GtpClient | None = None, game: MatchGame | None = None
) -> MatchGame:
    """Play one game from its start to its end, after `set_up`; all goes into `game`, which knows the start.

    Raises `InputError` where the judge fails, nothing for the players.
    """
    game = game or MatchGame()
    position = Position(terms.size, terms.komi)
    position.apply(game.start)
    engines = {BLACK: black, WHITE: white}
    limit = terms.max_moves or 3 * terms.size * terms.size
    while position.passes < 2 and len(game.events) < limit:
        colour = position.to_play
        move = _answer(engines[colour], colour, terms, game)
        if move is None:
            return game
        try:
            position.play(move, colour)
        except IllegalMove as error:
            return _lost(game, colour, ILLEGAL, str(error))
        game.events.append(pack(PLAY, colour, move))
        try:
            engines[3 - colour].ask(f"play {LETTERS[colour]} {to_vertex(move, terms.size)}", SETUP_LIMIT)
        except EngineFailure as error:
            return _lost(game, 3 - colour, _kind(error), str(error))
    game.ended = "passes" if position.passes >= 2 else "move limit"
    if judge is not None:
        game.score = _score_by_judge(judge, game, terms)
    else:
        _score(game, position, engines)
    if game.score is not None:
        game.winner = BLACK if game.score > 0 else WHITE if game.score < 0 else 0
    return game


def _tell(engine: GtpClient, events: Sequence[int], size: int) -> None:
    """Tell an engine what happened; stones that are set up are played one after the other."""
    for event in events:
        kind, colour, move = unpack(event)
        if kind != TO_PLAY:
            engine.ask(f"play {LETTERS[colour]} {to_vertex(move, size)}", SETUP_LIMIT)


def _answer(engine: GtpClient, colour: int, terms: Terms, game: MatchGame) -> int | None:
    """The move that an engine gives; None where the game is over by resignation or failure."""
    limit = terms.move_time_limit
    begin = time.perf_counter()
    try:
        if terms.main_time is not None:
            left = max(0.0, terms.main_time - game.seconds[colour])
            limit = min(limit, left)
            with suppress(EngineRefused):
                engine.ask(f"time_left {LETTERS[colour]} {int(left)} 0", SETUP_LIMIT)
            begin = time.perf_counter()
        text = engine.ask(f"genmove {LETTERS[colour]}", limit)
    except EngineFailure as error:
        kind = ILLEGAL if isinstance(error, EngineRefused) else _kind(error)
        _lost(game, colour, kind, str(error))
        return None
    took = time.perf_counter() - begin
    game.seconds[colour] += took
    game.moves[colour] += 1
    game.slowest[colour] = max(game.slowest[colour], took)
    if text.strip().lower() == "resign":
        game.ended, game.winner = "resignation", 3 - colour
        return None
    try:
        return from_vertex(text, terms.size)
    except InputError:
        _lost(game, colour, ILLEGAL, f"the answer to genmove (={text[:40]!r}) is no move")
        return None


def _kind(error: EngineFailure) -> str:
    kinds: dict[type[EngineFailure], str] = {EngineGone: CRASH, EngineSilent: TIME_OUT, EngineRefused: REFUSED}
    return kinds[type(error)]


def _lost(game: MatchGame, colour: int, kind: str, reason: str) -> MatchGame:
    game.ended, game.winner, game.reason = kind, 3 - colour, reason
    return game


def _score(game: MatchGame, position: Position, engines: dict[int, GtpClient]) -> None:
    """Score by area without the stones that both engines call dead. An engine that fails at this loses the game."""
    lists: list[set[int]] = []
    for colour, engine in engines.items():
        try:
            if engine.supports("final_status_list", SETUP_LIMIT):
                lists.append(_vertices(engine.ask("final_status_list dead", SETUP_LIMIT), position.size))
        except EngineRefused:
            continue
        except EngineFailure as error:
            _lost(game, colour, _kind(error), f"at the count: {error}")
            return
        except InputError as error:
            _lost(game, colour, REFUSED, f"at the count: {error}")
            return
    stones = set(np.flatnonzero(position.board).tolist())
    dead = set.intersection(*lists) & stones if lists else set()
    game.disputed = len(lists) == 2 and lists[0] & stones != lists[1] & stones
    for move in dead:
        position.set_stone(move, EMPTY)
    game.score = position.score()


def _vertices(text: str, size: int) -> set[int]:
    return {from_vertex(word, size) for word in text.split()}


def _score_by_judge(judge: GtpClient, game: MatchGame, terms: Terms) -> float:
    """The judge's final score of the game, positive for Black."""
    try:
        set_up(judge, terms, game.start)
        _tell(judge, game.events, terms.size)
        text = judge.ask("final_score", SETUP_LIMIT).strip()
    except EngineFailure as error:
        raise InputError(f"the judge '{judge.line}' fails: {error}") from error
    if text.upper() in ("0", "DRAW", "JIGO"):
        return 0.0
    found = re.match(r"([BW])\+([0-9]+(?:\.[0-9]+)?)", text.upper())
    if not found:
        raise InputError(f"the judge '{judge.line}' gives a score (={text[:40]!r}) that is none, such as B+3.5")
    return float(found[2]) * (1 if found[1] == "B" else -1)
