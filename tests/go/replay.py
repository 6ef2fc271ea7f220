"""The judge of finished games: replays SGF text on sgfmill's board, with the plain features' sense of eyes."""

from __future__ import annotations

import numpy as np
from sgfmill import boards, sgf

from casecnn.go.planes.plain import features_plain
from casecnn.go.planes.table import OFFSETS

SENSIBLE = OFFSETS["sensibleness"].start


def replay(text: bytes, *, eyes: bool = True) -> tuple[sgf.Sgf_game, boards.Board, int]:
    """The game, its last board, and the passes at its end. Fails at a move that is illegal under positional superko,
    a suicide, a turn out of order or, if `eyes`, a move into an own true eye."""
    game = sgf.Sgf_game.from_bytes(text)
    size = game.get_size()
    board = boards.Board(size)
    seen = {snapshot(board)}
    ko = None
    passes = 0
    for number, node in enumerate(game.get_main_sequence()[1:]):
        colour, move = node.get_move()
        assert colour == "bw"[number % 2], f"move {number + 1} is out of turn"
        if move is None:
            passes += 1
            ko = None
            continue
        passes = 0
        assert move != ko, f"move {number + 1} retakes a ko"
        if eyes:
            assert sensible(board, colour, ko)[move], f"move {number + 1} fills an own eye"
        ko = board.play(*move, colour)  # raises ValueError where a stone is
        assert board.get(*move) == colour, f"move {number + 1} is suicide"
        assert snapshot(board) not in seen, f"move {number + 1} repeats a position"
        seen.add(snapshot(board))
    return game, board, passes


def snapshot(board: boards.Board) -> tuple:
    return tuple(map(tuple, board.board))


def sensible(board: boards.Board, colour: str, ko: tuple[int, int] | None) -> dict[tuple[int, int], bool]:
    """Row 0 of sgfmill is at the bottom: turned here."""
    size = board.side
    stones = np.array([[{None: 0, "b": 1, "w": 2}[stone] for stone in row] for row in board.board])[::-1]
    plain_ko = None if ko is None else (size - 1 - ko[0]) * size + ko[1]
    ages: list[list[int | None]] = [[None] * size for _ in range(size)]
    plane = features_plain(size, stones, "bw".index(colour) + 1, plain_ko, ages)[SENSIBLE]
    return {(size - 1 - r, c): bool(plane[r, c]) for r in range(size) for c in range(size)}
