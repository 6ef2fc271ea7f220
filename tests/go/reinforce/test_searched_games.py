"""Games of a search against itself, and the files that training reads."""

from __future__ import annotations

import numpy as np
import pytest
from area_net import AreaNet

from casecnn.errors import InputError, UsageError
from casecnn.go.board.record import unpack
from casecnn.go.play.game import Rules
from casecnn.go.position import Position
from casecnn.go.reinforce.searched_games import play_searched_game, play_searched_games, read_searched_game

RULES = Rules(komi=0.5, max_moves=60, opening_moves=6, seed=3)


def test_a_game_keeps_what_was_searched():
    game = play_searched_game(AreaNet(5), 1, 24, RULES)
    moves = [unpack(event) for event in game.events]
    assert game.visits.shape == (len(moves), 26) and game.ended in ("passes", "move limit")
    assert (game.visits.sum(1) == 23).all()
    position = Position(5, 0.5)
    for number, ((_, colour, move), visits) in enumerate(zip(moves, game.visits, strict=True)):
        assert colour == position.to_play and visits[move] > 0
        assert number < 6 or visits[move] == visits.max()
        position.play(move)
    assert game.score == position.score() == game.ownership.sum() - 0.5
    assert game.winner == (1 if game.score > 0 else 2) and ((0 < game.win) & (game.win < 1)).all()


@pytest.mark.slow
def test_a_game_depends_on_its_number_alone():
    one, two = (
        {game.number: game for game in play_searched_games(AreaNet(5), range(3), 12, RULES, threads)}
        for threads in (1, 3)
    )
    for number in range(3):
        assert one[number].events.tolist() == two[number].events.tolist()
        assert (one[number].visits == two[number].visits).all()
    assert one[0].events.tolist() != one[1].events.tolist()


def test_the_file_of_a_game_gives_back_its_arrays(tmp_path):
    game = play_searched_game(AreaNet(5), 0, 12, RULES)
    game.save(tmp_path / "game-00001.npz")
    found = read_searched_game(tmp_path / "game-00001.npz")
    for name in ("events", "visits", "win", "lead", "ownership"):
        assert np.array_equal(found[name], getattr(game, name))
    assert float(found["score"]) == game.score and int(found["winner"]) == game.winner and float(found["komi"]) == 0.5
    (tmp_path / "none.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no game that a search has played"):
        read_searched_game(tmp_path / "none.npz")
    with pytest.raises(InputError, match="cannot read"):
        read_searched_game(tmp_path / "missing.npz")


def test_who_is_far_behind_resigns():
    class Hopeless(AreaNet):
        def estimate(self, planes, komi, symmetries=False):
            found = super().estimate(planes, komi)
            found.lead = np.where(komi < 0, -50, 50).astype(np.float32)  # Black is lost
            return found

    game = play_searched_game(Hopeless(5), 0, 6, Rules(komi=0.5, resign=20))
    assert (game.ended, game.winner, game.result) == ("resignation", 2, "W+R")


def test_visits_are_checked():
    with pytest.raises(UsageError, match=r"`visits` \(=1\)"):
        next(play_searched_games(AreaNet(5), range(1), 1, RULES))
