"""Commands that put stones on the board outside of the rules: handicaps, whole positions, sequences of moves."""

from __future__ import annotations

import numpy as np

from casecnn.errors import CasecnnError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.handicap import fixed_handicap, most_stones
from casecnn.go.board.record import SETUP, TO_PLAY, pack
from casecnn.go.board.regions import chains, neighbours
from casecnn.go.board.state import BLACK, EMPTY, WHITE
from casecnn.go.gtp.dispatch import Handler
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import COLOUR, VERTEX, WHOLE, WORDS, GtpError, Parameter

_MANY_VERTICES = Parameter("vertex", VERTEX.read, many=True)


class Setup:
    """The commands of this module for an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def handlers(self) -> dict[str, Handler]:
        """The table of commands."""
        return {
            "fixed_handicap": Handler(self.fixed_handicap, (WHOLE,)),
            "place_free_handicap": Handler(self.place_free_handicap, (WHOLE,)),
            "set_free_handicap": Handler(self.set_free_handicap, (_MANY_VERTICES,)),
            "set_position": Handler(self.set_position, (WORDS,)),
            "gogui-setup": Handler(self.setup, (WORDS,)),
            "gogui-setup_player": Handler(self.setup_player, (COLOUR,)),
            "gogui-play_sequence": Handler(self.play_sequence, (WORDS,)),
        }

    def fixed_handicap(self, stones: int) -> str:
        """Place handicap stones where GTP says, and tell where."""
        self._need_empty_board()
        size = self.engine.size
        moves = fixed_handicap(stones, size)
        if moves is None:
            most = most_stones(size)
            places = (
                f"from 2 to {most} have a fixed place" if most else f"no stones have a fixed place on {size}x{size}"
            )
            raise GtpError(f"invalid number of stones: {places}")
        return self._place(moves)

    def place_free_handicap(self, stones: int) -> str:
        """Choose where handicap stones stand, and tell where: the fixed places first, the others by the net."""
        self._need_empty_board()
        engine = self.engine
        if not 2 <= stones < engine.size**2:
            raise GtpError(f"invalid number of stones: it must be from 2 to {engine.size**2 - 1}")
        moves = fixed_handicap(min(stones, most_stones(engine.size)), engine.size) or []
        if len(moves) < stones:
            board = engine.empty_board()
            for move in moves:
                board.set_stone(move, BLACK)
            priors = engine.player.raw(board) * (board.board.reshape(-1) == EMPTY)
            moves += [int(move) for move in np.argsort(-priors, kind="stable")[: stones - len(moves)]]
        return self._place(moves)

    def set_free_handicap(self, moves: list[int]) -> str:
        """Place handicap stones where the controller says."""
        self._need_empty_board()
        points = self.engine.size**2
        if not 2 <= len(moves) < points or len(set(moves)) < len(moves) or points in moves:
            raise GtpError("bad vertex list: it must have at least two points, none twice, and no pass")
        self._place(moves)
        return ""

    def set_position(self, words: list[str]) -> str:
        """Start from a position: colour and vertex in turn. Black is to play, and there is no history."""
        stones = self._pairs("set_position", words)
        engine = self.engine
        position = engine.empty_board()
        for colour, move in stones:
            if colour == EMPTY or move == engine.size**2 or position.board.flat[move]:
                raise GtpError("bad position: it takes stones of black and white on different points")
            position.set_stone(move, colour)
        board = position.board.reshape(-1)
        for chain in chains(board, engine.size):
            if all(board[near] for point in chain for near in neighbours(point, engine.size)):
                raise GtpError(f"bad position: the stone at {to_vertex(chain[0], engine.size)} has no liberty")
        engine.begin(position, [pack(SETUP, colour, move) for colour, move in stones])
        return ""

    def setup(self, words: list[str]) -> str:
        """Add stones to the position, or clear points ("empty"), colour and vertex in turn."""
        stones = self._pairs("gogui-setup", words)
        if any(move == self.engine.size**2 for _, move in stones):
            raise GtpError("bad vertex list: a pass is no stone")
        for colour, move in stones:
            self.engine.set_stone(move, colour)
        return ""

    def setup_player(self, colour: int) -> str:
        """Say whose turn it is."""
        self.engine.set_to_play(colour)
        return ""

    def play_sequence(self, words: list[str]) -> str:
        """Play several moves, colour and vertex in turn; all of them or, if one is illegal, none."""
        moves = self._pairs("gogui-play_sequence", words)
        for done, (colour, move) in enumerate(moves):
            try:
                if colour == EMPTY:
                    raise GtpError("illegal move")
                self.engine.play(colour, move)
            except GtpError:
                if done:
                    self.engine.undo(done)
                raise
        return ""

    def _pairs(self, name: str, words: list[str]) -> list[tuple[int, int]]:
        if len(words) % 2:
            raise GtpError(f"syntax error: {name} takes pairs of a colour and a vertex")
        size = self.engine.size
        try:
            return [
                (EMPTY if word.lower() in ("e", "empty") else COLOUR.read(word, size), VERTEX.read(vertex, size))
                for word, vertex in zip(words[::2], words[1::2], strict=True)
            ]
        except (ValueError, CasecnnError) as error:
            raise GtpError(f"syntax error: {error}") from error

    def _need_empty_board(self) -> None:
        if self.engine.position.board.any():
            raise GtpError("board not empty")

    def _place(self, moves: list[int]) -> str:
        position = self.engine.empty_board()
        for move in moves:
            position.set_stone(move, BLACK)
        position.set_to_play(WHITE)
        events = [*(pack(SETUP, BLACK, move) for move in moves), pack(TO_PLAY, WHITE)]
        self.engine.begin(position, events, len(moves))
        return " ".join(to_vertex(move, self.engine.size) for move in moves)
