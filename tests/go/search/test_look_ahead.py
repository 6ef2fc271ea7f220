"""Moves judged by rollouts: the order, the time, the engine that plays by them, and what analyses say of them."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from diagrams import diagram
from gtp_sessions import TableNet, dispatcher_of, session

from casecnn.errors import UsageError
from casecnn.go.board.coordinates import from_vertex, to_vertex
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.gtp.dispatch import serve
from casecnn.go.gtp.engine import Engine
from casecnn.go.players.player import PolicyPlayer, Settings
from casecnn.go.position import Position
from casecnn.go.search.look_ahead import CANDIDATES, Candidate, by_win_rate, likely, look_ahead
from casecnn.go.search.rollouts import Rollouts, rolling_out


def known(move: int, prior: float, rate: float, games: int = 100) -> Candidate:
    return Candidate(move, prior, Rollouts(games, rate, 0.0, 0.0))


def order(*candidates: Candidate) -> list[int]:
    return [candidate.move for candidate in by_win_rate(candidates)]


def test_the_better_win_rate_comes_first_where_it_is_beyond_chance():
    """100 games each: standard errors near 0.05, of a difference near 0.07."""
    assert order(known(1, 0.9, 0.35), known(2, 0.1, 0.5)) == [2, 1]
    assert order(known(1, 0.9, 0.37), known(2, 0.1, 0.5)) == [1, 2]
    assert order(known(1, 0.5, 0.30), known(2, 0.3, 0.47), known(3, 0.2, 0.5)) == [2, 3, 1]
    assert order(known(1, 0.9, 0.25, 4), known(2, 0.1, 0.75, 4)) == [1, 2]  # one to three of four proves nothing
    assert order(known(1, 0.9, 0.0, 4), known(2, 0.1, 1.0, 4)) == [2, 1]
    assert order(known(1, 0.9, 0.0, 1), known(2, 0.1, 1.0, 1)) == [1, 2]  # nor does one game each
    assert order(known(1, 0.9, 0.0, 50), known(2, 0.1, 0.2, 50)) == [2, 1]


def test_moves_without_a_finished_game_come_last():
    assert order(Candidate(1, 0.9), known(2, 0.1, 0.0)) == [2, 1]
    assert order(Candidate(1, 0.9), Candidate(2, 0.1)) == [1, 2]


def test_only_likely_moves_are_played_out():
    def endless():
        for move in range(CANDIDATES):
            yield Candidate(move, 0.1)
        raise AssertionError("one too many")

    assert len(likely(endless())) == CANDIDATES
    shares = [Candidate(move, prior) for move, prior in enumerate((0.5, 0.4, 0.025, 0.02, 0.3))]
    assert [c.move for c in likely(shares)] == [0, 1, 2]
    assert likely([]) == []


# Black to play. A5 makes two eyes for the black group at the top; anywhere else White plays A5 and takes it all.
LIFE = """
a . . X O O
X X X X O O
O O O O O O
O O O O O O
O O O O O .
O O O O . O
"""


KOMI = -25.0  # Black has 8 points with the group alive, White 28
WISHES = {"A6": 0.5, "B6": 0.3, "C6": 0.2}


def test_rollouts_find_what_the_policy_does_not_see():
    """Three in a row: only the middle point makes two eyes, the policy likes the corner."""
    board = diagram(LIFE)
    position = Position(6, KOMI)
    for row, column in np.argwhere(board.board).tolist():
        position.set_stone(row * 6 + column, board.board[row][column])
    policy = TableNet(6, **WISHES)
    candidates = [Candidate(from_vertex(vertex, 6), prior) for vertex, prior in WISHES.items()]
    before = position.board.copy()
    found = look_ahead(policy, position, candidates, 40, 60.0)
    assert to_vertex(found[0].move, 6) == "B6"
    assert all(c.rollouts and c.rollouts.games == 40 for c in found)
    assert (position.board == before).all() and position.to_play == BLACK
    again = look_ahead(policy, position, candidates, 40, 60.0)
    assert again == found


def test_playouts_can_be_cut_off_and_are_judged_by_random_games():
    """Black owns the board but for a strip; after one move nothing is finished, but random games know."""
    position = Position(5, 0.5)
    for move in (5, 6, 7, 8, 9, 15, 16, 17, 18, 19):
        position.set_stone(move, BLACK)
    (cut,) = [tally for _, tally in rolling_out(position, [12], TableNet(5), 1, enough=lambda: True)]
    assert cut.games == 1 and cut.win_rate == 1 and cut.mean_score > 15
    position.set_to_play(WHITE)
    *_, (_, other) = rolling_out(position, [25], TableNet(5), 8, enough=lambda: True)
    assert other.games == 8 and other.win_rate == 0 and other.mean_score < -15
    *_, (_, few) = rolling_out(position, [25], TableNet(5), 8, batch=3, enough=lambda: True)
    assert few.games == 3
    assert not list(rolling_out(position, [25], TableNet(5), 8, tick=lambda played: True, enough=lambda: True))


def test_rollouts_end_in_time(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    class Slow(TableNet):
        def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
            time.sleep(0.01)
            return super().probabilities(planes, symmetries)

    position = Position(9)
    candidates = [Candidate(move, 0.25) for move in (40, 41, 42, 43)]
    look_ahead(TableNet(), position, candidates, 1, 0.0)  # compiled
    found = look_ahead(Slow(), position, candidates, 100, 0.3)
    assert [c.rollouts.games for c in found if c.rollouts] == [8, 8, 8, 8]  # a batch of 32, no time for another
    stopped = look_ahead(Slow(), position, candidates, 2, 600.0, stop=lambda: True)
    assert not any(c.rollouts for c in stopped)


# Whoever plays A2 takes the other's stones on the left side; D3 can wait.
RACE = """
O X O . X
O X O . X
O X O b X
a X O . X
O X O . X
"""


@pytest.mark.parametrize("rollouts, vertex", [(0, "D3"), (30, "A2")])
def test_the_engine_plays_by_win_rate(rollouts, vertex):
    board = diagram(RACE)
    engine = Engine(TableNet(5, D3=0.7, A2=0.3), Settings(rollouts=rollouts, move_time=60, tactics=False))
    for row, column in np.argwhere(board.board).tolist():
        engine.position.set_stone(row * 5 + column, board.board[row][column])
    assert engine.reg_genmove(BLACK) == vertex
    rates = {to_vertex(c.move, 5): c.rollouts.win_rate for c in engine.player.considered if c.rollouts}
    assert rates == ({"A2": 1.0, "D3": 0.0} if rollouts else {})
    assert engine.genmove(WHITE) == vertex and engine.position.move_number == 1


def test_a_single_move_needs_no_rollouts():
    player = PolicyPlayer(TableNet(5, C3=1.0), Settings(rollouts=10_000, move_time=3600))
    assert player.choose(Position(5)) == 12 and player.considered[0].rollouts is None


def test_the_clock_shortens_rollouts():
    engine = Engine(TableNet(9), Settings(rollouts=1, move_time=10))
    assert engine.seconds_for(BLACK) == 10
    engine.clock.time_left(BLACK, 5, 10)
    assert engine.seconds_for(BLACK) == pytest.approx(0.35) and engine.seconds_for(WHITE) == 10
    engine.clock.time_left(BLACK, 100, 0)  # 81 points: 60 moves, 30 of them Black's
    assert engine.seconds_for(BLACK) == pytest.approx(0.7 * 100 / 30)
    engine.clock.time_left(BLACK, 1_000_000, 0)
    assert engine.seconds_for(BLACK) == 10
    engine.clock.time_left(BLACK, 0, 0)
    assert engine.seconds_for(BLACK) == 0 and engine.genmove(BLACK) == "A9"
    engine.clear_board()
    assert engine.seconds_for(BLACK) == 10


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"rollouts": -1}, r"`rollouts` \(=-1\) must be a whole number from 0 to 100000"),
        ({"rollouts": 100_001}, r"`rollouts` \(=100001\) must be a whole number from 0 to 100000"),
        ({"move_time": 0.0}, r"`move_time` \(=0.0\) must be a number above 0"),
        ({"move_time": float("nan")}, r"`move_time` \(=nan\) must be a number of at least 0 and at most 86400"),
    ],
)
def test_settings_out_of_range(settings, error):
    with pytest.raises(UsageError, match=f"^{error}$"):
        Settings(**settings)


# Analyses


def engine_with_rollouts(rollouts: int = 4) -> Engine:
    return Engine(TableNet(5, C3=0.6, B2=0.3, A1=0.08, E5=0.02), Settings(rollouts=rollouts, move_time=60))


def fields(line: str) -> list[dict[str, str]]:
    infos = [info.split() for info in line.split("info ")[1:]]
    return [dict(zip(words[::2], words[1::2], strict=False)) for words in infos]


def test_an_analysis_at_once_tells_win_rates():
    start, line, *_ = session("1 lz-analyze b 0\n", engine_with_rollouts()).split("\n")
    found = fields(line)
    assert start == "=1" and {info["move"] for info in found} == {"C3", "B2", "A1"}  # E5 is too unlikely
    assert [info["order"] for info in found] == ["0", "1", "2"] and {info["visits"] for info in found} == {"4"}
    assert all(int(info["winrate"]) in (0, 2500, 5000, 7500, 10_000) for info in found)
    assert all(int(info["lcb"]) <= int(info["winrate"]) and int(info["lcb"]) < 10_000 for info in found)
    score = fields(session("kata-analyze b 0\n", engine_with_rollouts()).split("\n")[1])[0]
    assert float(score["scoreLead"]) == float(score["scoreMean"]) and 0 <= float(score["winrate"]) <= 1
    assert session("lz-analyze b 0 maxmoves 1\n", engine_with_rollouts()).count("info move") == 1


def test_an_analysis_that_goes_on_shows_win_rates_when_they_are_there():
    """The next line comes only when all games are counted."""
    finished = threading.Event()

    class Source(io.RawIOBase):
        lines = [b"kata-analyze b interval 1\n", b"name\n"]

        def readline(self, size: int | None = -1) -> bytes:
            if len(self.lines) == 1:
                assert finished.wait(60)
            return self.lines.pop(0) if self.lines else b""

    class Sink(io.StringIO):
        def write(self, text: str) -> int:
            if text.count(" visits 4 ") == 3:
                finished.set()
            return super().write(text)

    sink = Sink()
    serve(dispatcher_of(engine_with_rollouts()), Source(), sink)  # type: ignore[arg-type]
    start, *infos, empty, name, end, last = sink.getvalue().split("\n")
    assert (start, empty, name, end, last) == ("=", "", "= casecnn", "", "")
    assert "scoreLead" in infos[-1] and len({line.count("info move") for line in infos}) == 1


def test_an_analysis_ends_with_the_next_line_though_rollouts_go_on():
    before = threading.active_count()
    begin = time.monotonic()
    answers = session("lz-analyze b 1\nname\n", engine_with_rollouts(50_000))
    assert answers.startswith("=\ninfo move C3 ") and answers.endswith("\n\n= casecnn\n\n")
    assert time.monotonic() - begin < 55  # the settings give a move a minute
    assert threading.active_count() <= before + 1  # no playouts; the reader of the lines may still be ending


def test_genmove_analyze_tells_what_it_chose_by():
    engine = engine_with_rollouts()
    _, line, move, *_ = session("lz-genmove_analyze b 50\n", engine).split("\n")
    found = fields(line)
    assert move == f"play {found[0]['move']}" and {info["visits"] for info in found} == {"4"}
    avoided = session("lz-genmove_analyze b avoid b C3,B2 1\n", Engine(TableNet(5, C3=0.6, B2=0.3, A1=0.1)))
    assert avoided.split("\n")[2] == "play A1"
    allowed = session("lz-genmove_analyze b allow b B2,A1 1\n", Engine(TableNet(5, C3=0.6, B2=0.3, A1=0.1)))
    assert allowed.split("\n")[2] == "play B2"
