"""A Go engine with the policy net: the game in progress and what each GTP command does with it.

Handlers are thin: arguments come typed from `casecnn.go.gtp.protocol`, moves from `casecnn.go.gtp.player`, statuses and
scores from `casecnn.go.search.dead_stones`. Commands that show what the net thinks are in `casecnn.go.gtp.analyze`.
Errors use the words of GTP version 2 draft 2 first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

import numpy as np

from casecnn import __version__
from casecnn.errors import CasecnnError, InputError
from casecnn.files import atomic_write
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.handicap import fixed_handicap, most_stones
from casecnn.go.board.record import PLAY, SETUP, TO_PLAY, GameRecord, is_play, pack, unpack
from casecnn.go.board.state import BLACK, EMPTY, WHITE
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.player import Player, Settings
from casecnn.go.gtp.protocol import COLOUR, NUMBER, VERTEX, WHOLE, WORD, WORDS, GtpError, Parameter
from casecnn.go.picture.text_board import text_board
from casecnn.go.play.selfplay import Player as Net
from casecnn.go.position import IllegalMove, Position
from casecnn.go.search.dead_stones import Ending, chains, games_for, judge
from casecnn.go.search.random_play import play_out
from casecnn.go.sgf.game import check_whole, read_game
from casecnn.go.sgf.writer import record_sgf

DEFAULT_KOMI = 7.5
RESIGN_TURNS = 3  # turns in a row that a game must be hopeless
SHARE_OF_TIME = 0.7  # of what there is for a move: the controller's clock goes on while the move is on its way
_MANY_VERTICES = Parameter("vertex", VERTEX.read, many=True)
_FILE = Parameter("file", WORD.read, optional=True)


class Engine:
    """The game in progress, and a player for it. Every method named like a GTP command is that command.

    `position` is the board, `events` the game so far as in `casecnn.go.board.record`. The methods raise `GtpError`.
    `resize(size)` gives the net for a board of another size, as `casecnn.go.net.board_sizes.policy_for` does; without
    it there is only the net's own.

    >>> from casecnn.go import load_policy
    >>> engine = Engine(load_policy())
    >>> engine.play(1, 72)
    ''
    >>> engine.undo()
    ''
    """

    def __init__(
        self, policy: Net, settings: Settings | None = None, resize: Callable[[int], Net] | None = None
    ) -> None:
        self.settings = settings or Settings()
        self._nets = {policy.size: policy}
        self._resize = resize
        self.player = Player(policy, self.settings)
        self.size = policy.size
        self.komi = DEFAULT_KOMI
        self.handicap = 0
        self.events: list[int] = []
        self.position = self._empty_board()
        self.clock: dict[int, tuple[int, int]] = {}  # by colour: seconds left, and for how many moves (0: all)
        self._hopeless = 0
        self._ending: tuple[tuple[float, ...], Ending] | None = None

    def handlers(self) -> dict[str, Handler]:
        """The table of commands, for a `casecnn.go.gtp.dispatch.Dispatcher`."""
        return {
            "name": Handler(lambda: "casecnn"),
            "version": Handler(lambda: f"{__version__} {self.player.policy.name}"),
            "boardsize": Handler(self.boardsize, (WHOLE,)),
            "clear_board": Handler(self.clear_board),
            "komi": Handler(self.set_komi, (NUMBER,)),
            "fixed_handicap": Handler(self.fixed_handicap, (WHOLE,)),
            "place_free_handicap": Handler(self.place_free_handicap, (WHOLE,)),
            "set_free_handicap": Handler(self.set_free_handicap, (_MANY_VERTICES,)),
            "play": Handler(self.play, (COLOUR, VERTEX)),
            "gogui-play_sequence": Handler(self.play_sequence, (WORDS,)),
            "genmove": Handler(self.genmove, (COLOUR,)),
            "reg_genmove": Handler(self.reg_genmove, (COLOUR,)),
            "kgs-genmove_cleanup": Handler(self.genmove_cleanup, (COLOUR,)),
            "undo": Handler(self.undo),
            "gg-undo": Handler(self.undo, (Parameter("moves", WHOLE.read, optional=True),)),
            "loadsgf": Handler(self.loadsgf, (Parameter("file", WORD.read, many=True),)),
            "printsgf": Handler(self.printsgf, (_FILE,)),
            "showboard": Handler(self.showboard),
            "final_score": Handler(self.final_score),
            "final_status_list": Handler(self.final_status_list, (WORD,)),
            "time_settings": Handler(self.time_settings, (WHOLE, WHOLE, WHOLE)),
            "time_left": Handler(self.time_left, (COLOUR, WHOLE, WHOLE)),
            "kgs-time_settings": Handler(self.kgs_time_settings, (WORD, WORDS)),
            "kgs-game_over": Handler(lambda: ""),
        }

    # The game

    def boardsize(self, size: int) -> str:
        """Start an empty board of a size, with the net for it."""
        try:
            self._take_net(size)
        except CasecnnError as error:
            raise GtpError(f"unacceptable size: {error}") from error
        return self.clear_board()

    def _take_net(self, size: int) -> None:
        """Go on with the net for a size; raises `CasecnnError` where there is none."""
        if size not in self._nets:
            if self._resize is None:
                raise InputError(f"the net {self.player.policy.name} plays on {self.size}x{self.size}")
            self._nets[size] = self._resize(size)
        self.size = size
        self.player.policy = self._nets[size]

    def clear_board(self) -> str:
        """Start a new game. Komi stays."""
        self.position = self._empty_board()
        self.events = []
        self.handicap = 0
        self.clock = {}
        self._hopeless = 0
        return ""

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

    def play_sequence(self, words: list[str]) -> str:
        """Play several moves, colour and vertex in turn; all of them or, if one is illegal, none."""
        if len(words) % 2:
            raise GtpError("syntax error: gogui-play_sequence takes pairs of a colour and a vertex")
        try:
            moves = [
                (COLOUR.read(colour, self.size), VERTEX.read(vertex, self.size))
                for colour, vertex in zip(words[::2], words[1::2], strict=True)
            ]
        except (ValueError, CasecnnError) as error:
            raise GtpError(f"syntax error: {error}") from error
        for done, (colour, move) in enumerate(moves):
            try:
                self.play(colour, move)
            except GtpError:
                if done:
                    self.undo(done)
                raise
        return ""

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

    # Moves of the engine

    def genmove(self, colour: int, avoid: Collection[int] = ()) -> str:
        """Choose a move, none of `avoid`, and play it; or resign, if that is wanted."""
        if self._gives_up(colour):
            return "resign"
        position, seconds = self.seen_by(colour), self.seconds_for(colour)
        return self._play_own(colour, self.player.choose(position, avoid=avoid, seconds=seconds))

    def reg_genmove(self, colour: int) -> str:
        """Choose the best move, at temperature 0, and do not play it."""
        position, seconds = self.seen_by(colour), self.seconds_for(colour)
        return to_vertex(self.player.choose(position, temperature=0.0, seconds=seconds), self.size)

    def genmove_cleanup(self, colour: int) -> str:
        """As genmove, but no pass while dead stones of the opponent can be taken."""
        position, seconds = self.seen_by(colour), self.seconds_for(colour)
        return self._play_own(colour, self.player.choose(position, cleanup=True, seconds=seconds))

    def seconds_for(self, colour: int) -> float:
        """The time for the rollouts of a move: that of the settings, or a share of what is left on the clock."""
        limit = self.settings.move_time
        if colour in self.clock:
            left, moves = self.clock[colour]
            still = max(20, (3 * self.size**2 // 4 - self.position.move_number) // 2)  # own moves to the end, about
            limit = min(limit, SHARE_OF_TIME * left / (moves or still))
        return limit

    def seen_by(self, colour: int) -> Position:
        """The position with `colour` to play, as a copy."""
        position = self.position.copy()
        position.set_to_play(colour)
        return position

    def _play_own(self, colour: int, move: int) -> str:
        self.play(colour, move)
        return to_vertex(move, self.size)

    def _gives_up(self, colour: int) -> bool:
        """Whether to resign: in the second half of the game, behind by more than the threshold three turns in a row."""
        limit = self.settings.resign
        if limit is None or self.position.move_number < self.size**2 // 2:
            return False
        score = play_out(self.position.state, colour, games_for(self.position.board)).score - self.komi
        self._hopeless = self._hopeless + 1 if (score if colour == BLACK else -score) < -limit else 0
        return self._hopeless >= RESIGN_TURNS

    # Handicap

    def fixed_handicap(self, stones: int) -> str:
        """Place handicap stones where GTP says, and tell where."""
        self._need_empty_board()
        moves = fixed_handicap(stones, self.size)
        if moves is None:
            raise GtpError(f"invalid number of stones: from 2 to {most_stones(self.size)} have a fixed place")
        return self._place(moves)

    def place_free_handicap(self, stones: int) -> str:
        """Choose where handicap stones stand, and tell where: the fixed places first, the others by the net."""
        self._need_empty_board()
        if not 2 <= stones < self.size**2:
            raise GtpError(f"invalid number of stones: it must be from 2 to {self.size**2 - 1}")
        moves = fixed_handicap(min(stones, most_stones(self.size)), self.size) or []
        if len(moves) < stones:
            board = self._empty_board()
            for move in moves:
                board.set_stone(move, BLACK)
            priors = self.player.raw(board) * (board.board.reshape(-1) == EMPTY)
            moves += [int(move) for move in np.argsort(-priors, kind="stable")[: stones - len(moves)]]
        return self._place(moves)

    def set_free_handicap(self, moves: list[int]) -> str:
        """Place handicap stones where the controller says."""
        self._need_empty_board()
        if not 2 <= len(moves) < self.size**2 or len(set(moves)) < len(moves) or self.size**2 in moves:
            raise GtpError("bad vertex list: it must have at least two points, none twice, and no pass")
        self._place(moves)
        return ""

    def _need_empty_board(self) -> None:
        if self.position.board.any():
            raise GtpError("board not empty")

    def _place(self, moves: list[int]) -> str:
        self.clear_board()
        for move in moves:
            self.position.set_stone(move, BLACK)
        self.position.set_to_play(WHITE)
        self.events = [*(pack(SETUP, BLACK, move) for move in moves), pack(TO_PLAY, WHITE)]
        self.handicap = len(moves)
        return " ".join(to_vertex(move, self.size) for move in moves)

    def _empty_board(self) -> Position:
        return Position(self.size, self.komi, superko=self.settings.superko)

    # Files

    def loadsgf(self, words: list[str]) -> str:
        """Load a game up to the position before a move number, the first being 1; without a number all of it.

        Komi is taken over. A name with spaces is put together again.
        """
        number = None
        if len(words) > 1 and words[-1].isascii() and words[-1].isdigit():
            number = int(words.pop()[:9])
        name = " ".join(words)
        if name == "-":
            raise GtpError("cannot load file: the standard input is taken by the controller")
        if os.path.isdir(name):
            raise GtpError(f"cannot load file: '{name}' is a folder")
        try:
            record = read_game(name)
            if number is None or number - 1 > len(record):
                check_whole(record)
            moves = len(record) if number is None else min(max(number - 1, 0), len(record))
            position = Position.from_record(record, moves)
            try:
                self._take_net(record.size)
            except CasecnnError as error:
                raise InputError(f"a game on {record.size}x{record.size}, {error}") from error
        except CasecnnError as error:
            raise GtpError(f"cannot load file: {error}") from error
        self.clear_board()
        self.position = position
        self.position.superko = self.position.superko or self.settings.superko
        self.komi = record.komi
        self.handicap = record.handicap
        played = np.flatnonzero(is_play(record.events))
        self.events = record.events[: played[moves] if moves < len(played) else None].tolist()
        return ""

    def printsgf(self, file: str = "") -> str:
        """The game so far as SGF, or written to a file."""
        text = record_sgf(GameRecord(self.size, np.array(self.events, np.uint16), self.komi, self.handicap))
        if not file:
            return text.decode("utf-8")
        try:
            with atomic_write(file) as stream:
                stream.write(text)
        except (CasecnnError, OSError) as error:
            raise GtpError(f"cannot save file: {error}") from error
        return ""

    # What to know about the game

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

    def ending(self) -> Ending:
        """The end of the game as it stands; worked out once a position, as referees ask for several of its aspects."""
        key = (self.size, self.komi, *self.events)
        if self._ending is None or self._ending[0] != key:
            self._ending = key, judge(self.position, policy=self.player.policy)
        return self._ending[1]

    def final_score(self) -> str:
        """The area score with the dead stones taken off: B+3.5, W+0.5 or 0."""
        score = self.ending().score
        return "0" if score == 0 else f"{'B' if score > 0 else 'W'}+{abs(score):.12g}"

    def final_status_list(self, status: str) -> str:
        """The stones that are alive or dead, a line a chain; or the points of dame, white_territory, black_territory.

        No stone is ever said to be in seki.
        """
        if status not in ("alive", "dead", "seki", "dame", "white_territory", "black_territory"):
            raise GtpError("syntax error: the status must be alive, dead or seki")
        if status == "seki":
            return ""
        ending = self.ending()
        board = self.position.board.reshape(-1)
        if status in ("alive", "dead"):
            wanted = status == "dead"
            groups = [chain for chain in chains(board, self.size) if ending.dead[chain[0]] == wanted]
            return "\n".join(" ".join(to_vertex(move, self.size) for move in sorted(chain)) for chain in groups)
        owner = {"dame": EMPTY, "black_territory": BLACK, "white_territory": WHITE}[status]
        empty = (board == EMPTY) | ending.dead
        return " ".join(to_vertex(int(move), self.size) for move in np.flatnonzero(empty & (ending.owner == owner)))

    # Time

    def time_settings(self, main: int, byo_yomi: int, stones: int) -> str:
        """Accepted. What is left at a move is told by time_left; only rollouts take notice of it."""
        self.clock = {}
        return ""

    def time_left(self, colour: int, seconds: int, stones: int) -> str:
        """Note how many seconds are left to a colour, for so many moves, or for all if that is 0."""
        self.clock[colour] = (seconds, stones)
        return ""

    def kgs_time_settings(self, kind: str, words: list[str]) -> str:
        """Accepted: none, absolute MAIN, byoyomi MAIN PERIOD PERIODS, or canadian MAIN PERIOD STONES."""
        counts = {"none": 0, "absolute": 1, "byoyomi": 3, "canadian": 3}
        if (
            kind not in counts
            or len(words) != counts[kind]
            or not all(word.isascii() and word.isdigit() for word in words)
        ):
            raise GtpError("syntax error: kgs-time_settings takes none, or absolute, byoyomi or canadian and numbers")
        self.clock = {}
        return ""
