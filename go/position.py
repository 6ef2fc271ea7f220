"""A Go position for Python programs: play, undo, legal moves, score, feature planes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.go.board import rules
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import PLAY, SETUP, is_play, unpack
from casecnn.go.board.rulesets import DEFAULT, ruleset
from casecnn.go.board.state import (
    BLACK,
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    MAX_SIZE,
    MIN_SIZE,
    PASSES,
    STAMP,
    TAKEN_BLACK,
    TAKEN_WHITE,
    WHITE,
    State,
    board_of,
    copy_state,
    new_state,
    to_move,
    to_point,
)
from casecnn.go.planes.table import OFFSETS, PLANES

if TYPE_CHECKING:
    from casecnn.go.board.record import GameRecord

NAMES = {EMPTY: "empty", BLACK: "Black", WHITE: "White"}


class IllegalMove(InputError):
    """A move that the rules forbid; the message names the move, the colour and the rule."""


class Position:
    """A board with its history of captures and turns: the rules of Go around `casecnn.go.board.rules`.

    `size` is 5 to 25, `komi` points for White. `superko` also forbids repeating any earlier arrangement of the stones
    ("positional", or True), or any with the same player to move ("situational"); without it only the simple ko holds.
    `suicide` allows a move that takes its own chain off. A move is `row * size + column` with row 0 at the top, the
    pass is `size * size`; colours are 1 (black), 2 (white). Turns need not alternate: `play` takes any colour. Does not
    end the game after two passes.

    >>> position = Position()
    >>> position.play(3 * 19 + 15)
    >>> position.to_play, position.move_number, int(position.board[3, 15])
    (2, 1, 1)
    >>> position.undo()
    >>> position.move_number
    0

    Raises `UsageError` for a size out of range.
    """

    def __init__(self, size: int = 19, komi: float = 7.5, superko: bool | str = False, suicide: bool = False) -> None:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not (MIN_SIZE <= size <= MAX_SIZE):
            raise UsageError(f"`size` (={size}) must be a whole number from {MIN_SIZE} to {MAX_SIZE}")
        self.size = int(size)
        self.komi = float(komi)
        self.superko = superko
        self.suicide = suicide
        self.moves: list[tuple[int, int]] = []  # (colour, move), passes included, set-up stones not
        self._state = new_state(self.size)
        self._before: list[tuple[tuple[np.ndarray, ...], int]] = []
        self._seen: list[int] = [0]

    @classmethod
    def from_record(cls, record: GameRecord, move_number: int | None = None) -> Position:
        """The position of a game after `move_number` moves (0: after the set-up at the start; None: all of them).

        Set-up stones and changes of turn that stand between moves are applied, those before the next move included.
        The rules that the record names say whether suicide and the repetition of positions are allowed from there on
        (`casecnn.go.board.rulesets`). Raises `IllegalMove` at an illegal move, `UsageError` for a number beyond the
        game's moves.
        """
        by = ruleset(record.rules) or DEFAULT
        played = np.flatnonzero(is_play(record.events))
        if move_number is not None and not 0 <= move_number <= len(played):
            raise UsageError(
                f"`move` (={move_number}) must be from 0 to {len(played)}, the number of moves in {record.source}"
            )
        stop = len(record.events) if move_number is None or move_number == len(played) else int(played[move_number])
        position = cls(record.size, record.komi, suicide=by.suicide)
        position.apply(record.events[:stop])
        if stop < len(record.events):
            position._state.info[COLOUR] = unpack(record.events[stop]).colour
        position.superko = by.superko
        return position

    def apply(self, events: Iterable[int]) -> None:
        """Bring the position on by packed events (`casecnn.go.board.record`); raises `IllegalMove`."""
        for event in events:
            kind, colour, move = unpack(event)
            if kind == PLAY:
                self.play(move, colour)
            elif kind == SETUP:
                self.set_stone(move, colour)
            else:
                self.set_to_play(colour)

    @property
    def state(self) -> State:
        """The arrays behind the position, for compiled code; changing them changes the position."""
        return self._state

    @property
    def to_play(self) -> int:
        """The colour whose turn it is: 1 black, 2 white."""
        return int(self._state.info[COLOUR])

    @property
    def move_number(self) -> int:
        """Moves played so far, passes included."""
        return len(self.moves)

    @property
    def board(self) -> np.ndarray:
        """uint8 [size, size], a copy: 0 empty, 1 black, 2 white."""
        return board_of(self._state)

    @property
    def ko(self) -> int | None:
        """The move that simple ko forbids to the opponent of the last mover, or None."""
        point = int(self._state.info[KO])
        return int(to_move(self.size, point)) if point else None

    @property
    def passes(self) -> int:
        """Passes in a row at the end."""
        return int(self._state.info[PASSES])

    @property
    def captured(self) -> dict[int, int]:
        """Stones taken off the board so far, by their colour."""
        info = self._state.info
        return {BLACK: int(info[TAKEN_BLACK]), WHITE: int(info[TAKEN_WHITE])}

    @property
    def zobrist(self) -> int:
        """A 64-bit hash of the stones on the board: equal arrangements have equal hashes, whatever led to them."""
        return int(self._state.zobrist[0])

    @property
    def history(self) -> tuple[int, ...]:
        """The `zobrist` of every arrangement since the start, the present one last: what superko looks at."""
        return tuple(self._seen)

    def play(self, move: int, colour: int | None = None) -> None:
        """Play `move` (or pass with `size * size`) for `colour`, by default the one to play.

        Raises `IllegalMove` and leaves the position as it was if the rules forbid it.
        """
        colour = self.to_play if colour is None else colour
        self._check(move, colour)
        if move == self.size * self.size:
            self._remember()
            rules.play_pass(self._state, colour)
        else:
            reason = self._forbidden(move, colour)
            if reason:
                raise IllegalMove(
                    f"move {self.move_number + 1}, {NAMES[colour]} {to_vertex(move, self.size)}: {reason}"
                )
            self._remember()
            rules.play(self._state, to_point(self.size, move), colour)
        self.moves.append((colour, move))
        self._seen.append(self.zobrist)

    def is_legal(self, move: int, colour: int | None = None) -> bool:
        """Whether `colour` (by default the one to play) may play `move`; a pass always."""
        colour = self.to_play if colour is None else colour
        self._check(move, colour)
        return move == self.size * self.size or not self._forbidden(move, colour)

    def legal_moves(self) -> np.ndarray:
        """Bool [size * size]: where the colour to play may play."""
        planes = self._planes()
        first = OFFSETS["liberties after move"].start
        legal = planes[first : first + 8].any(0).reshape(-1)
        if self.suicide or self.superko:
            for move in range(self.size * self.size):
                legal[move] = not self._forbidden(move, self.to_play)
        return legal

    def sensible_moves(self) -> np.ndarray:
        """Bool [size * size]: the legal moves that do not fill a true eye of the colour to play."""
        return self.features()[OFFSETS["sensibleness"].start].reshape(-1).astype(bool)

    def features(self) -> np.ndarray:
        """uint8 [48, size, size]: AlphaGo's feature planes for the colour to play (see `casecnn.go.planes.table`).

        Points that superko forbids are not legal there; suicide never is.
        """
        planes = self._planes()
        if self.superko:
            first = OFFSETS["capture size"].start
            for move in np.flatnonzero(planes[OFFSETS["liberties after move"]].any(0).reshape(-1)):
                if self._forbidden(int(move), self.to_play):
                    planes.reshape(PLANES, -1)[first : OFFSETS["zeros"].start, move] = 0
        return planes

    def score(self) -> float:
        """Area score, black minus white minus komi: stones and empty points that reach one colour only.

        Does not take dead stones off.
        """
        black, white = rules.area(self._state)
        return float(black - white - self.komi)

    def set_stone(self, move: int, colour: int) -> None:
        """Put a stone of `colour` on a point, or clear it with 0, outside the rules.

        No turn goes by, nothing is captured, a ko is over. This cannot be undone alone: `undo` goes back to before the
        last move.
        """
        self._check(move, colour or BLACK)
        if move == self.size * self.size:
            raise UsageError("`move` must be a point to set up a stone, not a pass")
        rules.set_stone(self._state, to_point(self.size, move), colour)
        self._seen[-1] = self.zobrist

    def set_to_play(self, colour: int) -> None:
        """Set whose turn it is."""
        self._check(0, colour)
        self._state.info[COLOUR] = colour

    def copy(self) -> Position:
        """An independent copy, its history included."""
        twin = Position(self.size, self.komi, self.superko, self.suicide)
        twin._state = copy_state(self._state)
        twin.moves = list(self.moves)
        twin._before = list(self._before)
        twin._seen = list(self._seen)
        return twin

    def undo(self) -> None:
        """Take back the last move (or pass) and any set-up after it: the position is bit for bit what it was.

        Raises `UsageError` at the start.
        """
        if not self._before:
            raise UsageError("there is no move to take back")
        arrays, seen = self._before.pop()
        stamp = self._state.info[STAMP]
        for array, old in zip(self._state, arrays, strict=False):
            array[:] = old
        self._state.info[STAMP] = stamp  # belongs to `mark`, which stays as it is
        self.moves.pop()
        self._seen.pop()
        self._seen[-1] = seen

    def _remember(self) -> None:
        state = self._state
        arrays = (state.board, state.turn_of, state.info, state.zobrist)
        self._before.append((tuple(array.copy() for array in arrays), self._seen[-1]))

    def _planes(self) -> np.ndarray:
        from casecnn.go.planes.fast import state_features

        return state_features(self._state)

    def _forbidden(self, move: int, colour: int) -> str:
        """Why the rules forbid a move; empty if they do not."""
        state = self._state
        point = to_point(self.size, move)
        if state.board[point] != EMPTY:
            return "the point is not empty"
        if point == state.info[KO] and colour == state.info[KO_COLOUR]:
            return "the ko may not be retaken at once"
        if not rules.is_legal(state, point, colour, self.suicide):
            return "suicide is not allowed"
        if self.superko:
            after = copy_state(state)
            rules.play(after, point, colour)
            if self._repeats(int(after.zobrist[0]), colour):
                return "superko: the position was on the board before"
        return ""

    def _repeats(self, arrangement: int, colour: int) -> bool:
        """Whether the stones stood like this before: ever, or, for situational superko, after a move of `colour`."""
        if self.superko != "situational":
            return arrangement in self._seen
        first = 3 - self.moves[0][0] if self.moves else 3 - colour
        movers = [first, *(mover for mover, _ in self.moves)]
        return (arrangement, colour) in zip(self._seen, movers, strict=True)

    def _check(self, move: int, colour: int) -> None:
        if isinstance(move, bool) or not isinstance(move, (int, np.integer)) or not 0 <= move <= self.size * self.size:
            raise UsageError(f"`move` (={move}) must be a whole number from 0 to {self.size * self.size}")
        if colour not in (BLACK, WHITE):
            raise UsageError(f"`colour` (={colour}) must be 1 (black) or 2 (white)")
