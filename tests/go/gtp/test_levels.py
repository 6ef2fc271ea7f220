"""Levels of play: ranks in order, from measured players, and what they do to an engine."""

from __future__ import annotations

import pytest
from wishful import WishfulNet

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.go.net.policy import Policy
from casecnn.go.players.levels import TEMPERATURES, VISITS, level, levels, settings_at
from casecnn.go.players.nets import rehearsed
from casecnn.go.players.player import PolicyPlayer
from casecnn.go.position import Position
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build


def test_levels_go_up_from_drawn_moves_to_a_search():
    found = levels()
    ratings = [entry.rating for entry in found]
    assert ratings == sorted(ratings) and {b - a for a, b in zip(ratings, ratings[1:], strict=False)} == {145.0}
    names = [entry.name for entry in found]
    assert "10k" in names and "5k" in names
    temperatures = [entry.temperature for entry in found if entry.visits is None]
    assert temperatures == sorted(temperatures, reverse=True) and temperatures[-1] < 1
    searching = [entry for entry in found if entry.visits is not None]
    assert all(entry.temperature == 0 for entry in searching)
    assert [entry.visits for entry in searching] == sorted(entry.visits for entry in searching)
    assert all(TEMPERATURES[0][1] < entry.rating <= VISITS[-1][1] for entry in searching)


def test_between_measured_players_a_level_is_interpolated():
    (warm, strong), (hot, weak) = TEMPERATURES[1:3]
    for entry in levels():
        if weak < entry.rating < strong:
            share = (strong - entry.rating) / (strong - weak)
            assert entry.temperature == pytest.approx(warm + share * (hot - warm), abs=1e-3)
    assert level("10 K") == level("10k") and level("10k").name == "10k"


@pytest.mark.parametrize("name", ["", "k", "0k", "99k", "9d", "10", "10p", "1.5k"])
def test_what_is_no_level_is_refused(name):
    with pytest.raises(UsageError, match=r"must be a rank from \d+k to \d[kd]"):
        level(name)


def test_a_level_makes_settings():
    assert settings_at("10k", seed=4, rollouts=0).temperature == level("10k").temperature
    assert settings_at("10k", seed=4).seed == 4 and settings_at(None, visits=7).visits == 7
    for field, value in (("temperature", 0.0), ("visits", 5), ("rollouts", 2), ("move_time", 1.0)):
        with pytest.raises(UsageError, match=f"`{field}` .* must be left out with `level`"):
            settings_at("10k", **{field: value})


def test_a_weak_level_draws_moves():
    net = WishfulNet(5, "A1 B1 C1")
    weak = [PolicyPlayer(net, settings_at("10k", seed=seed, tactics=False)).choose(Position(5)) for seed in range(30)]
    assert len(set(weak)) > 1
    assert PolicyPlayer(net, settings_at(None)).choose(Position(5)) == 20


def test_the_command_refuses_what_a_level_decides(capsys):
    assert main(["go", "gtp", "--level", "10k", "--visits", "9"]) == 2
    assert capsys.readouterr().err == "casecnn: error: `--visits` (=9) must be left out with `--level` (=10k)\n"
    assert main(["go", "gtp", "--level", "weak"]) == 2
    assert "`--level` (=weak) must be a rank from" in capsys.readouterr().err


def test_an_engine_asks_its_net_before_a_game_not_in_it(monkeypatch):
    asked = []

    class Net(Policy):
        def probabilities(self, planes, symmetries=True):
            asked.append(planes.shape)
            return super().probabilities(planes, symmetries)

    net = Net(build(policy_net(4, 3, 7), seed=1), "tiny", 7)
    assert rehearsed(net) is net and [shape[0] for shape in asked] == [1, 2, 3, 4]
