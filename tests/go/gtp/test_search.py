"""An engine that searches: its moves, its clock, its analyses."""

from __future__ import annotations

import json
import re
import time

import pytest
from area_net import AreaNet
from gtp_sessions import TableNet, session

from casecnn.errors import UsageError
from casecnn.go.analysis.engine import AnalysisEngine
from casecnn.go.gtp.engine import Engine
from casecnn.go.players.settings import Settings

FULL = "boardsize 5\nkomi 0\n" + "".join(
    f"play {colour} {vertex}\n"
    for colour, vertices in {
        "b": "B5 C5 A4 B4 C4 B3 A2 B2 A1 B1 C1".split(),
        "w": "D5 D4 E4 C3 D3 C2 D2 E2 D1".split(),
    }.items()
    for vertex in vertices
)


def engine(size: int = 5, **settings) -> Engine:
    return Engine(AreaNet(size), Settings(**{"threads": 1, **settings}), AreaNet)


def answers(text: str, player: Engine) -> list[str]:
    return session(text, player).strip("\n").split("\n\n")


def test_a_search_finds_the_capture_that_the_policy_does_not_know():
    """All points are as likely to the net; four stones can be taken at E4 or E5."""
    position = "play b B3\nplay b B4\nplay b C5\nplay w C3\nplay w C4\nplay w D3\nplay w D4\n" + "".join(
        f"play b {v}\n" for v in ("C2", "D2", "D5", "E4")
    )
    assert answers(position + "genmove b\n", engine(visits=400))[-1] == "= E3"
    found = answers(position + "kata-genmove_analyze b rootInfo true ownership true\n", engine(visits=400))[-1]
    assert found.splitlines()[-1] == "play E3" and "info move E3 visits " in found and " ownership " in found


def test_a_pass_is_answered_and_a_game_ends():
    """Black is ahead by 1: White's pass is answered with a pass; White, behind, passes when nothing is left."""
    assert answers(FULL + "play w pass\ngenmove b\n", engine(visits=50))[-1] == "= pass"
    player = engine(visits=40)
    moves = [answers(f"genmove {colour}\n", player)[0] for colour in "bw" * 40]
    assert "= pass" in moves and all(move.startswith("= ") for move in moves)


def test_visits_mean_the_same_in_every_line():
    """The moves' visits add up to those of the position, less the look at the position itself."""
    lines = answers("lz-analyze\n", engine(visits=100))
    visits = [int(number) for number in re.findall(r" visits (\d+)", lines[-1])]
    assert sum(visits) == 99
    lines = answers("kata-analyze b maxmoves 3 rootInfo true\n", engine(visits=100))[-1].splitlines()[-1]
    assert lines.count("info move") == 3 and "rootInfo visits 100 winrate 0." in lines and " scoreLead " in lines
    assert re.search(
        r"info move \w\d visits \d+ winrate 0\.\d{6} scoreMean -?[\d.]+ scoreLead -?[\d.]+ prior 0\.", lines
    )
    assert re.search(r" pv( \w\d)+ info", lines)


def test_an_analysis_keeps_to_moves_that_are_allowed():
    lines = answers("lz-analyze b allow b A1,B2 1\nlz-analyze b avoid b C3,pass 1\n", engine(visits=30))
    assert set(re.findall(r"move (\w\d)", lines[0])) == {"A1", "B2"}
    assert "move C3 " not in lines[1] and "pass" not in re.findall(r"move (\w+)", lines[1])
    assert answers("lz-genmove_analyze b allow b A1 1\n", engine(visits=30))[-1].endswith("play A1")


def test_an_analysis_goes_on_until_the_next_line():
    player = engine(9, visits=10)
    found = session("kata-analyze b 5 ownership true\nname\n", player)
    assert found.startswith("=\ninfo move") and found.endswith("= casecnn\n\n")
    numbers = re.search(r" ownership ((?:-?[\d.]+ ?)+)", found)
    assert len(numbers[1].split()) == 81


@pytest.mark.parametrize(
    "clock",
    ["time_settings 0 1 1", "kgs-time_settings absolute 4", "kata-time_settings byoyomi 0 1 3", "time_settings 4 0 0"],
)
def test_a_clock_is_obeyed(clock):
    player = engine(9, visits=10_000_000)
    answers("genmove b\n", engine(9, visits=30))  # compiled
    begin = time.monotonic()
    answers(f"{clock}\ngenmove b\nclear_board\n", player)
    assert time.monotonic() - begin < 2


def test_nearly_no_time_left_is_enough_for_a_move():
    player = engine(9, visits=10_000_000)
    begin = time.monotonic()
    text = "time_settings 60 0 0\n" + "time_left b 0 0\ngenmove b\ntime_left w 1 0\ngenmove w\n" * 5
    found = answers(text, player)
    assert time.monotonic() - begin < 5 and all(re.fullmatch(r"= \w\d|=", line) for line in found)


def test_a_clock_alone_makes_a_net_search_that_can():
    player = engine(5)
    answers("genmove b\n", player)
    assert player.player.searcher.last is None
    answers("time_settings 0 1 1\ngenmove w\n", player)
    assert player.player.searcher.last.visits > 1


def test_a_net_without_a_value_branch_plays_as_ever():
    table = Engine(TableNet(5), Settings(move_time=1.0))
    begin = time.monotonic()
    assert answers("genmove b\n", table)[-1] == "= A5" and time.monotonic() - begin < 0.9


def test_pondering_ends_with_the_next_move():
    player = engine(9, visits=30, ponder=True)
    found = answers("genmove b\ngenmove w\nboardsize 5\ngenmove b\nclear_cache\n", player)
    assert all(re.fullmatch(r"= \w\d|=", line) for line in found)


def test_parameters_of_katago():
    player = engine(5, visits=100)
    text = "kata-get-param maxVisits\nkata-set-param maxVisits 7\nkata-get-param maxVisits\nkata-get-param maxTime\n"
    assert answers(text, player) == ["= 100", "=", "= 7", "= 10"]
    assert answers("genmove b\n", player) and player.player.searcher.last.visits == 7


def test_settings_of_a_search_are_checked():
    with pytest.raises(UsageError, match=r"`visits` \(=0\)"):
        Settings(visits=0)
    with pytest.raises(UsageError, match=r"`visits` \(=5\) must be left out with `rollouts` \(=3\)"):
        Settings(visits=5, rollouts=3)


def ask(query: dict, **settings) -> list[dict]:
    found: list[dict] = []
    player = AnalysisEngine(AreaNet(5), found.append, Settings(**{"threads": 1, **settings}), AreaNet)
    base = {"id": "a", "moves": [], "rules": "chinese", "komi": 5, "boardXSize": 5, "boardYSize": 5}
    player.take(json.dumps({**base, **query}))
    player.work(lambda: True)
    return found


def test_an_analysis_query_is_searched():
    (found,) = ask({"maxVisits": 60, "includeOwnership": True, "includePolicy": True, "includePVVisits": True})
    assert found["rootInfo"]["visits"] == 60 and sum(move["visits"] for move in found["moveInfos"]) == 59
    assert len(found["ownership"]) == 25 and len(found["policy"]) == 26
    assert found["rootInfo"]["scoreLead"] < 0 and not found["isDuringSearch"]
    first = found["moveInfos"][0]
    assert first["order"] == 0 and first["pv"][0] == first["move"] and 0 < first["winrate"] < 1
    (white,) = ask({"maxVisits": 60, "initialPlayer": "w", "includeOwnership": True})
    (seen,) = ask(
        {"maxVisits": 60, "initialPlayer": "w", "overrideSettings": {"reportAnalysisWinratesAs": "SIDETOMOVE"}}
    )
    assert seen["rootInfo"]["winrate"] == pytest.approx(1 - white["rootInfo"]["winrate"], abs=1e-5)
    assert seen["rootInfo"]["scoreLead"] == pytest.approx(-white["rootInfo"]["scoreLead"], abs=1e-3)


def test_an_analysis_reports_on_the_way_and_one_visit_is_the_net_alone():
    (found,) = ask({"maxVisits": 1})
    assert found["rootInfo"]["visits"] == 1
    many = ask({"reportDuringSearchEvery": 0.05, "overrideSettings": {"maxTime": 0.4}, "maxVisits": 100_000_000})
    assert len(many) > 2 and [answer["isDuringSearch"] for answer in many] == [True] * (len(many) - 1) + [False]
    visits = [answer["rootInfo"]["visits"] for answer in many]
    assert visits == sorted(visits)
