"""KataGo's analysis protocol: queries, answers and errors, with a net that is a table."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import Any

import pytest
from gtp_sessions import TableNet

from casecnn.cli import main
from casecnn.go.analysis.engine import AnalysisEngine, serve
from casecnn.go.analysis.query import QueryError, read_object, read_query
from casecnn.go.players.settings import Settings

NET = TableNet(5, C3=0.6, B2=0.3, A1=0.08, E5=0.02)
QUERY: dict[str, Any] = {"id": "q", "moves": [], "rules": "chinese", "boardXSize": 5, "boardYSize": 5}


def ask(*queries: dict[str, Any] | str, rollouts: int = 0, wait: bool = True, **settings) -> list[dict[str, Any]]:
    """The answers to some lines, in their order."""
    lines = [query if isinstance(query, str) else json.dumps(query) for query in queries]
    sink = io.StringIO()
    chosen = Settings(rollouts=rollouts, move_time=60, **settings)

    def engine_of(write):
        return AnalysisEngine(NET, write, chosen)

    serve(engine_of, io.BytesIO("\n".join(lines).encode()), sink, wait=wait)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_an_answer_without_rollouts():
    (answer,) = ask(QUERY)
    assert answer["id"] == "q" and answer["isDuringSearch"] is False and answer["turnNumber"] == 0
    assert [info["move"] for info in answer["moveInfos"]] == ["C3", "B2", "A1", "E5"]
    first = answer["moveInfos"][0]
    assert first == {
        "move": "C3", "visits": 1, "winrate": 0.5, "lcb": 0.5, "utility": 0.0, "utilityLcb": 0.0, "scoreLead": 0.0,
        "scoreSelfplay": 0.0, "scoreMean": 0.0, "prior": 0.6, "order": 0, "pv": ["C3", "B2", "A1", "E5", "A5", "B5"],
    }  # fmt: skip
    root = answer["rootInfo"]
    assert root["currentPlayer"] == "B" and root["visits"] == 4 and len(root["thisHash"]) == len(root["symHash"]) == 32
    assert not {"ownership", "policy"} & set(answer)


def test_turns_of_a_game():
    query = {**QUERY, "moves": [["B", "C3"], ["W", "(0,4)"], ["B", "pass"]], "analyzeTurns": [3, 0, 1]}
    answers = ask(query)
    assert [answer["turnNumber"] for answer in answers] == [3, 0, 1]
    assert [answer["rootInfo"]["currentPlayer"] for answer in answers] == ["W", "B", "W"]
    assert [info["move"] for info in answers[0]["moveInfos"]] == ["B2", "E5"]  # C3 and A1 are taken
    last = ask({**QUERY, "moves": [["B", "C3"]]})[0]
    assert last["turnNumber"] == 1 and last["rootInfo"]["thisHash"] == answers[2]["rootInfo"]["thisHash"]
    turned = [ask({**QUERY, "moves": [["B", vertex]]})[0]["rootInfo"] for vertex in ("B2", "D4")]
    assert turned[0]["symHash"] == turned[1]["symHash"] and turned[0]["thisHash"] != turned[1]["thisHash"]


def test_stones_and_player_at_the_start():
    query = {**QUERY, "initialStones": [["B", "C3"], ["B", "B2"]], "initialPlayer": "W"}
    answer = ask({**query, "includePolicy": True})[0]
    assert answer["rootInfo"]["currentPlayer"] == "W" and answer["moveInfos"][0]["move"] == "A1"
    policy = answer["policy"]
    assert len(policy) == 26 and policy[12] == policy[16] == -1 and policy[25] == 0
    assert sum(p for p in policy if p > 0) == pytest.approx(1) and policy[20] == pytest.approx(0.8)


def test_owners_of_points_are_blacks_unless_the_query_says_otherwise():
    stones = [["B", f"{column}{row}"] for column in "BD" for row in range(1, 6)]
    query = {**QUERY, "initialStones": stones, "includeOwnership": True, "includeMovesOwnership": True}
    answer = ask(query)[0]
    assert len(answer["ownership"]) == 25 and min(answer["ownership"]) > 0.9
    assert min(answer["moveInfos"][0]["ownership"]) > 0.9
    white = ask({**query, "overrideSettings": {"reportAnalysisWinratesAs": "WHITE"}})[0]
    assert max(white["ownership"]) < -0.9


def test_rollouts_are_shared_out_and_seen_from_one_side():
    """White's turn: the same games seen by Black, White and the side to move."""
    query = {**QUERY, "moves": [["B", "C3"]], "maxVisits": 12}
    sides = {}
    for side in ("BLACK", "WHITE", "SIDETOMOVE"):
        answer = ask({**query, "overrideSettings": {"reportAnalysisWinratesAs": side}}, rollouts=100)[0]
        assert {info["visits"] for info in answer["moveInfos"]} == {12 // len(answer["moveInfos"])}
        sides[side] = [(i["move"], i["winrate"], i["scoreLead"]) for i in answer["moveInfos"]]
        assert answer["rootInfo"]["winrate"] == answer["moveInfos"][0]["winrate"]
    assert sides["WHITE"] == sides["SIDETOMOVE"]
    for (move, rate, lead), (same, other, behind) in zip(sides["WHITE"], sides["BLACK"], strict=True):
        assert move == same and other == pytest.approx(1 - rate) and behind == -lead
    assert ask({**query, "maxVisits": 1}, rollouts=100)[0]["moveInfos"][0]["winrate"] == 0.5


def test_moves_may_be_forbidden():
    def moves(**restrictions) -> list[str]:
        return [info["move"] for info in ask({**QUERY, **restrictions})[0]["moveInfos"]]

    def rule(player: str, *vertices: str) -> list[dict[str, Any]]:
        return [{"player": player, "moves": list(vertices), "untilDepth": 1}]

    assert moves(avoidMoves=rule("B", "C3", "pass")) == ["B2", "A1", "E5"]
    assert moves(avoidMoves=rule("W", "C3")) == ["C3", "B2", "A1", "E5"]
    assert moves(allowMoves=rule("B", "A1", "E5")) == ["A1", "E5"]


def test_urgent_queries_come_first():
    engine = AnalysisEngine(NET, (answers := []).append)
    for name, priority in (("late", 0), ("soon", 5), ("later", 0)):
        engine.take(json.dumps({**QUERY, "id": name, "priority": priority}))
    engine.take(
        json.dumps({**QUERY, "id": "turns", "moves": [["B", "C3"]], "analyzeTurns": [0, 1], "priorities": [1, 9]})
    )
    engine.work(lambda: True)
    assert [(a["id"], a["turnNumber"]) for a in answers] == [
        ("turns", 1), ("soon", 0), ("turns", 0), ("late", 0), ("later", 0)
    ]  # fmt: skip


def test_actions():
    assert ask({"id": "v", "action": "query_version"})[0]["action"] == "query_version"
    assert {"version", "git_hash", "id"} <= set(ask({"id": "v", "action": "query_version"})[0])
    assert ask({"id": "c", "action": "clear_cache"}) == [{"id": "c", "action": "clear_cache"}]
    (unknown,) = ask({"id": "u", "action": "dance"})
    assert unknown["field"] == "action" and unknown["id"] == "u" and "query_version" in unknown["error"]


def test_what_waits_can_be_terminated():
    engine = AnalysisEngine(NET, (answers := []).append)
    engine.take(json.dumps({**QUERY, "id": "a", "moves": [["B", "C3"]], "analyzeTurns": [0, 1]}))
    engine.take(json.dumps({"id": "stop", "action": "terminate", "terminateId": "a", "turnNumbers": [1]}))
    engine.take(json.dumps({**QUERY, "id": "b"}))
    engine.work(lambda: True)
    assert answers[0] == {"id": "stop", "action": "terminate", "terminateId": "a", "turnNumbers": [1]}
    assert answers[2] == {"id": "a", "isDuringSearch": False, "noResults": True, "turnNumber": 1}
    assert [len(answers[i]["moveInfos"]) for i in (1, 3)] == [4, 4]


def test_what_is_at_work_reports_and_ends_when_it_is_terminated():
    reported = threading.Event()
    answers: list[dict[str, Any]] = []

    def write(answer: dict[str, Any]) -> None:
        answers.append(answer)
        if answer.get("isDuringSearch"):
            reported.set()

    engine = AnalysisEngine(NET, write, Settings(rollouts=100_000, move_time=600))
    engine.take(json.dumps({**QUERY, "maxVisits": 400_000, "reportDuringSearchEvery": 0.01}))
    worker = threading.Thread(target=engine.work, args=(lambda: True,))
    begin = time.monotonic()
    worker.start()
    assert reported.wait(120)
    engine.take(json.dumps({"id": "stop", "action": "terminate", "terminateId": "q"}))
    worker.join(120)
    assert not worker.is_alive() and time.monotonic() - begin < 240
    assert answers[0]["isDuringSearch"] and answers[0]["moveInfos"]
    assert answers[-1]["isDuringSearch"] is False and answers[-1]["id"] == "q"
    assert sum(a.get("isDuringSearch") is False for a in answers) == 1


def test_the_end_of_the_input_waits_for_the_answers_or_not():
    lines = [{**QUERY, "id": str(number)} for number in range(5)]
    assert [answer["id"] for answer in ask(*lines)] == list("01234")
    assert len(ask(*lines, wait=False)) == 5  # each has an answer, though it may have no results


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"boardXSize": None}, "boardXSize", "Must provide an integer from 5 to 25"),
        ({"boardYSize": 4}, "boardYSize", "Must provide an integer from 5 to 25"),
        (
            {"boardYSize": 6},
            "boardYSize",
            "Must be the same as boardXSize: a board of 5x6; only square boards are read",
        ),
        ({"rules": 5}, "rules", "Must specify rules string or JSON object"),
        ({"rules": "checkers"}, "rules", "Could not parse rules: there is no rule set 'checkers'; "),
        ({"rules": {"ko": "EIGHT"}}, "rules", "Could not parse rules: `ko` (=EIGHT) must be one of SIMPLE, "),
        ({"moves": None}, "moves", "Must specify an array of [player,location] tuples"),
        ({"moves": [["B", 5]]}, "moves", "Must specify an array of [player,location] tuples"),
        ({"moves": [["R", "C3"]]}, "moves", "Could not parse player: R"),
        ({"moves": [["B", "Z9"]]}, "moves", "Could not parse location: Z9"),
        ({"moves": [["B", "(5,0)"]]}, "moves", "Could not parse location: (5,0)"),
        ({"moves": [["B", "C3"], ["W", "C3"]]}, "moves", "Illegal move 1: C3"),
        ({"initialStones": [["B", "pass"]]}, "initialStones", "Illegal stones: a pass, or two stones on one point"),
        ({"initialPlayer": "x"}, "initialPlayer", 'Must be "b" or "w"'),
        ({"komi": 151}, "komi", "Must be a number from -150 to 150"),
        ({"komi": "7.5"}, "komi", "Must be a number from -150 to 150"),
        ({"analyzeTurns": 0}, "analyzeTurns", "Must specify an array of integers"),
        ({"analyzeTurns": [1]}, "analyzeTurns", "Invalid turn number, "),
        ({"maxVisits": 0}, "maxVisits", "Must be an integer from 1 to 1000000000"),
        ({"includePolicy": "yes"}, "includePolicy", "Must be a boolean"),
        ({"priority": 1.5}, "priority", "Must be an integer"),
        ({"priorities": [1, 2]}, "priorities", "Must be of same length as analyzeTurns"),
        ({"avoidMoves": [{"player": "B"}]}, "avoidMoves", "Must be a list of dicts with subfields"),
        (
            {"reportDuringSearchEvery": 0},
            "reportDuringSearchEvery",
            "reportDuringSearchEvery: must be a number above 0",
        ),
        ({"overrideSettings": []}, "overrideSettings", "Must be an object"),
    ],
)
def test_errors_name_the_field(change, field, error):
    query = {**QUERY, **change}
    if None in change.values():
        del query[field]
    (answer,) = ask(query)
    assert answer["id"] == "q" and answer["field"] == field and answer["error"].startswith(error)


def test_lines_that_are_no_queries():
    assert ask("{", "[1]", '{"id": 5}', "", "   ") == [
        {"error": "Could not parse input line as json request: Expecting property name enclosed in double quotes: "
                  "line 1 column 2 (char 1)"},
        {"error": "Input line was valid json but was not an object, ignoring"},
        {"error": 'Request must have a string "id" field'},
    ]  # fmt: skip
    with pytest.raises(QueryError):
        read_object("[" * 100_000)


def test_a_field_that_is_not_known_is_a_warning():
    warning, answer = ask({**QUERY, "colour": "red"})
    assert warning == {"warning": "Unexpected or unused field", "field": "colour", "id": "q"}
    assert answer["moveInfos"]


def test_komi_and_handicap_follow_the_rules():
    assert read_query({**QUERY, "rules": "japanese"}).turns[0].position.komi == 6.5
    stones = [["B", "C3"], ["B", "B2"]]
    assert read_query({**QUERY, "initialStones": stones, "komi": 0}).turns[0].position.komi == 2
    free = {**QUERY, "initialStones": stones, "komi": 0, "whiteHandicapBonus": "0"}
    assert read_query(free).turns[0].position.komi == 0


@pytest.mark.slow
def test_the_command(capsys, monkeypatch):
    lines = json.dumps({**QUERY, "boardXSize": 9, "boardYSize": 9, "maxVisits": 60}).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert main(["go", "analysis"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["id"] == "q" and len(answer["moveInfos"]) > 5
