"""The Go Text Protocol: lines and responses, and whole sessions as transcripts, with a net that is a table."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from gtp_sessions import TableNet, session
from sgfmill import sgf

from casecnn import __version__
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.handicap import fixed_handicap, most_stones
from casecnn.go.gtp.dispatch import Dispatcher, Handler, Stream, serve
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import MAX_LINE, Command, GtpError, parse, respond
from casecnn.go.players.player import Settings

# Lines


@pytest.mark.parametrize(
    "line, command",
    [
        ("name\n", Command("", "name")),
        ("name", Command("", "name")),
        ("12 play b Q16\n", Command("12", "play", ("b", "Q16"))),
        ("  \t 007\tplay \t b  Q16  \r\n", Command("007", "play", ("b", "Q16"))),
        ("na\x01m\x7fe\x00\r\n", Command("", "name")),
        ("name# a comment", Command("", "name")),
        ("5 # a comment", Command("5", "")),
        ("5", Command("5", "")),
        ("-1 name", Command("", "-1", ("name",))),
        ("1name", Command("", "1name")),
        ("\u0661 name", Command("", "\u0661", ("name",))),
        ("loadsgf a\u00a0b.sgf", Command("", "loadsgf", ("a\u00a0b.sgf",))),
    ],
)
def test_lines_to_commands(line, command):
    assert parse(line) == command


@pytest.mark.parametrize("line", ["", "\n", "\r\n", " \t \n", "# name", "  # 1 name\n", "\x00\x01\n", "#" * 200_000])
def test_lines_without_a_command(line):
    assert parse(line) is None


def test_a_line_that_is_too_long_is_one_error_with_its_id():
    assert parse("3 " + "x" * (MAX_LINE - 2)) is not None
    with pytest.raises(GtpError, match="line too long: 1048577 characters, 1048576 are allowed") as caught:
        parse("3 " + "x" * (MAX_LINE - 1))
    assert caught.value.args[1] == "3"


@pytest.mark.parametrize(
    "arguments, response",
    [
        (("",), "=\n\n"),
        (("", "3"), "=3\n\n"),
        (("B+3.5", "3"), "=3 B+3.5\n\n"),
        (("cannot undo", "3", True), "?3 cannot undo\n\n"),
        (("cannot undo", "", True), "? cannot undo\n\n"),
        (("a\nb\n",), "= a\nb\n\n"),
        (("a\n\n\nb",), "= a\nb\n\n"),
        (("\na\nb", "3"), "=3\na\nb\n\n"),
        (("a\tb\r\nc\x00",), "= a b\nc\n\n"),
        (("a\udcffb",), "= a?b\n\n"),
    ],
)
def test_results_to_responses(arguments, response):
    assert respond(*arguments) == response


# Sessions


@pytest.mark.slow
def test_a_session_with_ids_comments_and_control_characters():
    asked = (
        b"# a controller says hello\r\n"
        b"\r\n"
        b"1 protocol_version\r\n"
        b"\t 2\tname # who is it?\r\n"
        b"ver\x00sion\x7f\n"
        b"   \n"
        b"10 known_command genmove\n"
        b"11 known_command fly\n"
        b"12 boardsize 9\n"
        b"13 komi 6.5\n"
        b"clear_board\n"
        b"14 play B e5\n"
        b"play White PASS\n"
        b"15 genmove bLaCk\n"
        b"16 quit\n"
        b"17 name\n"
    )
    assert session(asked) == (
        f"=1 2\n\n=2 casecnn\n\n= {__version__} a-net\n\n=10 true\n\n=11 false\n\n=12\n\n=13\n\n=\n\n=14\n\n=\n\n"
        "=15 A9\n\n=16\n\n"
    )


def test_the_input_may_end_without_quit_or_line_feed():
    assert session("name\n1 name") == "= casecnn\n\n=1 casecnn\n\n"
    assert session("") == ""


SYNTAX = "syntax error: "


@pytest.mark.parametrize(
    "line, error",
    [
        ("fly", "unknown command"),
        ("NAME", "unknown command"),
        ("7", SYNTAX + "a number without a command"),
        ("name now", SYNTAX + "name takes no argument, 'now' is too much"),
        ("known_command", SYNTAX + "known_command needs word"),
        ("boardsize", SYNTAX + "boardsize needs number [number ...]"),
        ("boardsize nine", SYNTAX + "'nine' is no whole number"),
        ("boardsize 9.5", SYNTAX + "'9.5' is no whole number"),
        ("boardsize -9", SYNTAX + "'-9' is no whole number"),
        ("boardsize 99999999999", SYNTAX + "'99999999999' is no whole number"),
        ("boardsize 9 9 9", SYNTAX + "boardsize takes one number, or two, not 3"),
        ("boardsize 9 7", "unacceptable size: a board of 9x7; only square boards are read"),
        ("boardsize 19", "unacceptable size: the net a-net plays on 9x9"),
        ("boardsize 25", "unacceptable size: the net a-net plays on 9x9"),
        ("boardsize 26", "unacceptable size: the net a-net plays on 9x9"),
        ("boardsize 0", "unacceptable size: the net a-net plays on 9x9"),
        ("komi", SYNTAX + "komi needs number"),
        ("komi much", SYNTAX + "'much' is no number"),
        ("komi nan", SYNTAX + "'nan' is no number"),
        ("komi inf", SYNTAX + "'inf' is no number"),
        ("komi 1e999", SYNTAX + "'1e999' is too large"),
        ("komi 0x7", SYNTAX + "'0x7' is no number"),
        ("komi 6,5", SYNTAX + "'6,5' is no number"),
        ("play", SYNTAX + "play needs colour vertex"),
        ("play b", SYNTAX + "play needs colour vertex"),
        ("play A1", SYNTAX + "'A1' is no colour, which are b, w, black and white"),
        ("play green A1", SYNTAX + "'green' is no colour, which are b, w, black and white"),
        ("play b A1 A2", SYNTAX + "play takes colour vertex, 'A2' is too much"),
        ("undo 2", SYNTAX + "undo takes no argument, '2' is too much"),
        ("genmove", SYNTAX + "genmove needs colour"),
        ("genmove x", SYNTAX + "'x' is no colour, which are b, w, black and white"),
        ("undo", "cannot undo"),
        ("gg-undo 1", "cannot undo"),
        ("fixed_handicap 1", "invalid number of stones: from 2 to 9 have a fixed place"),
        ("fixed_handicap 10", "invalid number of stones: from 2 to 9 have a fixed place"),
        ("place_free_handicap 1", "invalid number of stones: it must be from 2 to 80"),
        ("place_free_handicap 81", "invalid number of stones: it must be from 2 to 80"),
        ("set_free_handicap", SYNTAX + "set_free_handicap needs vertex ..."),
        ("set_free_handicap A1", "bad vertex list: it must have at least two points, none twice, and no pass"),
        ("set_free_handicap A1 a1", "bad vertex list: it must have at least two points, none twice, and no pass"),
        ("set_free_handicap A1 pass", "bad vertex list: it must have at least two points, none twice, and no pass"),
        ("loadsgf", SYNTAX + "loadsgf needs file ..."),
        ("loadsgf -", "cannot load file: the standard input is taken by the controller"),
        ("loadsgf no.sgf", "cannot load file: cannot read 'no.sgf': there is no such file"),
        ("final_status_list", SYNTAX + "final_status_list needs word"),
        ("final_status_list dying", SYNTAX + "the status must be alive, dead or seki"),
        ("time_settings 1 2", SYNTAX + "time_settings needs number number number"),
        ("time_left b 1.5 2", SYNTAX + "'1.5' is no whole number"),
        ("kgs-time_settings", SYNTAX + "kgs-time_settings needs word [word ...]"),
        ("kgs-time_settings byoyomi 30", SYNTAX + "kgs-time_settings takes none, or absolute, byoyomi or canadian and "
         "numbers"),
        ("lz-analyze b x", SYNTAX + "'x' is no option of an analysis"),
        ("lz-analyze b 50 maxmoves", SYNTAX + "an option has no value"),
        ("lz-analyze avoid w Z1 1", SYNTAX + "`vertex` (='z1') must be a point from A1 to J9 (no letter I) or pass"),
        ("kata-raw-nn 8", SYNTAX + "the symmetry must be from 0 to 7, or all"),
        ("gogui-play_sequence b", SYNTAX + "gogui-play_sequence takes pairs of a colour and a vertex"),
    ],
)  # fmt: skip
def test_errors_leave_the_engine_alive(line, error):
    engine = Engine(TableNet())
    assert session(f"{line}\n8 name\n", engine) == (f"?7 {error}" if line == "7" else f"? {error}") + (
        "\n\n=8 casecnn\n\n"
    )
    assert not engine.position.board.any() and engine.komi == 7.5 and engine.size == 9


@pytest.mark.parametrize("vertex", ["I5", "A0", "A10", "Z9", "K1", "5", "E", "E5E6", "E+5", "E05", "E\u0665", "resign"])
def test_bad_coordinates(vertex):
    assert session(f"1 play b {vertex}\n").startswith("?1 syntax error: `vertex`")


def test_a_line_of_a_hundred_thousand_characters_is_answered_once():
    answers = session("3 " + "play b A1 " * 10_000 + "\n4 name" + " " * 100_000 + "# " + "x" * 100_000 + "\n5 name\n")
    assert answers == ("?3 syntax error: play takes colour vertex, 'play' is too much\n\n=4 casecnn\n\n=5 casecnn\n\n")


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U0001f600"])
def test_a_line_without_end_is_one_error_in_any_script(letter):
    answers = session(f"6 name {letter * 5_000_000}\n7 name\n8 {letter * 1_100_000}")
    assert re.fullmatch(
        r"\?6 line too long: \d+ characters, 1048576 are allowed\n\n=7 casecnn\n\n"
        r"\?8 line too long: \d+ characters, 1048576 are allowed\n\n",
        answers,
    )


def test_illegal_moves_and_undo():
    assert (
        session(
            "play b A1\nplay w A1\nplay b B2\nplay w C1\nundo\nundo\nplay w B2\nplay w pass\nundo\nundo\nundo\nundo\n"
        )
        == "=\n\n? illegal move\n\n=\n\n=\n\n=\n\n=\n\n=\n\n=\n\n=\n\n=\n\n=\n\n? cannot undo\n\n"
    )


# White takes the stone at C2 with B2; Black could take back.
KO = "".join(f"play {move}\n" for move in ("b B1", "b A2", "b B3", "w C1", "w D2", "w C3", "b C2", "w B2"))


def test_suicide_ko_and_superko():
    assert session("play b A2\nplay b B1\nplay w A1\n").endswith("? illegal move\n\n")
    assert session(KO + "play b C2\n") == "=\n\n" * 8 + "? illegal move\n\n"
    later = KO + "play b pass\nplay w pass\nplay b C2\n"
    assert session(later) == "=\n\n" * 11
    assert session(later, Engine(TableNet(), Settings(superko=True))) == "=\n\n" * 10 + "? illegal move\n\n"


def test_genmove_plays_for_either_colour_and_reg_genmove_does_not():
    engine = Engine(TableNet())
    assert session("reg_genmove w\ngenmove w\ngenmove w\ngenmove b\n", engine) == "= A9\n\n= A9\n\n= B9\n\n= C9\n\n"
    assert engine.position.board.reshape(-1)[:4].tolist() == [2, 2, 1, 0]


def test_showboard():
    assert session("1 play b C3\nplay w D4\n2 showboard\n", Engine(TableNet(5))).split("\n\n")[2] == (
        "=2\n"
        "    A B C D E\n"
        " 5  . . . . .  5\n"
        " 4  . . .(O).  4\n"
        " 3  . . X . .  3\n"
        " 2  . . . . .  2\n"
        " 1  . . . . .  1\n"
        "    A B C D E\n"
        "Black to play, 2 moves, komi 7.5\n"
        "Black (X) has taken 0, White (O) 0"
    )


def test_time_commands_are_accepted():
    lines = ("time_settings 600 30 5", "time_left b 30 5", "kgs-time_settings none", "kgs-time_settings byoyomi 9 5 3")
    assert session("\n".join(lines)) == "=\n\n" * 4


def test_a_sequence_of_moves_is_played_whole_or_not_at_all():
    engine = Engine(TableNet())
    assert session("gogui-play_sequence b A1 w B2 b pass\ngg-undo\ngg-undo 2\n", engine) == "=\n\n" * 3
    assert engine.position.move_number == 0 and engine.events == []
    assert session("play b C3\ngogui-play_sequence b A1 w A1\n", engine) == "=\n\n? illegal move\n\n"
    assert engine.position.move_number == 1 and not engine.position.board[8, 0]


# Handicap


@pytest.mark.parametrize(
    "size, stones, places",
    [
        (19, 2, "D4 Q16"),
        (19, 3, "D4 Q16 D16"),
        (19, 4, "D4 Q16 D16 Q4"),
        (19, 5, "D4 Q16 D16 Q4 K10"),
        (19, 6, "D4 Q16 D16 Q4 D10 Q10"),
        (19, 7, "D4 Q16 D16 Q4 D10 Q10 K10"),
        (19, 8, "D4 Q16 D16 Q4 D10 Q10 K4 K16"),
        (19, 9, "D4 Q16 D16 Q4 D10 Q10 K4 K16 K10"),
        (13, 5, "D4 K10 D10 K4 G7"),
        (12, 4, "C3 K10 C10 K3"),
        (9, 2, "C3 G7"),
        (7, 4, "C3 E5 C5 E3"),
    ],
)
def test_fixed_handicaps(size, stones, places):
    moves = fixed_handicap(stones, size)
    assert moves is not None and " ".join(to_vertex(move, size) for move in moves) == places


def test_boards_have_a_largest_fixed_handicap():
    assert [most_stones(size) for size in (5, 6, 7, 8, 9, 10, 11, 18, 19, 25)] == [0, 0, 4, 4, 9, 4, 9, 4, 9, 9]
    assert fixed_handicap(5, 8) is None and fixed_handicap(1, 19) is None and fixed_handicap(2, 6) is None


def test_handicap_stones_are_no_moves():
    engine = Engine(TableNet())
    assert session("fixed_handicap 4\nundo\nfixed_handicap 2\n", engine) == (
        "= C3 G7 C7 G3\n\n? cannot undo\n\n? board not empty\n\n"
    )
    assert engine.position.to_play == 2
    assert session("clear_board\nset_free_handicap A1 b2 T1\nset_free_handicap A1 b2\n3 undo\n", engine).endswith(
        "=\n\n?3 cannot undo\n\n"
    )
    assert session("place_free_handicap 2\nset_free_handicap A1 A2\n", engine) == "? board not empty\n\n" * 2


def test_free_handicap_beyond_the_fixed_one_is_placed_by_the_net():
    answer = session("place_free_handicap 11\n")
    assert answer == "= C3 G7 C7 G3 C5 G5 E3 E7 E5 A9 B9\n\n"
    assert session("place_free_handicap 3\n", Engine(TableNet(5))) == "= A5 B5 C5\n\n"


# Files


def test_a_game_is_saved_and_loaded(tmp_path: Path):
    engine = Engine(TableNet())
    file = tmp_path / "a game.sgf"
    asked = f"fixed_handicap 2\nkomi 0.5\nplay w E5\nplay b pass\nplay b E4\nprintsgf\nprintsgf {tmp_path}/agame.sgf\n"
    answers = session(asked, engine).split("\n\n")
    (tmp_path / "agame.sgf").rename(file)
    root = sgf.Sgf_game.from_string(answers[5][2:]).get_root()
    assert (root.get("HA"), root.get("KM"), root.get("AB")) == (2, 0.5, {(2, 2), (6, 6)})
    board = engine.position.board

    other = Engine(TableNet())
    session(f"play b A1\nloadsgf {file}\n", other)
    assert (other.position.board == board).all() and other.komi == other.position.komi == 0.5
    assert session("undo\nundo\nundo\nundo\n", other) == "=\n\n=\n\n=\n\n? cannot undo\n\n"

    for number, moves in ((1, 0), (2, 1), (3, 2), (4, 3), (99, 3), (0, 0)):
        assert session(f"loadsgf {file} {number}\n", other) == "=\n\n"
        assert other.position.move_number == moves and sum(e >> 12 == 0 for e in other.events) == moves
    assert session(f"printsgf {tmp_path}/no/where.sgf\n", other).startswith("? cannot save file: cannot write")


def test_games_that_cannot_be_loaded_change_nothing(tmp_path: Path):
    engine = Engine(TableNet())
    (tmp_path / "large.sgf").write_text("(;GM[1]SZ[19];B[pd])")
    (tmp_path / "illegal.sgf").write_text("(;GM[1]SZ[9];B[aa];W[aa])")
    (tmp_path / "text.sgf").write_text("dear diary")
    for name, error in (
        ("large", "a game on 19x19, the net a-net plays on 9x9"),
        ("illegal", f"{tmp_path}/illegal.sgf"),
        ("text", f"{tmp_path}/text.sgf"),
    ):
        answer = session(f"play b E5\nloadsgf {tmp_path}/{name}.sgf\n", engine)
        assert answer.startswith(f"=\n\n? cannot load file: {error}"), answer
        assert answer.count("\n") == 4 and engine.position.move_number == 1
        session("undo\n", engine)


# The middle layer


def test_every_listed_command_is_known_and_the_list_is_whole():
    required = """boardsize clear_board final_score final_status_list fixed_handicap genmove gogui-analyze_commands
        kata-analyze kata-raw-nn kgs-genmove_cleanup kgs-time_settings known_command komi list_commands loadsgf
        lz-analyze name place_free_handicap play printsgf protocol_version quit reg_genmove set_free_handicap showboard
        time_left time_settings undo version""".split()
    listed = session("list_commands\n")[2:].split()
    assert set(required) <= set(listed) and listed == sorted(set(listed))
    assert session("".join(f"known_command {name}\n" for name in listed)) == "= true\n\n" * len(listed)


def test_a_fault_in_a_command_is_an_answer(capsys):
    def fails() -> str:
        raise ZeroDivisionError("by nought")

    def bursts() -> Stream:
        return Stream(iter(["info 1", "info 2"]), 0.001)

    sink = io.StringIO()
    dispatcher = Dispatcher({"fail": Handler(fails), "burst": Handler(bursts)}, lambda: 9)
    serve(dispatcher, io.BytesIO(b"4 fail\n5 protocol_version\n"), sink)
    assert sink.getvalue() == "?4 internal error: ZeroDivisionError: by nought\n\n=5 2\n\n"
    assert "by nought" in capsys.readouterr().err
    sink = io.StringIO()
    serve(dispatcher, io.BytesIO(b"6 burst\n"), sink)
    assert sink.getvalue() in ("=6\ninfo 1\n\n", "=6\ninfo 1\ninfo 2\n\n")


def test_weights_that_give_no_numbers_are_an_answer():
    broken = TableNet(5)
    broken.table[3] = np.nan
    for command in ("genmove b", "lz-analyze b 50"):
        assert "probabilities that are not numbers" in session(f"1 {command}\n2 name\n", Engine(broken))
