"""What moves leave at stake: made positions counted by hand, random ones read by the plain ladders."""

from __future__ import annotations

import numpy as np
import pytest
from diagrams import BLACK, WHITE, diagram
from random_games import random_game

from casecnn.go.board.coordinates import from_vertex, to_vertex
from casecnn.go.planes.plain import Situation, captures_in_ladder
from casecnn.go.players.player import PolicyPlayer, Settings
from casecnn.go.position import Position
from casecnn.go.search import tactics
from casecnn.go.search.tactics import at_stake, weigh


def position_of(text: str, to_play: int = BLACK) -> Position:
    picture = diagram(text)
    position = Position(picture.size)
    for row, column in np.argwhere(picture.board).tolist():
        position.set_stone(row * picture.size + column, picture.board[row][column])
    position.set_to_play(to_play)
    return position


def stakes(text: str, to_play: int = BLACK) -> dict[str, int]:
    """The stones at stake after a move at each letter."""
    picture = diagram(text)
    moves = np.array([row * picture.size + column for row, column in picture.letters])
    found = at_stake(position_of(text, to_play), moves)
    assert found is not None
    return dict(sorted(zip(picture.letters.values(), found.tolist(), strict=True)))


# Three black stones in atari: a and b save them, by running and by taking the attacker; c does not.
ATARI = """
. . . . . . .
. O O O . . .
O X X X a . .
. O O O . . .
. . . . . . .
. . . . . . c
. . . . . . .
"""

# White threatens both chains, but has one move: the larger one is at stake, unless a saves both.
BOTH = """
. . . . . . . . .
. . . . . O . . .
. . . . O X O . .
. . O O O X O . .
. O X X X a . . .
. . O O O . . . .
. . . . . . X . .
. . . . . . c . .
. . . . . . . . .
"""

# In a ladder: running makes it worse, unless a stone waits.
LADDER = """
. . . . . . .
. . O O . . .
. O X a . . .
. . O . . . .
. . . . . b .
. . . . . . .
. . . . . . .
"""


def test_stones_in_atari_are_at_stake():
    assert stakes(ATARI) == {"a": 0, "c": 3}


def test_of_two_chains_in_atari_the_larger_is_at_stake():
    assert stakes(BOTH) == {"a": 0, "c": 3}


def test_who_runs_in_a_ladder_has_more_at_stake():
    assert stakes(LADDER) == {"a": 2, "b": 1}
    assert stakes(LADDER.replace("b", "X")) == {"a": 0}


def test_colours_are_alike():
    for text in (ATARI, BOTH, LADDER):
        swapped = text.translate(str.maketrans("XO", "OX"))
        assert stakes(swapped, WHITE) == stakes(text)


def plain_stake(situation: Situation) -> int:
    """The largest chain that the player to play takes from the other."""
    most = 0
    for prey in (point for point, colour in situation.stones.items() if colour == situation.opponent):
        chain = situation.chain(prey)
        if len(chain.liberties) == 1:
            taken = situation.play(min(chain.liberties)) is not None
        else:
            ladder = len(chain.liberties) == 2
            taken = ladder and any(captures_in_ladder(situation, liberty, prey) for liberty in chain.liberties)
        most = max(most, len(chain.stones) if taken else 0)
    return most


def test_random_positions_are_counted_as_by_the_plain_reading():
    rng = np.random.default_rng(4)
    seen = []
    for size, moves in [(5, 8), (5, 14), (7, 20), (7, 30), (9, 40), (9, 55)] * 2:
        record = random_game(rng, size, moves)
        position = Position.from_record(record)
        stones = {(r, c): int(position.board[r, c]) for r, c in np.argwhere(position.board).tolist()}
        ko = None if position.ko is None else divmod(position.ko, size)
        situation = Situation(size, stones, position.to_play, ko)
        candidates = np.flatnonzero(position.sensible_moves())
        candidates = rng.choice(candidates, min(6, len(candidates)), replace=False)
        expected = []
        for move in candidates.tolist():
            outcome = situation.play(divmod(move, size))
            assert outcome is not None
            expected.append(plain_stake(outcome.situation))
        before = position.board
        found = at_stake(position, candidates)
        assert found is not None and found.tolist() == expected
        assert (position.board == before).all()
        seen += expected
    assert {0, 1, 2, 3} <= set(seen)


def chosen(text: str, wishes: dict[str, float], **settings) -> str:
    """The move of a player whose net gives these probabilities, by letter."""
    picture = diagram(text)
    points = picture.size**2
    table = np.zeros(points, np.float32)
    for letter, p in wishes.items():
        table[picture.move(letter)] = p

    class Net:
        name, size = "a-net", picture.size

        def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
            return np.repeat(table[None], len(planes), axis=0)

    move = PolicyPlayer(Net(), Settings(**settings)).choose(position_of(text))
    return next((letter for letter in wishes if picture.move(letter) == move), to_vertex(move, picture.size))


def test_the_player_thinks_less_of_a_move_that_loses_stones():
    # Three stones at 0.5 nats: a factor of 4.5.
    assert chosen(ATARI, {"c": 0.8, "a": 0.2}) == "a"
    assert chosen(ATARI, {"c": 0.83, "a": 0.17}) == "c"
    assert chosen(ATARI, {"c": 0.8, "a": 0.2}, tactics=False) == "c"


def test_moves_that_the_net_finds_absurd_are_not_looked_at():
    big = ATARI.replace("O X X X a", "X X X X a").replace(". O O O . . .\nX", "O O O O . . .\nX")
    assert chosen(big, {"c": 0.9995, "a": 0.0005}) == "c"


def test_probabilities_of_all_others_stay():
    position = position_of(ATARI)
    raw = np.full(49, 1 / 50, np.float32)
    raw[from_vertex("E5", 7)] = 2 / 50  # the only one of the best eight that saves the three stones
    sensible = position.sensible_moves()
    weighed = weigh(position, raw, sensible)
    changed = np.flatnonzero(weighed != raw)
    assert len(changed) == tactics.CANDIDATES - 1 and sensible[changed].all()
    np.testing.assert_allclose(weighed[changed] / raw[changed], np.exp(-1.5), rtol=1e-6)
    alone = np.zeros(49, bool)
    alone[from_vertex("E5", 7)] = True
    assert weigh(position, raw, alone) is raw


def test_where_ladders_are_too_many_nothing_is_said(monkeypatch):
    position = position_of(LADDER)
    moves = np.array([from_vertex("D5", 7), from_vertex("F3", 7)])
    monkeypatch.setattr(tactics, "_at_stake", lambda *arguments: False)
    assert at_stake(position, moves) is None
    raw = np.full(49, 1 / 49, np.float32)
    assert weigh(position, raw, position.sensible_moves()) is raw


@pytest.mark.parametrize("size", [9, 25])
def test_a_stone_in_the_corner_of_an_empty_board_is_caught_and_others_are_not(size):
    found = at_stake(Position(size), np.array([0, size + 1, size * size // 2]))
    assert found is not None and found.tolist() == [1, 0, 0]
