"""Random games, and what they say of the end: dead stones, territory, scores."""

from __future__ import annotations

import numpy as np
import pytest
from diagrams import BLACK, EMPTY, WHITE, diagram
from wishful import WishfulNet, set_up

from casecnn.go.board.regions import chains, regions
from casecnn.go.gtp.endgame import Endgame
from casecnn.go.gtp.engine import Engine
from casecnn.go.position import Position
from casecnn.go.search.dead_stones import SURE, estimate_ending, games_for
from casecnn.go.search.random_play import play_out

DEAD = """
. X . . O O . O .
. X X . X O . . O
. . X X X O O . .
X . . . X O . . .
. O . . X O . O O
. . . X X O . . .
X . X . X O O . X
. X X X X X O O .
. X . X . X X O .
"""


def test_random_games_are_reproducible_and_leave_the_position_alone():
    board = Position(9)
    board.play(40)
    before = board.board
    one, two, other = (play_out(board.state, WHITE, 20, seed) for seed in (1, 1, 2))
    assert (one.ownership == two.ownership).all() and one.score == two.score
    assert (one.ownership != other.ownership).any()
    assert (board.board == before).all() and board.to_play == WHITE and board.is_legal(0)
    assert one.score == pytest.approx(one.ownership.sum())


def test_random_games_from_a_board_that_is_settled():
    board = diagram(
        """
        . O . X .
        O O O X X
        . O O X .
        O O O X X
        . O O X .
        """
    )
    engine = Engine(WishfulNet(5))
    set_up(engine, board)
    found = play_out(engine.position.state, BLACK, 50)
    owner = np.array(board.board)
    owner[[0, 2, 4], 0] = WHITE
    owner[[0, 2, 4], 4] = BLACK
    owner[0, 2] = EMPTY
    sign = np.where(owner == BLACK, 1, np.where(owner == WHITE, -1, 0)).reshape(-1)
    known = np.arange(25) != 2
    assert (found.ownership[known] == sign[known]).all()


def test_dead_stones_are_found():
    engine = Engine(WishfulNet(9))
    set_up(engine, diagram(DEAD))
    endgame = Endgame(engine)
    assert endgame.final_status_list("dead").split("\n") == ["B5", "J3"]
    assert endgame.final_status_list("seki") == ""
    alive = endgame.final_status_list("alive").split()
    assert len(alive) == int(engine.position.board.astype(bool).sum()) - 2 and "B5" not in alive
    territories = [endgame.final_status_list(f"{colour}_territory").split() for colour in ("black", "white")]
    assert "B5" in territories[0] and "J3" in territories[1] and "D9" in endgame.final_status_list("dame").split()
    stones = [int((engine.position.board == colour).sum()) - 1 for colour in (BLACK, WHITE)]  # one of each is dead
    score = stones[0] + len(territories[0]) - stones[1] - len(territories[1])
    assert endgame.final_score() == f"{'B' if score > 0 else 'W'}+{abs(score)}" and score


def test_in_doubt_the_net_decides_who_is_dead():
    board = diagram("""
        O O O O O
        . O . O .
        O O O O O
        X X X X O
        . . . X O
    """)  # who plays B1 first decides; random players often do not
    for colour, dead, score in ((BLACK, False, 8 - 17), (WHITE, True, -25)):
        engine = Engine(WishfulNet(5, "B1"))
        set_up(engine, board, to_play=colour)
        owned = play_out(engine.position.state, colour, 500).ownership.reshape(5, 5)
        assert abs(owned[3, :4].mean()) < SURE
        ending = estimate_ending(engine.position, policy=engine.player.policy)
        assert ending.dead.reshape(5, 5)[3, :4].tolist() == [dead] * 4 and ending.score == score


def test_the_ending_is_worked_out_once_a_position(monkeypatch):
    engine, asked = Engine(WishfulNet(5)), []
    endgame = Endgame(engine)

    def estimate(position, policy):
        asked.append(position.move_number)
        return estimate_ending(position)

    monkeypatch.setattr("casecnn.go.gtp.endgame.estimate_ending", estimate)
    assert endgame.final_score() == "W+7.5"
    endgame.final_status_list("dead")
    engine.set_komi(0)
    assert endgame.final_score() == "0" and asked == [0]
    engine.play(BLACK, 12)
    assert endgame.final_score() == "B+25" and asked == [0, 1]
    endgame.clear_cache()
    assert endgame.final_score() == "B+25" and asked == [0, 1, 1]


def test_scores():
    engine = Engine(WishfulNet(5))
    endgame = Endgame(engine)
    assert endgame.final_score() == "W+7.5"
    engine.set_komi(0)
    assert endgame.final_score() == "0"
    engine.set_komi(-3.25)
    assert endgame.final_score() == "B+3.25"


def test_chains_and_regions_cover_the_board():
    rng = np.random.default_rng(5)
    board = rng.integers(0, 3, 49)
    found = [*chains(board, 7), *(region for region, _ in regions(board, 7))]
    assert sorted(move for part in found for move in part) == list(range(49))
    assert all(len({int(board[move]) for move in part}) == 1 for part in found)
    assert [border for _, border in regions(np.zeros(25, int), 5)] == [0]
    assert games_for(np.zeros(361)) == 128 and games_for(np.ones(361)) == 512
