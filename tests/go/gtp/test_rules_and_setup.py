"""The Go Text Protocol: rules, parameters, clocks and positions, as programs made for KataGo and GoGui ask for them."""

from __future__ import annotations

import json

import pytest
from gtp_sessions import TableNet, session

from casecnn.go.board.katago_rules import NAMED, as_dict, ruleset_of
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.gtp.clock import SHARE, Clock
from casecnn.go.gtp.engine import Engine
from casecnn.go.players.settings import Settings


def answers(text: str, engine: Engine | None = None) -> list[str]:
    """The answers to some lines, without the empty ones between them."""
    return [part.strip() for part in session(text, engine or Engine(TableNet(5))).split("\n\n") if part.strip()]


# Rules


@pytest.mark.parametrize("name", NAMED)
def test_rules_by_name_come_back_as_json(name):
    said = answers(f"kata-set-rules {name}\nkata-get-rules\n")
    found = json.loads(said[1].removeprefix("= "))
    assert said[0] == "=" and found == as_dict(NAMED[name])
    assert as_dict(ruleset_of(found)) == found


def test_rules_by_name_by_object_and_by_field():
    asked = 'kata-set-rules {"ko": "POSITIONAL", "suicide": true}\nkata-set-rule scoring TERRITORY\nkata-get-rules\n'
    rules = json.loads(answers(asked)[2].removeprefix("= "))
    assert (rules["ko"], rules["suicide"], rules["scoring"], rules["tax"]) == ("POSITIONAL", True, "TERRITORY", "SEKI")
    assert answers("kgs-rules japanese\nkata-get-rules\n")[1].count('"scoring":"TERRITORY"') == 1
    assert '"ko":"POSITIONAL"' in answers("kgs-rules chinese\nkata-get-rules\n")[1]  # KGS forbids repetition


def test_what_an_object_leaves_out_is_as_under_tromp_taylor_rules():
    assert as_dict(ruleset_of({})) == as_dict(NAMED["tromp-taylor"])
    assert as_dict(ruleset_of('{"score": "TERRITORY", "suicide": false, "ko": "SIMPLE"}')) == as_dict(NAMED["japanese"])


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("kata-set-rules chines", "? there is no rule set 'chines'; did you mean chinese"),
        ("kata-set-rules {", "? the rules are no JSON object: "),
        ('kata-set-rules {"tax":"ALL"}', "? `tax` (=ALL) must be one of NONE, SEKI"),
        ('kata-set-rules {"colour":1}', "? there is no rule 'colour'; choose from friendlyPassOk, "),
        ("kata-set-rule ko NONE", "? `ko` (=NONE) must be one of SIMPLE, POSITIONAL, SITUATIONAL"),
        ("kata-set-param speed 3", "? unknown parameter 'speed'; there are maxVisits, "),
        ("kata-set-param maxVisits many", "? invalid value: 'many' is no whole number"),
        ("kata-set-param maxTime 0", "? invalid value: `move_time` (=0.0) must be a number above 0"),
        ("set_position b", "? syntax error: set_position takes pairs of a colour and a vertex"),
        ("set_position b A1 w A1", "? bad position: it takes stones of black and white on different points"),
        ("set_position b pass", "? bad position: it takes stones of black and white on different points"),
        ("set_position b A1 w A2 w B1", "? bad position: the stone at A1 has no liberty"),
        ("gogui-setup b pass", "? bad vertex list: a pass is no stone"),
        ("gogui-setup r A1", "? syntax error: 'r' is no colour"),
        ("final_status pass", "? syntax error: a pass has no status"),
        ("kata-time_settings blitz 1", "? syntax error: the kinds of time settings are none, absolute, "),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(command, error):
    engine = Engine(TableNet(5))
    said = answers(f"play b C3\n{command}\n", engine)
    assert said[1].startswith(error) and engine.position.move_number == 1 and engine.position.board.sum() == 1


def test_suicide_and_superko_follow_the_rules():
    suicide = "gogui-setup b A2 b B2 b C1 w A1\nis_legal w B1\n"
    assert answers(suicide)[-1] == "= 0" and answers("kata-set-rules tromp-taylor\n" + suicide)[-1] == "= 1"
    ko = "gogui-setup b B1 b A2 b B3 w C1 w D2 w C3 b C2\nplay w B2\nplay b E5\nplay w E4\nplay b C2\nis_legal w B2\n"
    assert answers(ko)[-1] == "= 0"  # the simple ko
    cycle = ko.replace("is_legal w B2", "play w E3\nplay b E2\nis_legal w B2")
    assert answers(cycle)[-1] == "= 1"


def test_territory_and_handicap_are_counted_by_the_rules():
    split = " ".join(f"b B{row} w C{row}" for row in range(1, 6))
    ended = f"komi 0\nset_position {split}\nplay b pass\nplay w pass\n"
    assert answers(ended + "final_score\n")[-1] == "= W+5"  # 10 against 15 points
    assert answers(ended + "kgs-rules japanese\nfinal_score\n")[-1] == "= W+5"  # 5 against 10
    dead = ended.replace("set_position", "set_position w A3")
    assert answers(dead + "final_status A3\nkgs-rules japanese\nfinal_score\n")[-2:] == ["=", "= W+4"]
    handicap = "boardsize 9\nkomi 0\nfixed_handicap 2\nplay w pass\nplay b pass\n"
    engine = Engine(TableNet(9))
    assert answers(handicap + "final_score\nkata-set-rules aga\nfinal_score\nkata-set-rules chinese\nfinal_score\n",
                   engine)[-5::2] == ["= B+81", "= B+80", "= B+79"]  # fmt: skip


def test_parameters():
    engine = Engine(TableNet(5), Settings(rollouts=4))
    said = answers("kata-get-param maxVisits\nkata-set-param maxVisits 80\nkata-set-param maxTime 3\n"
                   "kata-get-param maxVisits\nkata-list-params\n", engine)  # fmt: skip
    assert said == ["= 32", "=", "=", "= 80", "= maxVisits maxTime chosenMoveTemperature"]
    assert engine.settings.rollouts == engine.player.settings.rollouts == 10 and engine.settings.move_time == 3


# Positions


def test_a_position_without_a_history():
    engine = Engine(TableNet(5))
    assert answers("play b A1\nset_position b C3 w C2\nundo\nprintsgf\n", engine)[1:3] == ["=", "? cannot undo"]
    assert engine.position.to_play == BLACK and int(engine.position.board.sum()) == BLACK + WHITE
    assert engine.events[0] >> 12 == 1 and "AB[cc]" in answers("printsgf\n", engine)[0]


def test_stones_that_are_added_and_cleared():
    engine = Engine(TableNet(5))
    said = answers("play b C3\ngogui-setup w C2 e C3\ngogui-setup_player w\nplay w A1\nundo\nshowboard\n", engine)
    assert "White to play" in said[-1] and engine.position.board[2, 2] == 0 and engine.position.board[3, 2] == WHITE


def test_a_sequence_is_played_as_a_whole():
    engine = Engine(TableNet(5))
    assert answers("gogui-play_sequence b A1 w A1\n", engine) == ["? illegal move"] and not engine.position.moves
    assert answers("gogui-play_sequence b A1 w B1\n", engine) == ["="] and engine.position.move_number == 2


def test_small_commands():
    said = answers("get_komi\nkomi 5.5\nget_komi\nis_legal b C3\nplay b C3\nis_legal w C3\nclear_cache\n")
    assert said == ["= 7.5", "=", "= 5.5", "= 1", "=", "= 0", "="]
    assert float(answers("cputime\n")[0].removeprefix("= ")) > 0
    assert answers("boardsize 6\nfixed_handicap 2\n", Engine(TableNet(6)))[1] == (
        "? invalid number of stones: no stones have a fixed place on 6x6"
    )


# Clocks


def test_time_settings_alone_are_a_clock():
    engine = Engine(TableNet(5), Settings(move_time=100))
    assert engine.seconds_for(BLACK) == pytest.approx(SHARE * 100) or engine.seconds_for(BLACK) == 100
    answers("time_settings 20 0 0\n", engine)
    assert engine.seconds_for(BLACK) == pytest.approx(SHARE * 20 / 20)
    engine.clock.used[BLACK] = 10
    assert engine.seconds_for(BLACK) == pytest.approx(SHARE * 10 / 20)
    assert engine.seconds_for(WHITE) == pytest.approx(SHARE * 20 / 20)
    answers("clear_board\n", engine)
    assert engine.seconds_for(BLACK) == pytest.approx(SHARE * 20 / 20)


@pytest.mark.parametrize(
    ("line", "used", "seconds"),
    [
        ("time_settings 0 30 5", 0, 6),
        ("time_settings 100 30 5", 0, 10 + 6),
        ("time_settings 100 30 5", 500, 6),
        ("time_settings 0 10 0", 0, float("inf")),
        ("kgs-time_settings none", 0, float("inf")),
        ("kgs-time_settings absolute 100", 40, 6),
        ("kgs-time_settings byoyomi 100 8 3", 100, 8),
        ("kgs-time_settings canadian 0 50 10", 0, 5),
        ("kata-time_settings fischer 50 2.5", 0, 5 + 2.5),
        ("kata-time_settings fischer-capped 500 10 600 20", 0, 20),
    ],
)
def test_what_settings_give_a_move(line, used, seconds):
    engine = Engine(TableNet(5))
    assert answers(line + "\n", engine) == ["="]
    engine.clock.used[BLACK] = used
    assert engine.clock.seconds_for_move(BLACK, 10) == pytest.approx(SHARE * seconds)


def test_what_the_controller_tells_goes_before_the_engines_own_count():
    clock = Clock()
    clock.set(100, 8, periods=True)
    clock.time_left(BLACK, 6, 2)  # the rest of a period, and how many there are
    assert clock.seconds_for_move(BLACK, 10) == pytest.approx(SHARE * 6)
    with clock.running(WHITE):
        pass
    assert 0 < clock.used[WHITE] < 10


def test_oblong_boards_are_refused_in_one_voice():
    lines = "boardsize 9 7\nrectangular_boardsize 9 7\nboardsize 4 4 4\nrectangular_boardsize 7 7\nboardsize 9 9\n"
    refused = "? unacceptable size: a board of 9x7; only square boards are read"
    engine = Engine(TableNet(9), resize=TableNet)
    assert answers(lines, engine) == [
        refused, refused, "? syntax error: boardsize takes one number, or two, not 3", "=", "=",
    ]  # fmt: skip
    assert engine.size == 9
