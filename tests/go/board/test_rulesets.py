"""Rules by name: suicide of several stones, superko, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest

from casecnn.go.board.rulesets import DEFAULT, RULESETS, ruleset
from casecnn.go.planes.fast import game_features
from casecnn.go.position import Position
from casecnn.go.sgf.game import read_game

# Black's three stones in the corner take themselves off at move 8; White's one at move 4.
SUICIDE = "(;SZ[9]{};W[ca];B[aa];W[bb];B[ee];W[ac];B[ab];W[gg];B[ba];W[ff])"
SINGLE = "(;SZ[9]{};B[ba];W[gg];B[ab];W[aa];B[hh])"
# A ko that Black takes at move 9. Both pass, which lifts the simple ko, and White takes back: the board of move 8.
KO = "(;SZ[9]{};B[ba];W[ca];B[ab];W[db];B[bc];W[cc];B[ii];W[bb];B[cb];W[];B[];W[bb];B[ee])"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "unknown"), ("Chinese", "Chinese"), ("chinese rules", "Chinese"), ("CN", "Chinese"),
        ("中国规则", "Chinese"),
        ("Japanese", "Japanese"), ("jp", "Japanese"), ("日本", "Japanese"), ("Korean", "Korean"), ("한국", "Korean"),
        ("AGA", "AGA"), ("NZ", "New Zealand"), ("New Zealand", "New Zealand"), ("New-Zealand", "New Zealand"),
        ("GOE", "Ing"), ("Ing", "Ing"), ("應氏", "Ing"), ("Tromp-Taylor", "Tromp-Taylor"),
        ("tromp taylor", "Tromp-Taylor"),
        ("TT", "Tromp-Taylor"), ("French", "French"), ("stone-scoring", "stone scoring"),
    ],
)  # fmt: skip
def test_names(text, name):
    assert ruleset(text).name == name


@pytest.mark.parametrize("text", ["house rules", "Japanese or Chinese", "ringing"])
def test_names_that_say_nothing(text):
    assert ruleset(text) is None
    record = read_game(f"(;SZ[9]RU[{text}];B[aa])".encode())
    assert record.warnings == (f"RU[{text}] is not known; simple ko and no suicide are assumed",)


def test_each_says_what_it_allows():
    assert [rules.name for rules in RULESETS if rules.suicide] == ["New Zealand", "Tromp-Taylor", "Ing"]
    assert [rules.name for rules in RULESETS if rules.superko] == [
        "AGA", "French", "New Zealand", "Tromp-Taylor", "Ing",
    ]  # fmt: skip
    assert not DEFAULT.suicide and not DEFAULT.superko


@pytest.mark.parametrize("rules", ["Tromp-Taylor", "NZ", "Ing", "GOE", "Japanese", "Chinese", ""])
def test_suicide_of_several_stones(rules):
    record = read_game(SUICIDE.format(f"RU[{rules}]").encode())
    allowed = rules not in ("Japanese", "Chinese", "")
    assert len(record) == (9 if allowed else 7)
    assert record.cut == ("" if allowed else "illegal move 8, Black at B9: suicide is not allowed; the game is read"
                          " up to move 7")  # fmt: skip
    if allowed:
        board = Position.from_record(record).board
        assert not board[0, :2].any() and board[1, 0] == 0 and board[0, 2] == 2
        planes = game_features(9, record.events)
        assert planes.shape[0] == 9 and not planes[8, 0:2, 0, 0].any()
        assert np.array_equal(planes[8, 1].astype(bool), Position.from_record(record, 8).board == 1)


@pytest.mark.parametrize("rules", ["Tromp-Taylor", "NZ", "Ing", "Japanese"])
def test_a_single_stone_never_takes_itself_off(rules):
    record = read_game(SINGLE.format(f"RU[{rules}]").encode())
    assert record.cut.startswith("illegal move 4, White at A9: suicide is not allowed")


@pytest.mark.parametrize("rules", ["Japanese", "Chinese", "Korean", "Ing", "", "AGA", "NZ", "French", "Tromp-Taylor"])
def test_superko_where_the_rules_say_so(rules):
    record = read_game(KO.format(f"RU[{rules}]").encode())
    if ruleset(rules).superko:
        assert record.cut == (
            "illegal move 12, White at B8: superko: the position was on the board before; the game is read up to"
            " move 11"
        )
        position = Position.from_record(record)
        assert position.superko and not position.is_legal(9 + 1)
    else:
        assert record.cut == "" and len(record) == 13
        assert not Position.from_record(record).superko


def test_superko_looks_at_who_is_to_move_and_not_at_what_was_set_up():
    """A passed turn makes no repetition, and neither do stones that are set up."""
    for rules in ("AGA", "Tromp-Taylor"):
        assert not read_game(f"(;SZ[9]RU[{rules}];B[];W[];B[aa];W[];B[])".encode()).cut
        assert not read_game(f"(;SZ[9]RU[{rules}];B[aa];AE[aa];B[aa];W[bb])".encode()).cut
