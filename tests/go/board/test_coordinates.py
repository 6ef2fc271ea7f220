"""Coordinates: known points, round trips on every size, and the errors' whole text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sgfmill import common, sgf_properties

from casecnn.errors import InputError
from casecnn.go.board import coordinates

SIZES = st.integers(2, 25)
BOARD_MOVES = SIZES.flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size * size)))


@pytest.mark.parametrize(
    ("size", "row", "column", "vertex", "point"),
    [
        (19, 3, 15, "Q16", "pd"),
        (19, 0, 0, "A19", "aa"),
        (19, 18, 18, "T1", "ss"),
        (19, 18, 8, "J1", "is"),
        (9, 4, 4, "E5", "ee"),
        (2, 1, 0, "A1", "ab"),
        (25, 0, 24, "Z25", "ya"),
        (25, 5, 19, "U20", "tf"),
    ],
)
def test_known_points(size, row, column, vertex, point):
    move = row * size + column
    assert coordinates.from_row_column(row, column, size) == move
    assert coordinates.to_row_column(move, size) == (row, column)
    assert coordinates.from_vertex(vertex, size) == coordinates.from_vertex(vertex.lower(), size) == move
    assert coordinates.to_vertex(move, size) == vertex
    assert coordinates.from_sgf(point, size) == move
    assert coordinates.to_sgf(move, size) == point


@given(BOARD_MOVES)
def test_round_trips(board_move):
    size, move = board_move
    assert coordinates.from_vertex(coordinates.to_vertex(move, size), size) == move
    assert coordinates.from_sgf(coordinates.to_sgf(move, size), size) == move
    if move < size * size:
        assert coordinates.from_row_column(*coordinates.to_row_column(move, size), size) == move


@given(BOARD_MOVES)
def test_agrees_with_sgfmill(board_move):
    size, move = board_move
    point = sgf_properties.interpret_go_point(coordinates.to_sgf(move, size).encode(), size)
    if move == size * size:
        assert point is None
    else:
        row, column = coordinates.to_row_column(move, size)
        assert point == (size - 1 - row, column)
        assert coordinates.to_vertex(move, size) == common.format_vertex(point)


def test_tt_is_a_pass_up_to_19():
    assert [coordinates.from_sgf("tt", size) for size in (2, 9, 19)] == [4, 81, 361]
    assert coordinates.from_sgf("tt", 20) == 19 * 20 + 19
    assert coordinates.from_sgf("", 25) == 625


def test_point_lists():
    assert coordinates.from_sgf_points("bc", 9) == [19]
    assert coordinates.from_sgf_points("aa:cb", 9) == [0, 1, 2, 9, 10, 11]
    assert coordinates.from_sgf_points("cb:aa", 9) == coordinates.from_sgf_points("ab:ca", 9) == [0, 1, 2, 9, 10, 11]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: coordinates.from_vertex("I5", 9),
            "`vertex` (='I5') must be a point from A1 to J9 (no letter I) or pass",
        ),
        (lambda: coordinates.to_vertex(82, 9), "`move` (=82) must be from 0 to 81 (the pass) on a 9x9 board"),
        (lambda: coordinates.to_row_column(81, 9), "`move` (=81) must be a point: a pass has no row and column"),
        (lambda: coordinates.from_sgf("ja", 9), "`point` (='ja') must be two letters from a to i on a 9x9 board"),
        (lambda: coordinates.check_size(26), "`size` (=26) must be a whole number from 2 to 25"),
        (
            lambda: coordinates.from_row_column(-1, 0, 9),
            "`row, column` (=-1, 0) must each be from 0 to 8 on a 9x9 board",
        ),
    ],
)
def test_errors_are_one_sentence(call, message):
    with pytest.raises(InputError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize(
    "text", ["", "A", "A0", "A01", "A10", "AA1", "K1", "E5E6", "E 5", "E5.5", "E-5", "E²", "é1", "1A"]
)
def test_wrong_vertices(text):
    with pytest.raises(InputError):
        coordinates.from_vertex(text, 9)


@pytest.mark.parametrize("text", ["a", "AA", "aaa", "a1", "jj", "é", "aa:bb:cc", "aa:", ":", "", "tt"])
def test_wrong_point_lists(text):
    with pytest.raises(InputError):
        coordinates.from_sgf_points(text, 9)


@pytest.mark.slow
@given(st.text(max_size=6), SIZES)
def test_any_text_is_a_move_or_an_input_error(text, size):
    for read in (coordinates.from_vertex, coordinates.from_sgf):
        try:
            assert 0 <= read(text, size) <= size * size
        except InputError as error:
            assert "\n" not in str(error)
