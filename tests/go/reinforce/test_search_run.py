"""Learning from games of a search: what is drawn from them, runs that go on bit for bit, two nets in a match."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from area_net import AreaNet

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.go.board.record import colour_of
from casecnn.go.board.state import BLACK
from casecnn.go.net.policy_value import load_policy_value
from casecnn.go.play.game import Rules
from casecnn.go.reinforce import search_run
from casecnn.go.reinforce.search_run import reinforce_by_search, searched_loss
from casecnn.go.reinforce.searched_games import play_searched_game, read_searched_game
from casecnn.go.reinforce.searched_positions import SearchedPositions
from casecnn.interruption import Interrupted
from casecnn.nets.value import policy_value_net
from casecnn.torch_net.build import build
from casecnn.training.log import read_log
from casecnn.training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("one_thread")

RULES = Rules(komi=0.5, max_moves=40)
SETTINGS = {"visits": 6, "k": 4, "layers": 3, "size": 5, "rules": RULES, "round_games": 3, "round_steps": 2}


def games(tmp_path, number: int = 4) -> list[dict[str, np.ndarray]]:
    files = [tmp_path / f"{i}.npz" for i in range(number)]
    for i, file in enumerate(files):
        play_searched_game(AreaNet(5), i, 24, Rules(komi=0.5, max_moves=60, opening_moves=6, seed=3)).save(file)
    return [read_searched_game(file) for file in files]


def recipe(**fields) -> Recipe:
    return Recipe(**{"optimizer": "adamw", "lr": 1e-3, "steps": 4, "batch_size": 8, "precision": "float32"} | fields)


@pytest.mark.slow
def test_visits_and_outcomes_turn_with_the_board(tmp_path):
    batch = SearchedPositions(games(tmp_path), trust=0.0).draw(300, np.random.default_rng(0))
    own, other, empty = (batch.planes[:, i].reshape(300, -1) for i in range(3))
    assert torch.allclose(batch.shares.sum(1), torch.ones(300))
    assert ((own + other) * batch.shares).sum() == 0 and (own + other).sum() > 3000  # nobody visits a stone
    assert ((batch.shares > 0) <= (empty > 0)).all()
    for won, margin, komi, owner in zip(batch.won, batch.margin, batch.komi, batch.owner, strict=True):
        assert margin == owner.sum() and won == (margin + komi > 0)
    # Stones are mostly their owner's; on a map that turned another way they would not be.
    stones, owner = (own.float() - other.float()).view(300, 5, 5), batch.owner.view(300, 5, 5)
    agreement = [(stones * turned).sum() for turned in (owner, owner.flip(1), owner.flip(2), owner.mT)]
    assert agreement[0] > 500 and agreement[0] > 1.5 * max(agreement[1:])


def test_what_the_search_said_is_mixed_into_the_result(tmp_path):
    played = games(tmp_path, 1)
    result, mixed, said = (SearchedPositions(played, trust) for trust in (0.0, 0.25, 1.0))
    drawn = [positions.draw(50, np.random.default_rng(1)).won for positions in (result, mixed, said)]
    assert torch.allclose(drawn[1], 0.75 * drawn[0] + 0.25 * drawn[2])
    assert set(drawn[0].tolist()) == {0.0, 1.0} and set(drawn[2].tolist()) <= set(played[0]["win"].tolist())


def test_games_without_moves_are_refused():
    with pytest.raises(InputError, match="no moves to learn from"):
        SearchedPositions([])


@pytest.mark.slow
def test_a_net_learns_what_the_search_says(tmp_path):
    positions = SearchedPositions(games(tmp_path))
    model = build(policy_value_net(k=8, layers=3, size=5, shared=2, filters=8, blocks=1, hidden=8), seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(60):
        loss, figures = searched_loss(model, positions.draw(64, rng))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append((float(figures["surplus"]), float(figures["ownership"]), float(figures["winner"])))
    first, last = np.mean(seen[:5], 0), np.mean(seen[-5:], 0)
    assert (last < first).all() and last[0] < 0.7 * first[0] and last[1] < 0.9 * first[1]


@pytest.mark.slow
def test_a_run_goes_on_with_the_same_bits_and_keeps_its_games(tmp_path, monkeypatch):
    whole = reinforce_by_search(recipe(), tmp_path / "whole", evaluate_games=2, **SETTINGS)
    assert len(list((tmp_path / "whole" / "games" / "round-0001").glob("*.npz"))) == 3
    rows = [row for row in read_log(whole.log) if "round" in row]
    assert [row["round"] for row in rows] == [0, 1] and rows[1]["positions"] > rows[0]["positions"]
    evaluation = next(row for row in read_log(whole.log) if row.get("event") == "evaluation")["validation"]
    assert evaluation["games"] == 2 and 0 <= evaluation["start_win_rate"] <= 1

    play = search_run.selfplay

    def stopped(net, count, folder, *arguments, **options):
        if folder.name == "round-0001":
            play(net, 1, folder, *arguments, **options)  # one game of the round is there
            raise Interrupted("stopped")
        return play(net, count, folder, *arguments, **options)

    monkeypatch.setattr(search_run, "selfplay", stopped)
    with pytest.raises(Interrupted):
        reinforce_by_search(recipe(), tmp_path / "parts", evaluate_games=2, checkpoint_minutes=1e-9, **SETTINGS)
    monkeypatch.setattr(search_run, "selfplay", play)
    before = (tmp_path / "parts" / "games" / "round-0001" / "game-00001.npz").stat().st_mtime_ns
    parts = reinforce_by_search(recipe(), tmp_path / "parts", evaluate_games=2, **SETTINGS)
    assert (tmp_path / "parts" / "games" / "round-0001" / "game-00001.npz").stat().st_mtime_ns == before
    for name, tensor in whole.weights.items():
        assert torch.equal(tensor, parts.weights[name]), name
    with pytest.raises(UsageError, match="holds a run with window 1000, now 7"):
        reinforce_by_search(recipe(), tmp_path / "parts", window=7, **SETTINGS)

    net = load_policy_value(tmp_path / "parts" / "policy-value.safetensors")
    assert net.size == 5 and net.arguments["k"] == 4


@pytest.mark.slow
def test_a_run_touches_no_games_but_its_own(tmp_path):
    mine, other = tmp_path / "games" / "mine.sgf", tmp_path / "games" / "round-0000" / "notes.txt"
    other.parent.mkdir(parents=True)
    for file in (mine, other):
        file.write_text("a game of years ago")
    settings = SETTINGS | {"evaluate_games": 0}
    one = recipe(steps=1)
    reinforce_by_search(one, tmp_path, **settings)
    games = sorted(other.parent.glob("game-*"))
    with pytest.raises(UsageError, match="choose another folder"):
        (tmp_path / "checkpoint.pt").unlink()
        reinforce_by_search(one, tmp_path, **settings | {"visits": 7})
    assert sorted(other.parent.glob("game-*")) == games and len(games) == 6
    reinforce_by_search(one, tmp_path, resume=False, **settings | {"visits": 7, "round_games": 2})
    assert len(list(other.parent.glob("game-*"))) == 4
    assert mine.read_text() == other.read_text() == "a game of years ago"


def test_a_net_for_another_board_is_brought_to_the_size():
    start = search_run._start(None, None, None, 7, 0)
    assert start.size == 7 and start.arguments["size"] == 7 and start.arguments["k"] == 64
    with pytest.raises(UsageError, match=r"`k` \(=8\) must be left out or 64"):
        search_run._start("policy-value-k64.tygem9d-v1", 8, None, None, 0)


def test_two_nets_search_in_turn_and_change_colours():
    class Partial(AreaNet):
        """Likes the first free points only."""

        def probabilities(self, planes, symmetries=True):
            found = super().probabilities(planes)
            found[:, :12] *= 50
            return found / found.sum(1, keepdims=True)

    one, two = AreaNet(5), Partial(5)
    rules = Rules(komi=0.5, max_moves=10, opening_moves=0)
    first, second = (play_searched_game(one, number, 8, rules, two) for number in (0, 1))
    assert (first.swapped, second.swapped) == (False, True)
    likes_first = [
        {bool(move < 12) for move in game.visits[colour_of(game.events) == colour].argmax(1)}
        for game, colour in ((first, 3 - BLACK), (second, BLACK))
    ]
    assert likes_first == [{True}, {True}] and one.seen and two.seen


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--visits", "8", "--pool-every", "5"], "`--pool-every` (=5) must be left out with `--visits` (=8)"),
        (["--visits", "8", "--games-per-step", "5"], "`--games-per-step` (=5) must be left out with `--visits` (=8)"),
        (["--last-games", "5"], "`--last-games` (=5) must be left out without `--visits`"),
        (["--visits", "1"], "`--visits` (=1)"),
        (["--visits", "8", "--round-games", "0"], "`--round-games` (=0)"),
        (["--visits", "8", "--temperature", "0"], "`--temperature` (=0.0)"),
    ],
)
def test_options_of_the_other_way_are_refused(tmp_path, capsys, options, message):
    assert main(["go", "reinforce", "-o", str(tmp_path / "run"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
