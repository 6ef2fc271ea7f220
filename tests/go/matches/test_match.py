"""Matches between small fake engines: who wins, who is at fault, and taking a match up again."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sgfmill import sgf

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.go.matches.client import EngineGone, EngineRefused, EngineSilent, GtpClient
from casecnn.go.matches.game import MatchGame, Terms
from casecnn.go.matches.match import match
from casecnn.go.matches.summary import table
from casecnn.go.position import Position
from casecnn.go.sgf.game import read_game
from casecnn.interruption import Interrupted

FAKE = Path(__file__).with_name("fake_engine.py")
SMALL = Terms(size=5, komi=0.5, move_time_limit=20)


def fake(*arguments: str) -> str:
    """The command line of a fake engine."""
    return shlex.join([sys.executable, "-I", "-S", str(FAKE), *arguments])


def one_game(tmp_path, black: str, white: str, terms: Terms = SMALL, **options) -> dict:
    """What a match of one game says of it."""
    match(black, white, 1, tmp_path / "match", terms, **options)
    (line,) = (tmp_path / "match" / "games.jsonl").read_text().splitlines()
    return json.loads(line)


# A wall for each side: Black has two columns and the middle, White two.
BLACK = fake("--name", "wall", "C1", "C2", "C3", "C4", "C5")
WHITE = fake("--name", "other wall", "D1", "D2", "D3", "D4", "D5")


def test_a_game_is_scored_by_area(tmp_path):
    facts = one_game(tmp_path, BLACK, WHITE)
    assert (facts["result"], facts["winner"], facts["score"], facts["moves"]) == ("B+4.5", "first", 4.5, 12)
    assert (facts["ended"], facts["reason"], facts["disputed"]) == ("passes", "", False)
    assert (facts["black"], facts["white"]) == ("wall 1.0", "other wall 1.0")
    assert facts["genmoves"] == {"first": 6, "second": 6}
    game = sgf.Sgf_game.from_bytes((tmp_path / "match" / "game-00001.sgf").read_bytes())
    root = game.get_root()
    assert [root.get(key) for key in ("PB", "PW", "RE", "KM", "SZ")] == ["wall 1.0", "other wall 1.0", "B+4.5", 0.5, 5]
    assert [node.get_move() for node in game.get_main_sequence()[1:3]] == [("b", (0, 2)), ("w", (0, 3))]


@pytest.mark.parametrize(
    ("black_list", "white_list", "score", "disputed"),
    [
        (["--dead", "A1"], ["--dead", "A1"], 4.5, False),
        (["--dead", "A1"], ["--dead", ""], -6.5, True),
        (["--dead", "A1"], ["--no-list"], 4.5, False),
        (["--no-list"], ["--no-list"], -6.5, False),
        (["--dead", "A1 E5"], ["--dead", "A1 E5"], 4.5, False),  # E5 is empty
    ],
)
def test_stones_that_both_call_dead_are_taken_off(tmp_path, black_list, white_list, score, disputed):
    black = fake(*black_list, "C1", "C2", "C3", "C4", "C5")
    white = fake(*white_list, "D1", "D2", "D3", "D4", "D5", "A1")
    facts = one_game(tmp_path, black, white)
    assert (facts["score"], facts["disputed"], facts["moves"]) == (score, disputed, 14)


@pytest.mark.parametrize(("text", "score", "winner"), [("B+3.5", 3.5, "first"), ("W+2", -2, "second"), ("0", 0, "")])
def test_a_judge_decides(tmp_path, text, score, winner):
    log = tmp_path / "judge.log"
    facts = one_game(tmp_path, BLACK, WHITE, judge=fake("--score", text, "--log", str(log)))
    assert (facts["score"], facts["winner"]) == (score, winner)
    lines = log.read_text().split("\n")
    assert lines[:5] == ["boardsize 5", "clear_board", "komi 0.5", "play B C1", "play W D1"]
    assert lines[13:16] == ["play B pass", "play W pass", "final_score"]


def test_a_judge_that_cannot_judge(tmp_path):
    with pytest.raises(InputError, match="gives a score \\(='who knows'\\) that is none, such as B\\+3.5$"):
        one_game(tmp_path, BLACK, WHITE, judge=fake("--score", "who knows"))


@pytest.mark.parametrize(
    ("moves", "result", "ended", "reason"),
    [
        (["crash"], "B+F", "crash", "it was ended by SIGKILL"),
        (["exit7"], "B+F", "crash", "it ended with exit code 7"),
        (["C1"], "B+F", "illegal move", "move 2, White C1: the point is not empty"),
        (["F1"], "B+F", "illegal move", "the answer to genmove (='F1') is no move"),
        (["D1", "no move"], "B+F", "illegal move", "the answer to genmove (='no move') is no move"),
        (["error"], "B+F", "illegal move", "I do not know"),
        (["D1", "resign"], "B+R", "resignation", ""),
    ],
)
def test_who_misbehaves_loses(tmp_path, moves, result, ended, reason):
    facts = one_game(tmp_path, BLACK, fake(*moves))
    assert (facts["result"], facts["winner"], facts["ended"], facts["reason"]) == (result, "first", ended, reason)
    summary = json.loads((tmp_path / "match" / "summary.json").read_text())
    assert summary["engines"][1]["failures"].get(ended, 0) == (ended != "resignation")
    assert not any(summary["engines"][0]["failures"].values())


@pytest.mark.slow
def test_who_hangs_loses_on_time(tmp_path):
    begin = time.monotonic()
    facts = one_game(tmp_path, fake("C1", "hang"), WHITE, Terms(5, 0.5, move_time_limit=1.5))
    assert time.monotonic() - begin < 150  # the engine hangs for 300
    assert (facts["result"], facts["ended"]) == ("W+T", "time-out")
    assert facts["reason"] == "no answer to genmove within 1.5 s"


def test_engines_are_told_their_time(tmp_path):
    log = tmp_path / "black.log"
    black = fake("--log", str(log), "C1", "C2", "C3", "C4", "C5")
    facts = one_game(tmp_path, black, fake("--refuse", "time_left", "D1", "D2", "D3"), Terms(5, 0.5, main_time=60))
    assert facts["ended"] == "passes" and facts["moves"] == 11
    lines = log.read_text().splitlines()
    assert lines.index("time_settings 60 0 0") < lines.index("time_left B 60 0") < lines.index("genmove B")
    told = [int(line.split()[2]) for line in lines if line.startswith("time_left B")]
    assert len(told) == lines.count("genmove B") and told == sorted(told, reverse=True) and told[-1] > 0


@pytest.mark.slow
def test_who_uses_up_the_main_time_loses(tmp_path):
    facts = one_game(tmp_path, fake("C1", "hang"), WHITE, Terms(5, 0.5, main_time=2))
    assert (facts["result"], facts["ended"]) == ("W+T", "time-out")


def test_who_refuses_a_legal_move_loses(tmp_path):
    facts = one_game(tmp_path, BLACK, fake("--refuse", "play"))
    assert (facts["result"], facts["ended"], facts["reason"]) == ("B+F", "refused move", "not today")


def test_a_ko_may_not_be_retaken(tmp_path):
    facts = one_game(tmp_path, fake("C5", "B4", "C3", "D4", "D4"), fake("D5", "E4", "D3", "C4"))
    assert facts["reason"] == "move 9, Black D4: the ko may not be retaken at once"
    assert (facts["ended"], facts["winner"], facts["moves"]) == ("illegal move", "second", 8)


def test_games_stop_at_the_move_limit(tmp_path):
    facts = one_game(tmp_path, BLACK, WHITE, Terms(5, 0.5, max_moves=4))
    assert (facts["ended"], facts["moves"], facts["result"]) == ("move limit", 4, "W+0.5")


def test_colours_alternate_and_the_table_adds_up(tmp_path):
    summary = match(BLACK, WHITE, 4, tmp_path, SMALL)
    lines = [json.loads(line) for line in (tmp_path / "games.jsonl").read_text().splitlines()]
    assert [line["black"] for line in lines] == ["wall 1.0", "other wall 1.0"] * 2
    assert [line["winner"] for line in lines] == ["first"] * 4  # the middle line decides, and its colour does not
    first, second = summary["engines"]
    assert (first["wins"], first["wins_as_black"], first["wins_as_white"]) == (4, 2, 2)
    assert (second["wins"], second["win_rate"]) == (0, 0.0)
    assert first["interval"] == [pytest.approx(0.5101, abs=1e-4), 1.0]
    assert first["moves_per_second"] > 0 and 0 < first["slowest_move"] < 20
    assert (summary["games"], summary["different_games"], summary["moves"]["mean"]) == (4, 2, 12)
    lines = table(summary).splitlines()
    assert lines[1].split()[:6] == ["wall", "1.0", "4", "100.0", "%", "51.0"]
    assert lines[4].startswith(f"4 games (2 different) on 5x5, komi 0.5, in {tmp_path}; draws 0")


def test_engines_of_one_name_are_told_apart(tmp_path):
    summary = match(fake("C3"), fake("B2"), 1, tmp_path, SMALL)
    assert [engine["name"] for engine in summary["engines"]] == ["fake 1.0 (1)", "fake 1.0 (2)"]


def test_the_match_goes_on_after_a_failure(tmp_path):
    crash = fake("--name", "crash", "--once", str(tmp_path / "crashed"), "crash")
    summary = match(BLACK, crash, 3, tmp_path / "match", SMALL)
    assert summary["ended"] == {"passes": 2, "crash": 1}
    assert summary["engines"][1]["failures"]["crash"] == 1 and summary["engines"][0]["wins"] == 3


def test_a_match_is_taken_up_again(tmp_path, monkeypatch):
    def interrupt(facts: dict) -> None:
        if facts["game"] == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted) as stopped:
        match(BLACK, WHITE, 3, tmp_path, SMALL, progress=interrupt)
    assert str(stopped.value) == f"stopped: 2 of 3 games are in '{tmp_path}'; the same command goes on"
    assert stopped.value.exit_code == 130
    assert json.loads((tmp_path / "summary.json").read_text())["games"] == 2
    before = (tmp_path / "game-00002.sgf").stat().st_mtime_ns
    played = []
    assert match(BLACK, WHITE, 3, tmp_path, SMALL, progress=played.append)["games"] == 3
    assert [facts["game"] for facts in played] == [3] and played[0]["first"] == "black"
    assert (tmp_path / "game-00002.sgf").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match=r"\(komi 0.5, now 7.5\); choose another folder$"):
        match(BLACK, WHITE, 3, tmp_path, Terms(size=5))


@pytest.mark.parametrize(
    ("command", "kind", "message"),
    [
        ("no-such-engine --gtp", InputError, "the engine 'no-such-engine --gtp' does not start: "),
        ("", UsageError, "the engine's command must not be empty"),
        ("engine 'open", UsageError, "the engine's command (=engine 'open) must be a line for a shell: "),
        (f"{sys.executable} -I -c pass", InputError, "does not start: it ended with exit code 0"),
        (fake("--refuse", "boardsize"), InputError, "refuses 'boardsize 5': not today"),
    ],
)
def test_engines_that_cannot_play_at_all(tmp_path, command, kind, message):
    with pytest.raises(kind) as error:
        match(BLACK, command, 1, tmp_path, SMALL)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert match(BLACK, WHITE, 1, tmp_path, SMALL)["games"] == 1  # the slip binds nobody


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 4}, "`size` (=4) must be a whole number from 5 to 25"),
        ({"komi": float("nan")}, "`komi` (=nan) must be a number of at least -1000 and at most 1000"),
        ({"main_time": 0}, "`main_time` (=0) must be a whole number from 1 to 86400"),
        ({"move_time_limit": 0}, "`move_time_limit` (=0) must be a number above 0"),
        ({"max_moves": 0}, "`max_moves` (=0) must be a whole number from 1 to 10000"),
    ],
)
def test_terms_out_of_range(values, message):
    with pytest.raises(UsageError) as error:
        Terms(**values)
    assert str(error.value) == message


def test_results():
    assert MatchGame(winner=1, score=3.5, ended="passes").result == "B+3.5"
    assert MatchGame(winner=2, ended="time-out").result == "W+T"
    assert MatchGame(winner=0, score=0.0, ended="passes").result == "0"


def test_the_client(tmp_path):
    with GtpClient(fake("noise", "A1", "hang")) as engine:
        assert engine.ask("name", 20) == "fake" and engine.ask("12 komi 7", 20) == ""
        assert engine.supports("genmove", 20)
        engine.ask("clear_board", 20)
        assert engine.ask("genmove b", 20) == "A1"
        with pytest.raises(EngineSilent, match="^no answer to genmove within 0.2 s$"):
            engine.ask("genmove b", 0.2)
        with pytest.raises(EngineGone):
            engine.ask("name", 20)
    with GtpClient(fake("--refuse", "komi")) as engine, pytest.raises(EngineRefused, match="^not today$"):
        engine.ask("komi 1", 20)


def test_what_an_engine_says_on_stderr_is_kept(tmp_path):
    match(BLACK, fake("exit7"), 1, tmp_path, SMALL)
    assert (tmp_path / "second.log").read_text() == "cannot go on\n"


def test_the_command(tmp_path, capsys):
    arguments = ["go", "match", "--black", BLACK, "--white", WHITE, "--games", "1", "--size", "5", "--komi", "0.5"]
    assert main([*arguments, "-o", str(tmp_path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["engines"][0]["wins"] == 1
    assert main([*arguments, "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("engine          wins  win rate")
    assert main([*arguments, "-o", str(tmp_path), "--move-time", "-1"]) == 2
    assert "(=-1.0) must be a number of at least 0 and at most 86400" in capsys.readouterr().err


# Handicap, openings, games at once


def test_a_handicap(tmp_path):
    log = tmp_path / "log"
    facts = one_game(tmp_path, fake("--log", str(log)), fake("E5", "resign"), Terms(9, 0.5, handicap=3))
    assert (facts["moves"], facts["result"], facts["ended"]) == (2, "B+R", "resignation")
    assert log.read_text().split("\n")[:7] == [
        "name", "version", "boardsize 9", "clear_board", "komi 0.5", "fixed_handicap 3", "play W E5",
    ]  # fmt: skip
    record = read_game(tmp_path / "match" / "game-00001.sgf")
    assert record.handicap == 3 and np.count_nonzero(Position.from_record(record, 0).board == 1) == 3
    assert record.colours.tolist() == [2, 1] and not record.warnings
    assert "3 stones handicap" in table(json.loads((tmp_path / "match" / "summary.json").read_text()))


OPENINGS = b"(;SZ[5]AB[aa]AW[ee];B[cc];W[dd];B[bb])(;SZ[5];B[cc])"


def test_openings_with_colours_changed(tmp_path):
    file = tmp_path / "openings.sgf"
    file.write_bytes(OPENINGS)
    logs = [tmp_path / "first", tmp_path / "second"]
    engines = [fake("--log", str(log), "--name", log.name) for log in logs]
    summary = match(*engines, 5, tmp_path / "match", SMALL, openings=file, opening_moves=2)
    records = [read_game(tmp_path / "match" / f"game-{number:05d}.sgf") for number in range(1, 6)]
    assert [record.black for record in records] == [f"{name} 1.0" for name in ("first", "second") * 2 + ("first",)]
    assert [len(record) for record in records] == [4, 4, 3, 3, 4]  # with two passes
    assert [record.moves[:2].tolist() for record in records] == [[12, 18]] * 2 + [[12, 25]] * 2 + [[12, 18]]
    assert "play B A5\nplay W E1\nplay B C3\nplay W D2\ngenmove B" in logs[0].read_text()
    assert summary["openings"] == 2 and "from 2 openings" in table(summary)
    with pytest.raises(UsageError, match="holds games of another run \\(openings "):
        match(*engines, 5, tmp_path / "match", SMALL, openings=file)


@pytest.mark.parametrize(
    ("text", "options", "kind", "message"),
    [
        ("(;SZ[9];B[aa])", {}, InputError, "the board (=9x9) must be 5x5, as `size`"),
        ("(;SZ[5];B[aa];W[aa])", {}, InputError, "illegal move 2, White at A5: the point is not empty"),
        ("(;SZ[5];B[];W[])", {}, InputError, "the game is over, both have passed"),
        ("(;SZ[5]AB[aa]AW[ab][ba])", {}, InputError, "its set-up stones cannot be played one after the other"),
        ("(;GM[2])", {}, InputError, "is not a game of Go"),
        ("(;SZ[5];B[aa])", {"opening_moves": 0}, UsageError, "`opening_moves` (=0) must be a whole number of at least"),
        ("(;SZ[5];B[aa])", {"workers": 0}, UsageError, "`workers` (=0) must be a whole number from 1 to"),
    ],
)
def test_openings_that_are_none(tmp_path, text, options, kind, message):
    file = tmp_path / "opening.sgf"
    file.write_text(text)
    with pytest.raises(kind) as error:
        match(BLACK, WHITE, 1, tmp_path / "match", SMALL, openings=file, **options)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_what_does_not_go_together(tmp_path):
    with pytest.raises(UsageError, match="^`handicap` \\(=2\\) must be left out where `openings` are given$"):
        match(BLACK, WHITE, 1, tmp_path, Terms(9, handicap=2), openings="x.sgf")
    with pytest.raises(UsageError, match="^`opening_moves` \\(=2\\) needs `openings`$"):
        match(BLACK, WHITE, 1, tmp_path, SMALL, opening_moves=2)
    with pytest.raises(UsageError, match="^`handicap` \\(=5\\) must be from 2 to 4 on 7x7$"):
        Terms(7, handicap=5)


def test_games_at_once(tmp_path):
    """The same games as one after the other, and an engine that fails does not cost the others theirs."""
    crash = fake("--name", "crash", "--once", str(tmp_path / "crashed"), "crash")
    summary = match(BLACK, crash, 6, tmp_path / "match", SMALL, workers=3, alternate=False)
    assert summary["ended"] == {"passes": 5, "crash": 1}
    first = summary["engines"][0]
    assert (summary["games"], first["wins"], first["games_as_black"]) == (6, 6, 6)
    lines = [json.loads(line) for line in (tmp_path / "match" / "games.jsonl").read_text().splitlines()]
    assert [line["game"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_ctrl_c_ends_games_at_once(tmp_path):
    def interrupt(facts: dict) -> None:
        signal.raise_signal(signal.SIGINT)

    begin = time.monotonic()
    hang = fake("--name", "hang", "--once", str(tmp_path / "hung"), "hang")
    with pytest.raises(Interrupted, match="stopped: 1 of 9 games"):
        match(BLACK, hang, 9, tmp_path / "match", Terms(5, 0.5, move_time_limit=60), workers=2, progress=interrupt)
    assert time.monotonic() - begin < 20
    assert match(BLACK, WHITE, 2, tmp_path / "other", SMALL, workers=2)["games"] == 2


@pytest.mark.skipif(not shutil.which("gnugo"), reason="GNU Go is not installed")
def test_gnu_go(tmp_path):
    command = "gnugo --mode gtp --chinese-rules --level 0"
    summary = match(command, WHITE, 1, tmp_path, Terms(size=9), judge=command)
    assert summary["engines"][0]["name"] == "GNU Go 3.8" and summary["engines"][0]["wins"] == 1
