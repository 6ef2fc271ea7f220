"""What moves leave at stake: made positions counted by hand, random ones counted by the plain reading of ladders."""

from __future__ import annotations

import numpy as np
import pytest
from diagrams import BLACK, WHITE, diagram
from random_games import random_game

from casecnn.go import tactics
from casecnn.go.coordinates import from_vertex, to_vertex
from casecnn.go.features_plain import Situation, captures_in_ladder, escapes_ladder, plausible_escapes
from casecnn.go.player import Player, Settings
from casecnn.go.position import Position
from casecnn.go.tactics import at_stake, weigh


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

# One white move at a puts two and three black stones into atari; only the three are saved then.
DOUBLE = """
. . . . . . . . .
. . . . . . . . .
. . . . O X O . .
. . O O O X O . .
. b X X X a . . .
. . O O O . . . .
. . . . . . . . .
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


def test_of_two_chains_in_atari_one_is_lost():
    assert stakes(DOUBLE) == {"a": 0, "b": 0, "c": 2}


def test_who_runs_in_a_ladder_has_more_at_stake():
    assert stakes(LADDER) == {"a": 2, "b": 1}
    assert stakes(LADDER.replace("b", "X")) == {"a": 0}


def test_colours_are_alike():
    for text in (ATARI, DOUBLE, LADDER):
        swapped = text.translate(str.maketrans("XO", "OX"))
        assert stakes(swapped, WHITE) == stakes(text)


def plain_lost(situation: Situation) -> int:
    """Stones of the player that the opponent can take, less the largest chain that the player can save."""
    colour = situation.to_play
    attacker = Situation(situation.size, situation.stones, situation.opponent)
    total = saved = 0
    for prey in (point for point, owner in situation.stones.items() if owner == colour):
        chain = situation.chain(prey)
        if prey != min(chain.stones) or len(chain.liberties) > 2:
            continue
        if len(chain.liberties) == 1:
            taken = attacker.play(min(chain.liberties)) is not None
            options = plausible_escapes(situation, prey)
            safe = any(escapes_ladder(situation, option, prey) for option in options)
        else:
            taken = any(captures_in_ladder(attacker, liberty, prey) for liberty in chain.liberties)
            safe = True
        if taken:
            total += len(chain.stones)
            saved = max(saved, len(chain.stones) if safe else 0)
    return total - saved


def plain_stake(situation: Situation) -> int:
    """What the player to play takes from the other at best."""
    chains = [situation.chain(stone) for stone, colour in situation.stones.items() if colour == situation.opponent]
    answers = set().union(*(chain.liberties for chain in chains if len(chain.liberties) <= 3))
    outcomes = [outcome for outcome in map(situation.play, answers) if outcome is not None]
    return max((len(outcome.captured) + plain_lost(outcome.situation) for outcome in outcomes), default=0)


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
    assert len(set(seen)) > 5  # nothing, single stones, and whole chains


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

    move = Player(Net(), Settings(**settings)).choose(position_of(text))
    return next((letter for letter in wishes if picture.move(letter) == move), to_vertex(move, picture.size))


def test_the_player_thinks_less_of_a_move_that_loses_stones():
    # Three stones at 0.35 nats: a factor of 2.86.
    assert chosen(ATARI, {"c": 0.7, "a": 0.3}) == "a"
    assert chosen(ATARI, {"c": 0.75, "a": 0.25}) == "c"
    assert chosen(ATARI, {"c": 0.7, "a": 0.3}, tactics=False) == "c"


def test_moves_that_the_net_finds_absurd_are_not_looked_at():
    big = ATARI.replace("O X X X a", "X X X X a").replace(". O O O . . .\nX", "O O O O . . .\nX")
    assert chosen(big, {"c": 0.9995, "a": 0.0005}) == "c"


def test_probabilities_of_all_others_stay():
    position = position_of(ATARI)
    raw = np.full(49, 1 / 49, np.float32)
    sensible = position.sensible_moves()
    weighed = weigh(position, raw, sensible)
    changed = np.flatnonzero(weighed != raw)
    assert len(changed) and len(changed) < tactics.CANDIDATES and (weighed <= raw).all()
    assert sensible[changed].all()
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
