"""Komi in the forms in which it is found: right, or with a warning that names the value taken."""

from __future__ import annotations

import pytest

from casecnn.go.sgf.game import read_game
from casecnn.go.sgf.komi import read_komi
from casecnn.go.sgf.writer import record_sgf

CERTAIN = [
    ("6.5", 6.5), ("7", 7), ("0", 0), ("-6.5", -6.5), ("+7.5", 7.5), (" 5.5 ", 5.5), ("06.50", 6.5), (".5", 0.5),
    ("6,5", 6.5), ("7,50", 7.5), ("375", 7.5), ("325", 6.5), ("275", 5.5), ("650", 6.5), ("750", 7.5), ("550", 5.5),
    ("3.75", 7.5), ("2.75", 5.5), ("3 3/4", 7.5), ("3¾", 7.5), ("6½", 6.5), ("6 1/2", 6.5), ("½", 0.5),
    ("6目半", 6.5), ("六目半", 6.5), ("６目半", 6.5), ("6.5目", 6.5), ("五目半", 5.5), ("半目", 0.5), ("7目", 7),
    ("コミ6目半", 6.5), ("5目半コミ出し", 5.5), ("3.75子", 7.5), ("3又3/4子", 7.5), ("贴3又3/4子", 7.5),
    ("黑贴三又四分之三子", 7.5), ("2又3/4子", 5.5), ("倒贴6目半", -6.5), ("6집반", 6.5), ("덤 6집반", 6.5),
    ("6호반", 6.5), ("6.5 points", 6.5), ("komi: 7.5", 7.5), ("five and a half", 5.5), ("7.5 (Chinese)", 7.5),
]  # fmt: skip
DOUBTFUL = [
    ("65", 6.5, "KM[65] is taken as 6.5, with a decimal point that is missing"),
    ("75", 7.5, "KM[75] is taken as 7.5, with a decimal point that is missing"),
    ("200", 2, "KM[200] is taken as 2, from hundredths"),
    ("50", 50, "KM[50] is an unusual komi; taken as 50"),
    ("5.75", 5.75, "KM[5.75] is an unusual komi; taken as 5.75"),
    ("6.3", 6.3, "KM[6.3] is no whole number of half points; taken as 6.3"),
    ("", 7.5, "KM[] is not a komi; taken as 7.5"),
    ("about six", 7.5, "KM[about six] is not a komi; taken as 7.5"),
    ("none", 7.5, "KM[none] is not a komi; taken as 7.5"),
    ("6.5 or 7.5", 7.5, "KM[6.5 or 7.5] is not a komi; taken as 7.5"),
    ("1e3", 7.5, "KM[1e3] is not a komi; taken as 7.5"),
    ("nan", 7.5, "KM[nan] is not a komi; taken as 7.5"),
    ("99999", 7.5, "KM[99999] is not a komi; taken as 7.5"),
]
FOX = [
    ("375", "Chinese", 0, 7.5), ("325", "Chinese", 2, 6.5), ("350", "Chinese", 0, 7), ("650", "Japanese", 0, 6.5),
    ("750", "Chinese", 0, 7.5), ("50", "Japanese", 0, 0.5), ("0", "Japanese", 2, 0.5), ("0", "Japanese", 0, 0),
    ("7.5", "Chinese", 0, 7.5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "komi"), CERTAIN)
def test_certain_forms_give_no_warning(text, komi):
    assert read_komi(text) == (komi, "")


@pytest.mark.parametrize(("text", "komi", "warning"), DOUBTFUL)
def test_doubtful_forms_name_the_value_taken(text, komi, warning):
    assert read_komi(text) == (komi, warning)


@pytest.mark.parametrize(("text", "rules", "handicap", "komi"), FOX)
def test_fox_counts_in_hundredths(text, rules, handicap, komi):
    sgf = f"(;SZ[19]KM[{text}]HA[{handicap}]RU[{rules}]AP[GNU Go:3.8]AP[foxwq];B[aa])"
    assert read_game(sgf.encode()).komi == komi


@pytest.mark.parametrize("komi", [0.0, 0.5, 5.75, 6.3, 50.0, 65.0, 100.0, 200.0, -361.0])
def test_our_own_games_come_back_as_they_were_written(komi):
    record = read_game(f"(;SZ[9]AP[casecnn:0.1.0]KM[{komi:g}];B[aa])".encode())
    assert (record.komi, record.warnings) == (komi, ())
    assert read_game(record_sgf(record)).komi == komi


def test_the_property_of_sina_and_the_first_of_several_values():
    assert read_game(b"(;SZ[9]KO[6.5];B[aa])").komi == 6.5
    assert read_game(b"(;SZ[9]KM[375]KM[0]KO[1];B[aa])").komi == 7.5
    assert read_game("(;SZ[9]CA[gb2312]KM[6目半];B[aa])".encode("gb18030")).komi == 6.5


def test_a_komi_of_0_that_the_result_contradicts():
    record = read_game(b"(;SZ[9]KM[0]RE[B+3.5];B[aa])")
    assert (record.komi, record.warnings) == (0, ("KM[0] does not go with RE[B+3.5]; taken as 0",))
    assert read_game(b"(;SZ[9]KM[0]RE[B+3];B[aa])").warnings == ()
