"""How the engine plays: which moves it refuses, how it passes, that games end."""

from __future__ import annotations

import re
from itertools import chain, repeat

import numpy as np
import pytest
from diagrams import BLACK, EMPTY, WHITE, diagram
from wishful import WishfulNet, set_up

from casecnn.errors import UsageError
from casecnn.go.board.coordinates import from_vertex, to_vertex
from casecnn.go.gtp.engine import Engine
from casecnn.go.gtp.protocol import GtpError
from casecnn.go.players.player import PolicyPlayer, Settings
from casecnn.go.position import Position
from casecnn.go.search.dead_stones import estimate_ending
from casecnn.go.search.random_play import Outcome


class RandomNet:
    """Wants something else each time."""

    name = "random"

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._generator = np.random.default_rng(seed)

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        raw = self._generator.random((len(planes), self.size**2)) ** 8
        return (raw / raw.sum(1, keepdims=True)).astype(np.float32)


def choice(text: str, wishes: str = "", to_play: int = BLACK, komi: float = 0.0, **settings) -> str:
    """The engine's move in a picture."""
    board = diagram(text)
    engine = Engine(WishfulNet(board.size, wishes), Settings(**settings))
    set_up(engine, board, to_play, komi)
    return engine.genmove(to_play)


# Moves that are refused

# Black lives in the corner by four points in a row; everything else is White's.
FOUR_IN_A_ROW = """
. . . . X O O
X X X X X O O
O O O O O O O
O O O O O O O
O O O O O O O
O O . O O O O
O O O O O . O
"""


def test_the_eye_space_of_a_living_group_is_not_filled():
    """At either end it would kill the group; the points in the middle make two eyes and do no harm."""
    for wishes in ("A7 D7", "D7 A7"):
        assert choice(FOUR_IN_A_ROW, wishes, passes="end") in ("B7", "C7", "pass")


THREE_IN_A_ROW = """
. . . X O O O
X X X X O O O
O O O O O O O
O O O O O O O
O O O O O O O
O O . O O O O
O O O O O . O
"""


def test_the_stone_that_makes_two_eyes_is_played():
    assert choice(THREE_IN_A_ROW, "A7 C7 B7", passes="end") == "B7"
    assert choice(THREE_IN_A_ROW, "A7 C7", komi=-100, passes="end") == "B7"


# Two black stones have a as their last liberty.
LOOSE = """
. . . . . . . . .
. . . . . . . . .
. . . O X O . . .
. . O X a X O . .
. . . O X O . . .
. . . . . . . . .
. . . . . . . . .
. . . . . . . . .
X X . . . . . . .
"""


def test_random_games_have_no_say_where_the_net_is_sure_and_the_board_open(monkeypatch):
    """They seldom punish what a player does at once. Here they find all moves alike; E6 has a share of 0.99 or 0.14."""
    nothing = Outcome(np.zeros(81), 0.0)
    monkeypatch.setattr("casecnn.go.players.move_check.play_out", lambda *_: nothing)
    assert choice(LOOSE, "E6", passes="end") == "E6"
    assert choice(LOOSE, "A1 B1 E6", passes="end") != "E6"
    monkeypatch.setattr("casecnn.go.players.move_check.play_out", lambda *_: pytest.fail("not asked"))
    assert choice(LOOSE, "E6", passes="end") == "E6"


@pytest.mark.parametrize("lead, move", [(-0.9, "B5"), (-1.1, "E1"), (5.0, "B5")])
def test_on_a_settled_board_they_may_refuse_what_does_harm(monkeypatch, lead, move):
    """Points ahead after a pass are 0, after B5 `lead`; the net is sure of it. E1 takes White's stones."""
    found = chain([0.0, lead], repeat(0.0))
    monkeypatch.setattr("casecnn.go.players.move_check.play_out", lambda *_: Outcome(np.zeros(25), next(found)))
    assert choice(". . . X O\n. . . X O\n. . . X O\nX X X X O\nO O O O .", "B5", passes="end") == move


# The chains in the middle share their last two liberties.
SEKI = """
. X O a X O .
X X O b X O O
X X O X X O O
X X X O O O O
. X X O O . O
X X X O O O O
X X X O O O O
"""


def test_a_seki_stays_one():
    for colour in (BLACK, WHITE):
        for komi in (0, -50, 50):
            assert choice(SEKI, "D7 D6", colour, komi, passes="end") == "pass"


def test_no_own_eye_is_ever_filled():
    text = ". X X X X\nX X X X X\nX X X X X\nX X X X X\nX X X X ."
    assert choice(text, "A5 E1", komi=100, passes="end") == "pass"


def test_positions_are_not_repeated():
    board = diagram(
        """
        . X O . .
        X . X O .
        . X O . .
        . . . . .
        . . . . .
        """
    )
    engine = Engine(WishfulNet(5, "C4"))
    set_up(engine, board, WHITE)
    engine.play(WHITE, from_vertex("B4", 5))  # takes C4
    engine.play(BLACK, 25)
    engine.play(WHITE, 25)
    assert engine.position.is_legal(from_vertex("C4", 5), BLACK)  # by simple ko
    assert engine.genmove(BLACK) not in ("C4", "pass")


# Passes

SETTLED = """
. O . X .
O O O X X
. O . O X
O O O X X
O . O X .
"""


def test_a_pass_is_answered_where_the_game_is_won():
    assert choice(SETTLED, to_play=WHITE) == "pass"
    assert choice(SETTLED, to_play=WHITE, passes="end") in ("A1", "C5", "pass")


def test_a_pass_in_the_opening_does_not_end_the_game():
    for moves in ((), ((BLACK, "E5"), (WHITE, "pass")), ((BLACK, "C3"), (WHITE, "G7"), (BLACK, "pass"))):
        engine = Engine(WishfulNet(9, "F6"))
        for colour, vertex in moves:
            engine.play(colour, from_vertex(vertex, 9))
        assert engine.genmove(engine.position.to_play) == "F6"


def test_nothing_open_is_a_pass_even_for_the_loser():
    lost = """
        . X . X X
        X X X X .
        X X X X X
        O O O O O
        . O O O .
        """
    assert choice(lost, to_play=WHITE) == "pass"
    assert choice(lost, to_play=BLACK, komi=20) == "pass"


DAME = """
. X . X X
X X X X X
X X . O O
O O O O O
. O O O .
"""


def test_the_loser_takes_the_last_dame():
    assert choice(DAME, to_play=WHITE, komi=-10) == "C3"
    assert choice(DAME, to_play=WHITE, komi=10) == "pass"


# White's stone at the edge is dead. With it White leads by 2 points, without it Black by 5.
PRISONER = """
. . X O .
O . X O O
. . X O .
X X X O O
. X X O .
"""


def test_dead_stones_that_the_win_depends_on_are_taken():
    board = diagram(PRISONER)
    for komi, passes_at_once in ((3.0, False), (0.0, False), (-3.0, True)):
        engine = Engine(WishfulNet(5))
        set_up(engine, board, BLACK, komi)
        ending = estimate_ending(engine.position)
        assert ending.dead.nonzero()[0].tolist() == [5] and ending.score == 15 - 10 - komi
        assert engine.position.score() == 9 - 11 - komi
        moves = [engine.genmove(BLACK)]
        while moves[-1] != "pass":
            engine.play(WHITE, 25)
            moves.append(engine.genmove(BLACK))
        assert (moves == ["pass"]) == passes_at_once
        assert engine.position.score() > 0
        assert engine.position.board[1, 0] == EMPTY or komi < 3


def test_cleanup_takes_dead_stones_before_it_passes():
    engine = Engine(WishfulNet(5))
    set_up(engine, diagram(PRISONER), BLACK, -20)
    assert engine.seen_by(BLACK).score() > 0
    for _ in range(6):
        if engine.genmove_cleanup(BLACK) == "pass":
            break
        engine.play(WHITE, 25)
    assert engine.position.board[1, 0] == EMPTY and engine.position.moves[-1] == (BLACK, 25)


@pytest.mark.parametrize("passes", ["reply", "end"])
@pytest.mark.parametrize("size, seed", [(5, 3), (5, 2), (7, 3), (9, 4)])
def test_games_end(size, seed, passes):
    """Two engines without sense: a game ends, no arrangement comes twice, and no stone goes into an own true eye."""
    engine = Engine(RandomNet(size, seed), Settings(passes=passes, superko=True))
    colour = BLACK
    while engine.position.passes < 2:
        assert engine.position.move_number < 6 * size * size
        seen = engine.seen_by(colour)
        sensible = seen.sensible_moves()
        vertex = engine.genmove(colour)
        assert vertex == "pass" or sensible[from_vertex(vertex, size)]
        colour = 3 - colour
    if passes == "end":  # all dead stones are off the board; none of these games has a seki
        assert estimate_ending(engine.position).score == engine.position.score()


# Settings


def test_temperature_draws_moves_by_probability():
    player = PolicyPlayer(WishfulNet(5, "A1 B1 C1"), Settings(temperature=1.0, seed=3, tactics=False))
    drawn = [to_vertex(player.choose(Position(5)), 5) for _ in range(400)]
    again = PolicyPlayer(WishfulNet(5, "A1 B1 C1"), Settings(temperature=1.0, seed=3, tactics=False))
    assert drawn[:20] == [to_vertex(again.choose(Position(5)), 5) for _ in range(20)]
    shares = [drawn.count(vertex) / 400 for vertex in ("A1", "B1", "C1")]
    assert shares == pytest.approx([0.57, 0.285, 0.143], abs=0.07)
    assert to_vertex(player.choose(Position(5), temperature=0), 5) == "A1"
    cold = PolicyPlayer(WishfulNet(5, "A1 B1 C1"), Settings(temperature=0.01, tactics=False))
    assert {to_vertex(cold.choose(Position(5)), 5) for _ in range(20)} == {"A1"}


def test_the_engine_resigns_only_if_asked_and_after_three_hopeless_turns():
    lost = "X X . X X\nX X X X X\nX X X X .\nX X X X X\n. X . X X"

    def moves(**settings) -> list[str]:
        engine = Engine(WishfulNet(5), Settings(**settings))
        for move in range(12):
            engine.play(BLACK + move % 2, 25)
        set_up(engine, diagram(lost), WHITE, 0)
        found = []
        for _ in range(4):
            found.append(engine.genmove(WHITE))
            engine.play(BLACK, 25)
        return found

    assert "resign" not in moves()
    assert "resign" not in moves(resign=30.0)
    assert [move == "resign" for move in moves(resign=10.0)] == [False, False, True, True]


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"temperature": -1.0}, "`temperature` (=-1.0) must be a number of at least 0"),
        ({"temperature": float("nan")}, "`temperature` (=nan) must be a number of at least 0"),
        ({"passes": "never"}, "`passes` (=never) must be one of reply, end"),
        ({"resign": 0.0}, "`resign` (=0.0) must be a number above 0"),
    ],
)
def test_settings_out_of_range(settings, error):
    with pytest.raises(UsageError, match=f"^{re.escape(error)}$"):
        Settings(**settings)


def test_an_engine_for_another_board():
    engine = Engine(WishfulNet(13, "K10"))
    assert engine.boardsize(13) == "" and engine.genmove(BLACK) == "K10"
    with pytest.raises(GtpError, match="^unacceptable size: the net wishful plays on 13x13$"):
        engine.boardsize(19)
