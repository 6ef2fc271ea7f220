"""The Go Text Protocol: what the net thinks, as graphical programs ask for it."""

from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from gtp_sessions import TableNet, dispatcher_of, session

from casecnn.go.gtp.dispatch import serve
from casecnn.go.gtp.engine import Engine

ANALYSED = TableNet(5, C3=0.6, B2=0.3, A1=0.05, E5=0.05)


def test_lz_analyze_ends_with_the_next_line():
    info = (
        "info move C3 visits 600 winrate 5000 prior 6000 lcb 5000 order 0 pv C3 B2 E5 A1 A5 B5 "
        "info move B2 visits 300 winrate 5000 prior 3000 lcb 5000 order 1 pv B2 C3 E5 A1 A5 B5"
    )
    for options in ("lz-analyze W 50", "lz-analyze 50", "lz-analyze w interval 50", "analyze", "lz-analyze b 0"):
        assert session(f"1 {options} maxmoves 2\n\n2 name\n", Engine(ANALYSED)) == f"=1\n{info}\n\n=2 casecnn\n\n"
    assert session("lz-analyze b maxmoves 2\n", Engine(ANALYSED)) == f"=\n{info}\n\n"


def test_kata_analyze():
    info = "info move C3 visits 600 winrate 0.500000 prior 0.600000 lcb 0.500000 order 0 pv C3 B2 E5 A1 A5 B5"
    asked = "kata-analyze b 50 maxmoves 1 ownership false\n2 name\n"
    assert session(asked, Engine(ANALYSED)) == f"=\n{info}\n\n=2 casecnn\n\n"
    line = session("kata-analyze b maxmoves 1 rootInfo true ownership true\n", Engine(ANALYSED)).split("\n")[1]
    assert line.startswith(f"{info} rootInfo visits 600 winrate 0.500000 ownership ")
    owners = [float(word) for word in line.split("ownership ")[1].split()]
    assert len(owners) == 25 and all(-1 <= owner <= 1 for owner in owners)


def test_the_owner_is_seen_by_the_colour_that_is_analysed():
    stones = "play b C3\nplay w pass\n" + "".join(f"play b {v}\nplay w pass\n" for v in ("B4", "D4", "B2", "D2"))
    for colour, sign in (("b", 1), ("w", -1)):
        line = session(f"{stones}kata-analyze {colour} ownership true\n", Engine(ANALYSED)).split("\n")[-3]
        owners = [float(word) for word in line.split("ownership ")[1].split()]
        assert all(sign * owner > 0.9 for owner in owners), colour


def test_analyses_can_be_narrowed():
    def moves(options: str) -> list[str]:
        words = session(f"lz-analyze b 50 {options}\n", Engine(ANALYSED)).split()
        return [after for word, after in zip(words, words[1:], strict=False) if word == "move"]

    assert moves("") == ["C3", "B2", "E5", "A1"]
    assert moves("avoid b C3,b2 1 avoid w A1 1") == ["E5", "A1"]
    assert moves("allow b A1,C3 1") == ["C3", "A1"]
    assert moves("avoid b pass,resign 1") == moves("")
    assert moves("allow b A1,C3 1 avoid b pass,resign,A1 1") == ["C3"]
    assert moves("allow b pass,resign 1") == []
    assert len(moves("minmoves 7")) == 7 and len(moves("minmoves 7 maxmoves 3")) == 3


def test_an_analysis_goes_on_until_a_line_comes():
    """The second line is written only when the first has been seen twice: nothing but the interval brings it about."""
    seen_twice = threading.Event()

    class Source(io.RawIOBase):
        lines = [b"lz-analyze b 1 maxmoves 1\n", b"name\n"]

        def readline(self, size: int | None = -1) -> bytes:
            if len(self.lines) == 1:
                assert seen_twice.wait(120)
            return self.lines.pop(0) if self.lines else b""

    class Sink(io.StringIO):
        def write(self, text: str) -> int:
            if (self.getvalue() + text).count("info move C3") == 2:
                seen_twice.set()
            return super().write(text)

    sink = Sink()
    serve(dispatcher_of(Engine(ANALYSED)), Source(), sink)  # type: ignore[arg-type]
    start, *infos, empty, name, end, last = sink.getvalue().split("\n")
    assert (start, empty, name, end, last) == ("=", "", "= casecnn", "", "")
    assert len(infos) >= 2 and set(infos) == {infos[0]} and infos[0].startswith("info move C3 ")


@pytest.mark.slow
def test_genmove_analyze_plays():
    engine = Engine(ANALYSED)
    assert session("3 lz-genmove_analyze b 50 maxmoves 1\n", engine) == (
        "=3\ninfo move C3 visits 600 winrate 5000 prior 6000 lcb 5000 order 0 pv C3 B2 E5 A1 A5 B5\nplay C3\n\n"
    )
    assert engine.position.moves == [(1, 12)]


def test_raw_net():
    answer = session("play b C3\nkata-raw-nn\n", Engine(ANALYSED)).split("\n\n")[1].split("\n")
    assert answer[:2] == ["= symmetry mean", "policy"] and answer[-1] == "policyPass 0.000000"
    rows = [[float(p) for p in row.split()] for row in answer[2:7]]
    assert rows[2][2] == 0.6 and rows[3][1] == 0.3 and rows[0][4] == 0.05 and sum(map(sum, rows)) == pytest.approx(1)
    all_eight = session("kata-raw-nn all\n", Engine(ANALYSED))
    assert [line.split()[-1] for line in all_eight.split("\n") if "symmetry" in line] == list("01234567")


def test_one_symmetry_is_turned_back():
    class Echo(TableNet):
        """Gives the points with own stones, as it sees them."""

        def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
            assert not symmetries
            return planes[:, 0].reshape(len(planes), -1).astype(np.float32)

    asked = "play b B5\nplay w pass\nkata-raw-nn all\n"
    blocks = session(asked, Engine(Echo(5))).split("symmetry")[1:]
    for block in blocks:
        rows = block.split("\n")[2:7]
        assert rows[0] == "0.000000 1.000000 0.000000 0.000000 0.000000", block
        assert set(" ".join(rows[1:]).split()) == {"0.000000"}


@pytest.mark.slow
def test_gogui_commands_are_known_and_answer():
    engine = Engine(ANALYSED)
    listed = session("gogui-analyze_commands\n", engine)[2:].strip().split("\n")
    commands = [line.split("/")[2].replace("%m", "b") for line in listed]
    answers = session("\n".join(commands), engine)
    assert answers.count("=") == len(commands) and "?" not in answers
    assert session("casecnn-heatmap\n", engine) == (
        "= COLOR #ff0000 C3\nCOLOR #ff4300 B2\nCOLOR #ffa400 E5\nCOLOR #ffa400 A1\nLABEL C3 60 B2 30 E5 5 A1 5\n"
        "TEXT %, a-net\n\n"
    )
    white = session("casecnn-policy w\n", engine).split("\n")
    assert white[:2] == ["=", "0.0000 0.0000 0.0000 0.0000 -0.0500"]
    assert session("casecnn-suggest\n", engine).split("\n")[1:4] == ["C3    60.00 %", "B2    30.00 %", "E5     5.00 %"]
