"""When each stone of a packed game leaves the board, so that a position is set up without replaying the game.

Training draws positions at random, and replaying a game up to one takes longer than to make most of its planes. Who
knows at which event each stone is taken off puts the stones of a position on the board in one pass over the events, a
hundred times as fast.
"""

from __future__ import annotations

import numpy as np

from casecnn.compiled import njit
from casecnn.errors import InputError
from casecnn.go.board.record import COLOUR_SHIFT, PLAY, SETUP, colour_of, kind_of, point_of
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import (
    COLOUR,
    EMPTY,
    KO,
    KO_COLOUR,
    SET_UP,
    SIZE,
    TAKEN_BLACK,
    TAKEN_WHITE,
    TURN,
    new_state,
    to_move,
    to_point,
)
from casecnn.go.data.archive import Archive

_NEVER = np.iinfo(np.int32).max


@njit(cache=True, nogil=True)
def _trace(events, begin, end, size, gone, ko):
    """Fill `gone` and `ko` for the events of one game; returns whether all of them are legal."""
    state = new_state(size)
    board, info = state.board, state.info
    stone = np.full(board.shape[0], -1, np.int64)  # the event that put the stone on a point there
    for i in range(begin, end):
        kind = kind_of(events[i])
        move = np.int64(point_of(events[i]))
        taken = info[TAKEN_BLACK] + info[TAKEN_WHITE]
        if not apply_event(state, events[i]):
            return False
        gone[i] = _NEVER
        if (kind == PLAY or kind == SETUP) and move < size * size:
            p = to_point(size, move)
            if stone[p] >= 0:
                gone[stone[p]] = i - begin
            stone[p] = i
        if info[TAKEN_BLACK] + info[TAKEN_WHITE] != taken or kind == SETUP:
            for p in range(board.shape[0]):
                if stone[p] >= 0 and board[p] == EMPTY:
                    gone[stone[p]] = i - begin
                    stone[p] = -1
        ko[i] = to_move(size, np.int64(info[KO])) | info[KO_COLOUR] << COLOUR_SHIFT if info[KO] else 0
    return True


@njit(cache=True, nogil=True)
def set_up_before(state, events, begin, index, gone, ko):
    """Make `state` the position before the event `index` of the game that begins at `begin`, its player to move.

    Board, turns, ko and the side to play are right; hash, captives and passes are not.
    """
    board, turn_of, info = state.board, state.turn_of, state.info
    size = np.int64(info[SIZE])
    for row in range(1, size + 1):
        board[row * (size + 1) + 1 : (row + 1) * (size + 1)] = EMPTY
    turn = 0
    for i in range(begin, index):
        event = events[i]
        kind = kind_of(event)
        if kind <= SETUP and gone[i] >= index - begin:
            move = np.int64(point_of(event))
            if move < size * size:
                p = to_point(size, move)
                board[p] = colour_of(event)
                turn_of[p] = turn if kind == PLAY else SET_UP
        turn += kind == PLAY
    info[TURN] = turn
    info[COLOUR] = colour_of(events[index])
    info[KO] = 0
    if index > begin and ko[index - 1]:
        info[KO] = to_point(size, np.int64(point_of(ko[index - 1])))
        info[KO_COLOUR] = colour_of(ko[index - 1])


class History:
    """What `set_up_before` must know of an archive, found out game by game when it is asked for.

    `gone` int32 [events]: the number within its game of the event that takes a stone off; a stone that stays has a
    larger one than there are events. `ko` uint16 [events]: the move that is forbidden by ko after the event, and to
    whom, packed as an event; 0 for none. That is 6 bytes an event. Any number of threads may ask at once.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.gone = np.zeros(len(archive.events), np.int32)
        self.ko = np.zeros(len(archive.events), np.uint16)
        self._known = np.zeros(len(archive), bool)

    def trace(self, games: np.ndarray) -> None:
        """See to it that `gone` and `ko` hold for the games (int64 [n], from 0).

        Raises `InputError` if one of them is not legal.
        """
        for game in np.unique(games[~self._known[games]]).tolist():
            begin, end = self.archive.offsets[game : game + 2].tolist()
            size = int(self.archive.sizes[game])
            if not _trace(self.archive.events, begin, end, size, self.gone, self.ko):
                raise InputError(f"game {game + 1} of the archive holds an illegal move; import it again")
            self._known[game] = True  # after the arrays: another thread may read them from now on
