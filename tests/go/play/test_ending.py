"""Which moves may be chosen, when a player passes, and that games end."""

from __future__ import annotations

import numpy as np
import pytest
from diagrams import BLACK, WHITE, Diagram, diagram

from casecnn.go.play.ending import NEVER, OPEN, OTHER, OWN, candidate_moves, choose_move
from casecnn.go.position import Position


def position_of(board: Diagram, to_play: int = BLACK, **options) -> Position:
    position = Position(board.size, **options)
    for row, column in np.argwhere(board.board).tolist():
        position.set_stone(row * board.size + column, board.board[row][column])
    position.set_to_play(to_play)
    return position


def classes(text: str, to_play: int = BLACK) -> dict[str, int]:
    """The class of each lettered point."""
    board = diagram(text)
    found = candidate_moves(position_of(board, to_play))
    return {letter: int(found[row * board.size + column]) for (row, column), letter in board.letters.items()}


def probabilities(size: int, **given: float) -> np.ndarray:
    """Probabilities that are 0 but at the moves given as m12=0.5."""
    raw = np.zeros(size * size, np.float32)
    for move, p in given.items():
        raw[int(move[1:])] = p
    return raw


BORDER = """
a X . O b
. X . O .
. X c O .
. X . O .
. X . O .
"""


def test_territory_is_what_touches_one_colour():
    assert classes(BORDER) == {"a": OWN, "b": OTHER, "c": OPEN}
    assert classes(BORDER, WHITE) == {"a": OTHER, "b": OWN, "c": OPEN}


def test_a_stone_of_the_other_colour_inside_makes_it_open():
    assert classes(BORDER.replace(". X c", "O X c"))["a"] == OPEN


def test_no_territory_at_the_start():
    assert (candidate_moves(Position(9)) == OPEN).all()
    position = Position(9)
    position.play(40)
    position.set_to_play(BLACK)
    assert (np.delete(candidate_moves(position), 40) == OPEN).all()


def test_own_eyes_and_illegal_moves_never():
    assert classes(". X X . .\nX a X . .\nX X . O .\n. . O b O\n. . . O .")["a"] == NEVER
    assert classes(". . . . .\n. . . . .\n. . . O .\n. . O b O\n. . . O .")["b"] == NEVER


# White's eye space is five points; Black plays the fourth stone in it, which leaves the last point.
BULKY_FIVE = """
O O O O O O O
O O O O O O O
O O X X b O O
O O X a O O O
O O O O O O O
O O O O O O .
O O O O O . .
"""
FIVE_IN_A_ROW = """
O O O O O O O
O X X X a b O
O O O O O O O
O O O O O O O
O O O O O O O
O O O O O O .
O O O O O . .
"""


def test_large_self_atari_only_in_a_killing_shape():
    assert classes(BULKY_FIVE) == {"a": OPEN, "b": NEVER}  # a square, or four with a bend
    assert classes(FIVE_IN_A_ROW)["a"] == NEVER


SHAPES = {
    "square": ("X X\nX a", True),
    "pyramid": (". X .\nX a X", True),
    "four in a row": ("X X X a", False),
    "bent four": ("X . .\nX X a", False),
    "zigzag four": ("X X .\n. X a", False),
    "bulky five": ("X X .\nX X a", True),
    "cross": (". X .\nX a X\n. X .", True),
    "five in a row": ("X X X X a", False),
    "five with a bend": ("X . .\nX . .\nX X a", False),
    "rabbity six": (". X .\nX X X\n. X a", True),
    "six, two rows of three": ("X X X\nX X a", False),
    "three in a row": ("X X a", True),
    "seven": ("X X X X\nX X a .", False),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_self_atari(name):
    picture, allowed = SHAPES[name]
    size = 11
    board = np.full((size, size), WHITE)
    board[9:, 6:] = 0  # two points outside the wall, so that White is not in atari
    rows = [line.split() for line in picture.splitlines()]
    stones = [(r + 3, c + 3) for r, row in enumerate(rows) for c, mark in enumerate(row) if mark in "Xa"]
    ((row, column),) = [(r + 3, c + 3) for r, line in enumerate(rows) for c, mark in enumerate(line) if mark == "a"]
    for point in stones:
        board[point] = BLACK
    board[row, column] = 0
    top = min(stones)
    board[top[0] - 1, top[1]] = 0  # the last liberty, above the first stone
    position = Position(size)
    for r, c in np.argwhere(board).tolist():
        position.set_stone(r * size + c, int(board[r, c]))
    assert (candidate_moves(position)[row * size + column] != NEVER) == allowed


def test_capturing_is_always_open():
    assert classes("X X X X a\nO O O O O\nX X X X X\nX X X X X\nX X X X .")["a"] == OPEN  # in atari afterwards
    assert classes("X O a O X\nX O O O X\nX X X X X\nX X X X X\n. X . X .")["a"] == OPEN  # the opponent's last eye


def test_territory_needs_probability():
    position = position_of(diagram(BORDER))
    play = lambda **given: choose_move(probabilities(5, **given), position)  # noqa: E731
    assert play(m0=0.9, m2=0.01) == 0  # own territory
    assert play(m0=0.09, m2=0.01) == 2
    assert play(m4=0.9, m2=0.01) == 4 and play(m4=0.04, m2=0.01) == 2
    assert play(m0=0.09) == 2  # an open move before a pass, even if the net gives it nothing


def test_own_territory_is_left_alone_after_a_pass():
    position = position_of(diagram(BORDER), WHITE)
    position.play(25)
    assert choose_move(probabilities(5, m0=0.9, m2=0.01), position) == 2
    assert choose_move(probabilities(5, m4=0.9, m2=0.01), position) == 4


def test_passes_where_only_territory_is_left():
    filled = position_of(diagram(BORDER.replace(" . ", " X ").replace(" c ", " X ")))
    assert choose_move(probabilities(5, m0=0.04, m4=0.04), filled) == 25
    assert choose_move(probabilities(5, m4=0.04), filled, cleanup=True) == 4


def test_temperature():
    position, raw = Position(5), probabilities(5, m3=0.6, m7=0.3, m11=0.1)
    assert choose_move(raw, position) == 3
    rng = np.random.default_rng(1)
    drawn = np.bincount([choose_move(raw, position, temperature=1, random=rng) for _ in range(2000)], minlength=25)
    assert drawn.sum() == drawn[[3, 7, 11]].sum()
    assert abs(drawn[[3, 7, 11]] / 2000 - [0.6, 0.3, 0.1]).max() < 0.04
    cold = np.bincount([choose_move(raw, position, temperature=0.5, random=rng) for _ in range(2000)], minlength=25)
    assert abs(cold[[3, 7, 11]] / 2000 - np.array([36, 9, 1]) / 46).max() < 0.04
    with pytest.raises(ValueError):
        choose_move(raw, position, temperature=1)


def test_superko_is_seen_where_the_position_does():
    board = diagram(". . X O .\n. X . a O\n. . X O .\n. . . . .\n. . . . .")
    for superko in (False, True):
        position = position_of(board, BLACK, superko=superko)
        position.set_stone(7, WHITE)
        for move in (8, 25, 25):  # Black takes the ko; both pass, so that it is no simple ko any more
            position.play(move)
        assert position.ko is None
        position.set_to_play(WHITE)
        assert candidate_moves(position)[7] == (NEVER if superko else OPEN)


def test_a_position_is_left_as_it_was():
    position = position_of(diagram(BORDER))
    before = [array.copy() for array in position.state[:4]]
    choose_move(probabilities(5, m0=0.5), position)
    stamp = position.state.info[9]
    before[2][9] = stamp  # belongs to the scratch space
    assert all(np.array_equal(old, new) for old, new in zip(before, position.state[:4], strict=True))
