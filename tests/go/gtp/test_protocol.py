"""Hard sessions for the Go Text Protocol, each answer worked out by hand from its version 2 draft 2."""

from __future__ import annotations

import pytest
import torch
from gtp_sessions import TableNet, session

from casecnn.errors import InputError, UsageError
from casecnn.go.gtp.engine import Engine
from casecnn.go.net.board_sizes import nearest, policy_for
from casecnn.go.net.policy import Policy
from casecnn.go.players.player import Settings
from casecnn.go.position import Position
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build

OK, NAME = "=\n\n", "= casecnn\n\n"
UNKNOWN, SYNTAX, ILLEGAL = "? unknown command", "? syntax error", "? illegal move"


def any_size(size: int) -> TableNet:
    if not 5 <= size <= 25:
        raise UsageError(f"`size` (={size}) must be from 5 to 25")
    return TableNet(size)


def answers(text: bytes, **settings) -> list[str]:
    """The responses of an engine for 9x9, without the empty lines after them; and that it lives on at the end."""
    out = session(text + b"\n99 name\n", Engine(TableNet(), Settings(**settings), any_size))
    assert out.endswith("\n\n=99 casecnn\n\n") or out == "=99 casecnn\n\n", out
    assert "\n\n\n" not in out  # an empty line ends a response and nothing else
    return out.split("\n\n")[:-2]


@pytest.mark.parametrize(
    "line, expected",
    [
        # ids are whole numbers, given back as they came
        (b"0 name", "=0 casecnn"),
        (b"007 name", "=007 casecnn"),
        (b"2147483647 name", "=2147483647 casecnn"),
        (b"1 fly", "?1 unknown command"),
        (b"1 play b", "?1 syntax error"),
        (b"-1 name", UNKNOWN),
        (b"+1 name", UNKNOWN),
        (b"1.0 name", UNKNOWN),
        (b"1name", UNKNOWN),
        (b"1 2 name", "?1 unknown command"),
        (b"12", "?12 syntax error"),
        (b"12 # name", "?12 syntax error"),
        # control characters go, tabs are spaces, comments end a line
        (b"name\r", "= casecnn"),
        (b"\rna\rme\r\r", "= casecnn"),
        (b"\x01n\x02a\x1bm\x7fe\x00", "= casecnn"),
        (b"\t name\t ", "= casecnn"),
        (b"play\tb\t \tE5", "="),
        (b"play b E\t5", SYNTAX),
        (b"name#name", "= casecnn"),
        (b"play b E5#E6", "="),
        (b"play b # E5", SYNTAX),
        (b"3 name # 4 name", "=3 casecnn"),
        # what is no ASCII is part of a word, and no name of a command
        (b"n\xc3\xa4me", UNKNOWN),
        (b"\xff\xfe\x80", UNKNOWN),
        (b"name\xc2\xa0", UNKNOWN),
        (b"play b \xef\xbc\xa55", SYNTAX),
        # commands are told apart by case; colours, vertices and "pass" are not
        (b"Name", UNKNOWN),
        (b"play BLACK e5", "="),
        (b"play White E5", "="),
        (b"play wHiTe pAsS", "="),
        (b"play B j9", "="),
        (b"play bl E5", SYNTAX),
        (b"play blackk E5", SYNTAX),
        (b"play 1 E5", SYNTAX),
        (b"play E5 b", SYNTAX),
        (b"play E5", SYNTAX),
        (b"play b i5", SYNTAX),
        (b"play b K5", SYNTAX),
        (b"play b E10", SYNTAX),
        (b"play b E0", SYNTAX),
        (b"play b E-1", SYNTAX),
        (b"play b E5.0", SYNTAX),
        (b"play b E5E6", SYNTAX),
        (b"play b 5E", SYNTAX),
        (b"play b EE5", SYNTAX),
        (b"play b E", SYNTAX),
        (b"play b 55", SYNTAX),
        (b"play b (5,5)", SYNTAX),
        (b"play b pass pass", SYNTAX),
        (b"play b resign", SYNTAX),  # an answer to genmove, but no move
        # numbers: a komi must be taken even if it is ridiculous
        (b"boardsize 9.5", SYNTAX),
        (b"boardsize +9", SYNTAX),
        (b"boardsize 9x9", SYNTAX),
        (b"boardsize 2147483648", SYNTAX),
        (b"boardsize 2147483647", "? unacceptable size"),
        (b"boardsize 26", "? unacceptable size"),
        (b"boardsize 1", "? unacceptable size"),
        (b"boardsize 0", "? unacceptable size"),
        (b"boardsize 25", "="),
        (b"boardsize 05", "="),
        (b"komi -0.5", "="),
        (b"komi 1e6", "="),
        (b"komi 7,5", SYNTAX),
        (b"komi 7.5.", SYNTAX),
        (b"komi 7.5 7.5", SYNTAX),
        (b"time_settings 1 2 -3", SYNTAX),
        (b"time_settings 0 1 0", "="),
        (b"time_left W 0 0", "="),
        # failures have the words of the specification
        (b"undo", "? cannot undo"),
        (b"fixed_handicap 0", "? invalid number of stones"),
        (b"place_free_handicap 99", "? invalid number of stones"),
        (b"set_free_handicap E5", "? bad vertex list"),
        (b"set_free_handicap E5 C3 e5", "? bad vertex list"),
        (b"loadsgf /", "? cannot load file"),
        (b"loadsgf", SYNTAX),
        (b"final_status_list", SYNTAX),
        (b"final_status_list seki alive", SYNTAX),
        (b"stop", "="),
    ],
)  # fmt: skip
def test_one_line(line, expected):
    (answer,) = answers(line)
    assert answer == expected or (expected.startswith("?") and answer.startswith(expected + ": ")), answer


@pytest.mark.parametrize("text", [b"", b"\n\n\n", b"\r\n\r\n", b"#\n# 1 name\n", b" \t \n\x00\n\x1f\x7f\n"])
def test_lines_that_are_no_commands_have_no_answer(text):
    assert answers(text) == []


def test_an_illegal_move_changes_nothing():
    """Occupied, ko, suicide of one stone and of two; afterwards the same moves as before are there to take back."""
    text = b"play b A2\nplay b B1\nplay w A1\nplay w A2\nplay b C2\nplay w B2\nplay w C1\nplay w B3\nundo\nundo\nundo\n"
    assert answers(text + b"undo\nundo\nundo\nundo\n") == [
        "=", "=", ILLEGAL, ILLEGAL, "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "? cannot undo",
    ]  # fmt: skip
    two = b"play b A3\nplay b B2\nplay b C1\nplay w A2\nplay w A1\nplay w B1\n"
    assert answers(two) == ["=", "=", "=", "=", "=", ILLEGAL]


def test_the_colour_to_play_is_the_controllers_business():
    assert answers(b"play b A1\nplay b A2\nplay w A3\nplay w A4\ngenmove w\ngenmove w\n")[:4] == ["="] * 4


def test_taking_back_a_capture_puts_the_stones_back():
    text = b"play w A1\nplay b A2\nplay b B1\nundo\nplay b A1\nundo\nplay w B1\n"
    assert answers(text) == ["=", "=", "=", "=", ILLEGAL, "=", "="]


def test_a_new_board_forgets_the_game_but_not_komi():
    text = b"komi 0.5\nplay b E5\nboardsize 13\nundo\nplay b N13\nclear_board\nplay w N13\nboardsize 7\nfinal_score\n"
    assert answers(text) == ["=", "=", "=", "? cannot undo", "=", "=", "=", "=", "= W+0.5"]


def test_a_size_that_is_refused_leaves_the_board():
    assert answers(b"play b E5\nboardsize 26\nplay b E5\nplay b K1\n")[2:] == [ILLEGAL, (
        "? syntax error: `vertex` (='K1') must be a point from A1 to J9 (no letter I) or pass"
    )]  # fmt: skip


@pytest.mark.parametrize("size", [5, 6, 13, 19, 25])
def test_all_sizes_are_played(size):
    lines = [f"boardsize {size}", "genmove b", "play w A1", "reg_genmove b", "lz-analyze b 0 maxmoves 1", "undo"]
    first, second, *rest = answers("\n".join(lines).encode())
    assert (first, second) == ("=", f"= A{size}") and rest[0] == "=" and rest[1] == f"= B{size}", rest
    assert rest[2].startswith(f"=\ninfo move B{size} visits ") and rest[3] == "="


def test_games_of_other_sizes_are_loaded(tmp_path):
    file = tmp_path / "small.sgf"
    file.write_text("(;GM[1]SZ[5]KM[3.5];B[cc];W[aa])")
    assert answers(f"loadsgf {file}\nplay b A5\nplay b F1\nundo\nplay w A5\n".encode()) == [
        "=", ILLEGAL, "? syntax error: `vertex` (='F1') must be a point from A1 to E5 (no letter I) or pass", "=", "=",
    ]  # fmt: skip


@pytest.mark.parametrize("cut", range(1, 13))
def test_the_input_may_end_anywhere(cut):
    """A last line without a line feed is a line; an analysis that runs is closed by an empty line."""
    text = b"1 name\n2 name"[:cut]
    expected = {1: "?1 syntax error", 2: "?1 syntax error"}
    out = session(text)
    if cut in expected:
        assert out.startswith(expected[cut]) and out.endswith("\n\n")
    elif 3 <= cut < 6:
        assert out == "?1 unknown command\n\n"
    else:
        assert out.startswith("=1 casecnn\n\n") and out.endswith("\n\n")
    streamed = session(b"1 lz-analyze b 1 maxmoves 1\n2 na")
    assert streamed.startswith("=1\ninfo move A9 ") and streamed.endswith("\n\n?2 unknown command\n\n")
    assert session(b"1 lz-analyze b 100 maxmoves 1").count("\n\n") == 1


def test_what_comes_after_quit_is_not_answered():
    assert session(b"name\n7 quit\nname\n") == NAME + "=7\n\n"


# A net on other boards


def test_lines_of_a_board_and_of_another():
    assert nearest(9, 9).tolist() == list(range(9))
    assert nearest(6, 19).tolist() == [0, 1, 2, 16, 17, 18]
    assert nearest(9, 5).tolist() == [0, 1, 2, 2, 2, 2, 2, 3, 4]


def small_policy(size: int = 9) -> Policy:
    torch.manual_seed(2)
    module = build(policy_net(k=4, layers=3, size=size))
    with torch.no_grad():
        module.state_dict()["position_bias.bias"].uniform_(-3, 3)
    return Policy(module, "small", size, {"k": 4, "layers": 3, "size": size})


def test_a_net_sees_the_same_in_a_corner_of_every_board():
    """With three layers a point looks four points far: in a corner of 13x13 the net gives what it gives on 9x9."""
    policy = small_policy()
    large = policy_for(policy, 13)
    assert policy_for(policy, 9) is policy and (large.size, large.name) == (13, "small on 13x13")
    logits = []
    for net, place in ((policy, 3 * 9 + 2), (large, 3 * 13 + 2)):
        position = Position(net.size)
        position.play(place)
        with torch.no_grad():
            planes = torch.from_numpy(position.features()[None]).float()
            logits.append(net.module(planes).reshape(net.size, net.size)[:5, :5])
    assert torch.allclose(logits[0], logits[1], atol=1e-5)


def test_a_net_for_a_size_that_there_is_not():
    with pytest.raises(UsageError, match=r"^`size` \(=26\) must be a whole number from 5 to 25$"):
        policy_for(small_policy(), 26)


def test_an_engine_without_a_net_for_other_sizes_says_so():
    engine = Engine(TableNet())
    with pytest.raises(InputError, match="^the net a-net plays on 9x9$"):
        engine.take_net(13)
