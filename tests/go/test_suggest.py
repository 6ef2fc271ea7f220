"""Suggestions from a policy."""

from __future__ import annotations

import numpy as np
import pytest
from fake_policy import GAME, FakePolicy

from casecnn.errors import InputError, UsageError
from casecnn.go.board.coordinates import from_vertex
from casecnn.go.position import Position
from casecnn.go.sgf.game import read_game
from casecnn.go.suggestions import rank, share_out, suggest


def move_of(vertex: str, size: int = 19) -> int:
    return from_vertex(vertex, size)


def eyes(size: int = 19) -> Position:
    """Black owns the whole board but for eyes in two corners, and is to play."""
    position = Position(size)
    for move in range(1, size * size - 1):
        position.set_stone(move, 1)
    position.set_to_play(1)
    return position


def test_the_best_moves_come_first_and_all_probabilities_add_up_to_1():
    suggestions = suggest(Position(), policy=FakePolicy(), top=361)
    assert [s.move for s in suggestions] == list(range(361)) and [s.rank for s in suggestions] == list(range(1, 362))
    assert sum(s.probability for s in suggestions) == pytest.approx(1, abs=1e-9)
    assert suggestions[0].probability / suggestions[360].probability == pytest.approx(361, rel=1e-4)
    first = suggestions[20]
    assert (first.vertex, first.row, first.column, first.move) == ("B18", 1, 1, 20)


def test_top_limits_the_list_but_not_the_sum():
    suggestions = suggest(Position(), policy=FakePolicy(), top=3)
    assert len(suggestions) == 3 and [s.vertex for s in suggestions] == ["A19", "B19", "C19"]
    assert suggestions.probabilities.sum() == pytest.approx(1, abs=1e-9)
    assert sum(s.probability for s in suggestions) < 0.02


def test_illegal_moves_are_never_suggested():
    position = Position()
    for vertex in ("B19", "K10", "A18"):  # white at B19 and A18 takes the corner from black
        position.set_stone(move_of(vertex), 2)
    position.set_to_play(1)
    suggestions = suggest(position, policy=FakePolicy(), top=361)
    missing = set(range(361)) - {s.move for s in suggestions}
    assert missing == {move_of(vertex) for vertex in ("B19", "K10", "A18", "A19")}
    assert sum(s.probability for s in suggestions) == pytest.approx(1, abs=1e-9)
    assert not suggestions.probabilities[sorted(missing)].any()


def test_a_ko_may_not_be_taken_back_at_once():
    text = b"(;SZ[19];B[bb];W[cb];B[ac];W[dc];B[bd];W[cd];B[cc];W[bc])"
    record = read_game(text)
    after = {s.move for s in suggest(record, policy=FakePolicy(), top=361)}
    assert 2 * 19 + 2 not in after and 2 * 19 + 3 not in after and 18 * 19 in after
    assert 2 * 19 + 1 in {s.move for s in suggest(record, policy=FakePolicy(), top=361, move=7)}


def test_own_true_eyes_are_never_filled():
    position = Position()
    for vertex in ("B19", "B18", "A18", "K10"):
        position.set_stone(move_of(vertex), 1)
    position.set_to_play(1)
    moves = {s.move for s in suggest(position, policy=FakePolicy(), top=361)}
    assert move_of("A19") not in moves and len(moves) == 361 - 5


def test_pass_where_no_sensible_move_is_left():
    suggestions = suggest(eyes(), policy=FakePolicy())
    assert [(s.rank, s.move, s.vertex, s.row, s.column, s.probability) for s in suggestions] == [
        (1, 361, "pass", None, None, 1.0)
    ]
    assert not suggestions.probabilities.any()
    assert suggestions.as_dict()["suggestions"] == [
        {"rank": 1, "move": "pass", "row": None, "column": None, "probability": 1.0}
    ]
    assert suggestions.table().splitlines()[1] == "1      pass     100.00 %"


def test_a_position_is_left_as_it_was_and_the_net_sees_its_planes():
    position = Position()
    position.play(72)
    before, policy = position.features(), FakePolicy()
    suggest(position, policy=policy, symmetries=False)
    assert np.array_equal(position.features(), before) and position.move_number == 1
    planes, symmetries = policy.asked[0]
    assert (planes.shape, planes.dtype, symmetries) == ((1, 48, 19, 19), np.uint8, False)
    assert np.array_equal(planes[0], before)


@pytest.mark.parametrize(
    ("move", "to_play", "last", "stones", "headline"),
    [
        (0, 1, None, 0, "Black to play, no move yet"),
        (1, 2, "Q16", 1, "White to play after move 1 (Q16)"),
        (3, 2, "pass", 2, "White to play after move 3 (pass)"),
        (4, 1, "D4", 3, "Black to play after move 4 (D4)"),
        (None, 1, "F3", 5, "Black to play after move 6 (F3)"),
    ],
)
def test_the_position_after_a_move_of_a_game(tmp_path, move, to_play, last, stones, headline):
    (tmp_path / "game.sgf").write_text(GAME)
    suggestions = suggest(tmp_path / "game.sgf", policy=FakePolicy(), move=move)
    assert (suggestions.to_play, suggestions.headline()) == (to_play, headline)
    assert suggestions.last_move == (None if last is None else move_of(last))
    assert np.count_nonzero(suggestions.board) == stones
    assert suggestions.move_number == (6 if move is None else move)


def test_a_variation_of_a_game(tmp_path):
    (tmp_path / "game.sgf").write_text(GAME)
    suggestions = suggest(tmp_path / "game.sgf", policy=FakePolicy(), path="1")
    assert (suggestions.last_move, suggestions.move_number) == (move_of("C6"), 5)


def test_a_position_takes_no_move_number():
    with pytest.raises(UsageError) as error:
        suggest(Position(), policy=FakePolicy(), move=3)
    assert str(error.value) == "`move` (=3) must be left out for a Position, which stands where it is"


@pytest.mark.parametrize("top", [0, -1])
def test_top_is_at_least_1(top):
    with pytest.raises(UsageError) as error:
        suggest(Position(), policy=FakePolicy(), top=top)
    assert str(error.value) == f"`top` (={top}) must be a whole number of at least 1"


def test_another_board_size_is_one_line():
    with pytest.raises(InputError) as error:
        suggest(Position(9), policy=FakePolicy())
    assert str(error.value) == "the position: the board (=9x9) must be 19x19, the size that the weights 'a-net' know"


def test_weights_that_give_no_numbers_are_refused():
    with pytest.raises(InputError) as error:
        suggest(Position(), policy=FakePolicy(np.full(361, np.nan)))
    assert str(error.value) == "the weights 'a-net' give probabilities that are not numbers; are they damaged?"


def test_moves_that_the_net_gives_nothing_share_equally():
    raw, sensible = np.array([0.9, 0.1, 0.0, 0.0]), np.array([False, False, True, True])
    assert share_out(raw, sensible, "a-net").tolist() == [0, 0, 0.5, 0.5]
    assert share_out(raw, np.array([False, True, True, False]), "a-net").tolist() == [0, 1, 0, 0]
    assert share_out(raw, np.zeros(4, bool), "a-net").tolist() == [0, 0, 0, 0]


def test_equals_are_ranked_from_the_upper_left():
    assert [s.move for s in rank(np.full(4, 0.25), np.ones(4, bool), 2, 3)] == [0, 1, 2]


def test_text_board_marks_the_moves():
    lines = suggest(Position(), policy=FakePolicy(), top=12).text_board().splitlines()
    assert lines[1] == "19  1 2 3 4 5 6 7 8 9 a b c . . . . . . .  19"


def test_table():
    lines = suggest(Position(), policy=FakePolicy(), top=361).table().splitlines()
    assert lines[0] == "rank   move  probability"
    assert lines[1] == "1      A19        0.55 %" and lines[10] == "10 a   K19        0.54 %"
    assert lines[361] == "361    T1         0.00 %" and len({len(line) for line in lines}) == 1


def test_after_two_passes_the_game_is_over():
    position = Position()
    position.play(361)
    assert not suggest(position, top=1).over
    position.play(361)
    found = suggest(position, top=1)
    assert found.over and found.headline() == "Black to play after move 2 (pass); the game is over, both have passed"
    assert found.as_dict()["game_over"] is True
