"""A board as text for a terminal: coordinates as in GTP, star points, the last move, and marks on points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.star_points import star_points

MARKS = "123456789abcdefghijklmn"  # for ranked moves; it ends before "o" and "x", which look like stones

# Colours of the terminal's 256: text on wood, and the marks of the best, the next and the other moves.
WOOD, LINE, BLACK, WHITE, RED = "48;5;179", "38;5;94", "38;5;16", "38;5;231", "1;38;5;160"
BEST, GOOD, OTHER = "1;48;5;28;38;5;231", "48;5;30;38;5;231", "48;5;67;38;5;231"


def text_board(
    board: np.ndarray, *, marks: Mapping[int, str] | None = None, last_move: int | None = None, colour: bool = False
) -> str:
    """The board as lines of text, the last without a line feed.

    `board` is uint8 [size, size] (0 empty, 1 black, 2 white), `marks` maps moves to one character each, shown on empty
    points. Black is `X`, white `O`, as in the GTP command showboard; the last move stands in brackets. With `colour`
    the text holds the escape sequences of 256-colour terminals and the stones are discs.

    >>> import numpy as np
    >>> board = np.zeros((5, 5), np.uint8)
    >>> board[1, 3], board[3, 1] = 1, 2
    >>> print(text_board(board, marks={11: "1", 8: "2"}, last_move=16))
        A B C D E
     5  . . . . .  5
     4  . . . X .  4
     3  . 1 + . .  3
     2  .(O). . .  2
     1  . . . . .  1
        A B C D E
    """
    size = len(board)
    stars = star_points(size)
    letters = "    " + " ".join(to_vertex(column, size)[0] for column in range(size))
    lines = [letters]
    for row in range(size):
        gaps = [" "] * (size + 1)
        if last_move is not None and last_move // size == row:
            gaps[last_move % size], gaps[last_move % size + 1] = "(", ")"
        line = [_paint(gaps[0], RED, colour)]
        for column in range(size):
            mark = (marks or {}).get(row * size + column)
            if board[row, column]:
                line.append(_stone(int(board[row, column]), colour))
            elif mark:
                line.append(_mark(mark, colour))
            else:
                line.append(_paint("+" if (row, column) in stars else ".", LINE, colour))
            line.append(_paint(gaps[column + 1], RED, colour))
        lines.append(f"{size - row:>2} {''.join(line)} {size - row}")
    return "\n".join([*lines, letters])


def _stone(stone: int, colour: bool) -> str:
    if colour:
        return _paint("●", BLACK if stone == 1 else WHITE, True)
    return "X" if stone == 1 else "O"


def _mark(mark: str, colour: bool) -> str:
    style = BEST if mark == "1" else GOOD if mark in "23" else OTHER
    return f"\x1b[{style}m{mark}\x1b[0m" if colour else mark


def _paint(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{WOOD};{style}m{text}\x1b[0m" if colour else text
