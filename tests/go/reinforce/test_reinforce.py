"""Reinforcement learning: gradients worked out by hand, runs that go on bit for bit, a net that learns to win."""

from __future__ import annotations

import itertools
import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.go.net.policy import Policy, load_policy
from casecnn.go.play.ending import NEVER, OPEN, OTHER, OWN, candidate_moves
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.position import Position
from casecnn.go.reinforce import gradient as reinforce_gradient
from casecnn.go.reinforce.gradient import PolicyGradient, batch_baseline, log_probabilities, outcomes
from casecnn.go.reinforce.pool import Pool
from casecnn.go.reinforce.replay import Turns, turns_of
from casecnn.go.reinforce.run import reinforce
from casecnn.interruption import Interrupted
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.training.log import read_log
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import load, save

ARGUMENTS = {"k": 4, "layers": 3, "size": 5}
RULES = Rules(komi=0.5)

pytestmark = pytest.mark.usefixtures("one_thread")


class Table(torch.nn.Module):
    """Logits that do not depend on the position: one parameter for each point."""

    def __init__(self, theta: np.ndarray) -> None:
        super().__init__()
        self.theta = torch.nn.Parameter(torch.from_numpy(theta.astype(np.float32)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.theta.expand(len(x), -1)


def tiny(seed: int = 1, **arguments: int) -> Policy:
    arguments = ARGUMENTS | arguments
    return Policy(build(policy_net(**arguments), seed=seed), f"tiny-{seed}", arguments["size"], arguments)


def game(score: float, winner: int, swapped: bool) -> PlayedGame:
    return PlayedGame(0, 5, np.zeros(0, np.uint16), score, winner, "passes", swapped)


def recipe(**fields) -> Recipe:
    return Recipe(**{"optimizer": "adamw", "lr": 2e-3, "steps": 6, "batch_size": 4, "precision": "float32"} | fields)


def own_turns(played: PlayedGame):
    """(position before, move) for the turns of the first player, on the friendly board."""
    position = Position(played.size)
    for event in played.events:
        move, colour = int(event & 1023), int(event >> 10)
        if (colour == 2) == played.swapped and move < played.size**2:
            yield position, move
        position.play(move)


def test_outcomes_are_seen_by_the_first_player():
    games = [game(3, 1, False), game(3, 1, True), game(-3, 2, False), game(-3, 2, True), game(0, 0, True)]
    assert outcomes(games).tolist() == [1, -1, -1, 1, 0]


def test_the_baseline_is_the_mean_of_the_others_of_the_same_colour():
    z, white = np.array([1.0, -1, 1, 1, -1, 0]), np.array([False, True, False, False, True, True])
    assert batch_baseline(z, white).tolist() == [1, -0.5, 1, 1, -0.5, -1]
    assert batch_baseline(np.array([1.0, -1]), np.array([False, True])).tolist() == [0, 0]


def test_the_baseline_does_not_bias_the_gradient():
    """Three games that are each won with probability p: d log P / dp is 1/p after a win, -1/(1-p) after a loss."""
    p = 0.3
    plain = with_baseline = 0.0
    for wins in itertools.product((0, 1), repeat=3):
        chance = np.prod([p if win else 1 - p for win in wins])
        z = 2.0 * np.array(wins) - 1
        score = np.array([1 / p if win else -1 / (1 - p) for win in wins])
        plain += chance * (z * score).sum()
        with_baseline += chance * ((z - batch_baseline(z, np.zeros(3, bool))) * score).sum()
    assert plain == pytest.approx(6) and with_baseline == pytest.approx(plain)  # the expected outcome is 2p - 1


@pytest.mark.slow
def test_games_are_replayed_as_they_were_seen():
    games = list(play_games(tiny(1), range(12), RULES, opponent=tiny(2), threads=1))
    turns = turns_of(games)
    row = 0
    for number, played in enumerate(games):
        for position, move in own_turns(played):
            assert (turns.planes[row] == position.features()).all()
            assert (turns.classes[row] == candidate_moves(position)).all()
            assert turns.passed[row] == (position.passes > 0)
            assert (turns.moves[row], turns.games[row]) == (move, number)
            row += 1
    assert row == len(turns.moves) > 100


def test_an_illegal_game_is_not_learned_from():
    with pytest.raises(AssertionError, match="game 7 holds an illegal move"):
        turns_of([PlayedGame(7, 5, np.array([1 << 10, 2 << 10], np.uint16), 0, 1, "passes", False)])


def test_probabilities_are_those_that_moves_are_drawn_by():
    logits = np.log(np.array([[0.5, 0.2, 0.08, 0.06, 0.16]] * 2, np.float32))
    classes = np.array([[NEVER, OWN, OWN, OTHER, OPEN]] * 2, np.uint8)
    empty = np.zeros((2, 0))
    turns = Turns(empty, classes, np.array([False, True]), np.array([1, 4]), empty)
    # Own territory needs 0.1 and no pass before, the opponent's 0.05: points 1, 3 and 4, after a pass 3 and 4.
    expected = [[0, 20 / 42, 0, 6 / 42, 16 / 42], [0, 0, 0, 6 / 22, 16 / 22]]
    found = log_probabilities(torch.from_numpy(logits), turns).exp()
    assert found.numpy() == pytest.approx(np.array(expected), abs=1e-6)
    squares = np.array([20, 6, 16]) ** 2.0
    warm = log_probabilities(torch.from_numpy(logits), turns, 0.5).exp()[0, [1, 3, 4]]
    assert warm.numpy() == pytest.approx(squares / squares.sum(), abs=1e-6)
    played = turns._replace(moves=np.array([0, 0]))  # a borderline case of rounding must not cost an infinite loss
    assert torch.isfinite(log_probabilities(torch.from_numpy(logits), played)[:, 0]).all()


@pytest.mark.parametrize(("baseline", "temperature"), [("none", 1.0), ("batch", 0.7), ("moving", 1.0)])
def test_the_gradient_of_a_table_is_the_one_on_paper(tmp_path, monkeypatch, baseline, temperature):
    """For logits theta, d log p(a) / d theta = (e_a - p) / temperature, with p over the moves to choose from."""
    model = Table(np.random.default_rng(0).normal(0, 0.5, 25))
    if baseline == "moving":
        model.register_buffer("baseline", torch.tensor([0.25, -0.5]))
    pool = Pool(tmp_path, 1, ARGUMENTS, "cpu")
    monkeypatch.setattr(Pool, "take_in", lambda *_: None)
    monkeypatch.setattr(Pool, "load", lambda *_: tiny(3))
    monkeypatch.setattr(reinforce_gradient, "CHUNK", 50)
    rules = Rules(komi=0.5, temperature=temperature, seed=5)
    learning = PolicyGradient(pool, rules, baseline, 0, threads=2)
    seen = []
    play = learning._play
    monkeypatch.setattr(learning, "_play", lambda *arguments: seen.append(play(*arguments)) or seen[-1])
    loss, figures = learning(model, (torch.arange(20), torch.tensor([0])))
    loss.backward()

    (games,) = seen
    z = outcomes(games)
    swapped = np.array([played.swapped for played in games])
    b = {"none": np.zeros(20), "batch": batch_baseline(z, swapped), "moving": np.where(swapped, -0.5, 0.25)}[baseline]
    theta = model.theta.detach().numpy().astype(float)
    raw = np.exp(theta) / np.exp(theta).sum()
    gradient, value = np.zeros(25), 0.0
    for played, weight in zip(games, z - b, strict=True):
        for position, move in own_turns(played):
            kinds = candidate_moves(position)
            allowed = (kinds == OPEN) | ((kinds == OWN) & (raw >= 0.1) & (position.passes == 0))
            allowed |= (kinds == OTHER) & (raw >= 0.05)
            p = np.where(allowed, raw ** (1 / temperature), 0)
            p /= p.sum()
            gradient -= weight * (np.eye(25)[move] - p) / temperature / 20
            value -= weight * np.log(p[move]) / 20
    assert model.theta.grad.numpy() == pytest.approx(gradient, abs=2e-5) and np.abs(gradient).max() > 0.1
    assert loss.item() == pytest.approx(value, rel=1e-4)
    assert figures["pool_win_rate"] == (z.mean() + 1) / 2 and swapped.sum() == 10
    if baseline == "moving":
        means = [z[~swapped].mean(), z[swapped].mean()]
        assert model.baseline.tolist() == pytest.approx([0.225 + means[0] / 10, -0.45 + means[1] / 10])


def test_threads_do_not_change_the_gradient(tmp_path):
    def gradient(threads: int) -> torch.Tensor:
        model = tiny(1).module
        pool = Pool(tmp_path / str(threads), 1, ARGUMENTS, "cpu")
        learning = PolicyGradient(pool, RULES, "batch", 0, threads)
        learning(model, (torch.arange(40), torch.tensor([0])))
        return model.get_parameter("conv1.weight").grad

    assert torch.equal(gradient(1), gradient(3))


@pytest.mark.slow
def test_the_pool(tmp_path):
    pool = Pool(tmp_path / "pool", 10, ARGUMENTS, "cpu")
    (tmp_path / "pool").mkdir()
    for name in ("step-000990.safetensors", "mine.txt"):
        (tmp_path / "pool" / name).write_text("")
    policies = {step: tiny(step) for step in range(25)}
    for step, policy in policies.items():
        pool.take_in(step, policy.module)
    names = ["mine.txt", "step-000000.safetensors", "step-000010.safetensors", "step-000020.safetensors"]
    assert sorted(file.name for file in (tmp_path / "pool").iterdir()) == names
    assert load(pool.path(10)).metadata == {"net": "policy_net", "arguments": ARGUMENTS, "steps": 10}
    for name, tensor in pool.load(10).module.state_dict().items():
        assert torch.equal(tensor, policies[10].module.state_dict()[name])
    drawn = [[pool.draw(step, seed)[0] for seed in range(60)] for step in (9, 10, 24)]
    assert set(drawn[0]) == {0} and set(drawn[1]) == {0, 10}
    assert min(drawn[2].count(step) for step in (0, 10, 20)) > 8
    pool.path(20).unlink()
    with pytest.raises(InputError) as error:
        pool.load(20)
    assert str(error.value).endswith(
        "step-000020.safetensors' is gone, an opponent that this run needs; restore it, or start anew without `resume`"
    )


def run(folder: Path, plan: Recipe | None = None, **options):
    options = {"k": 4, "layers": 3, "size": 5, "rules": RULES, "pool_every": 2, "evaluate_games": 0} | options
    return reinforce(plan or recipe(), folder, threads=1, progress=False, device="cpu", **options)


def figures(folder: Path) -> list[dict]:
    """The rows of the log without what time changes."""
    timed = {"samples_per_second", "wait_share", "elapsed", "seconds"}
    rows = [{key: value for key, value in row.items() if key not in timed} for row in read_log(folder / "log.jsonl")]
    return [row for row in rows if row.get("event", "evaluation") == "evaluation"]


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["batch", "moving"])
def test_a_run_goes_on_bit_for_bit(tmp_path, baseline):
    options = {"baseline": baseline, "evaluate_games": 6, "evaluate_every": 2}
    run(tmp_path / "whole", **options)
    with pytest.raises(Interrupted, match="stopped after step 3 of 6"):
        run(
            tmp_path / "part", **options,
            log=lambda row: signal.raise_signal(signal.SIGINT) if row["step"] == 3 else None,
        )  # fmt: skip
    assert not (tmp_path / "part" / "policy.safetensors").exists()
    run(tmp_path / "part", **options)
    files = ["policy.safetensors", *(f"pool/step-00000{step}.safetensors" for step in (0, 2, 4))]
    for name in files:
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert figures(tmp_path / "part") == figures(tmp_path / "whole")
    assert [row["step"] for row in figures(tmp_path / "whole")] == [1, 2, 2, 3, 4, 4, 5, 6, 6]
    assert set(load(tmp_path / "whole" / "policy.safetensors").tensors) == set(tiny().module.state_dict())
    before = (tmp_path / "whole" / "policy.safetensors").read_bytes()
    assert run(tmp_path / "whole", **options).step == 6  # a finished run: nothing is played again
    assert (tmp_path / "whole" / "policy.safetensors").read_bytes() == before


@pytest.mark.slow
def test_seeds_matter(tmp_path):
    losses = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, recipe(steps=2, seed=seed))
        losses.append([row["loss"] for row in figures(tmp_path / name)])
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.slow
def test_the_net_learns_to_beat_its_start(tmp_path):
    plan = recipe(optimizer="adamw", lr=1e-2, steps=15, batch_size=32)
    start = tmp_path / "start.safetensors"
    save(start, tiny(7, k=8).module.state_dict(), {"net": "policy_net", "arguments": {**ARGUMENTS, "k": 8}})
    result = run(
        tmp_path / "run", plan, initial=start, k=None, layers=None, size=None, pool_every=5, evaluate_games=100
    )
    found = result.best.metrics
    assert found["start_win_rate"] > 0.75 and found["interval"][0] > 0.65
    # The same games counted in another way: both nets from their files.
    net, first = load_policy(tmp_path / "run" / "policy.safetensors", "cpu"), load_policy(start, "cpu")
    won = sum(
        (played.score > 0) != played.swapped
        for played in play_games(net, range(200), Rules(komi=0.5, seed=99), opponent=first, threads=1)
    )
    assert won > 140


def test_a_rate_that_is_too_high_is_named(tmp_path):
    with pytest.raises(InputError) as error:
        run(tmp_path, recipe(lr=1e30))
    assert "lower `lr`, or set `clip_norm`" in str(error.value)


def test_the_log_tells_the_share_of_wins(tmp_path):
    run(tmp_path, recipe(steps=3), evaluate_games=10, evaluate_every=2)
    rows = read_log(tmp_path / "log.jsonl")
    assert rows[0]["metadata"]["settings"]["start"] == "random weights"
    steps = [row for row in rows if "loss" in row]
    keys = {"pool_win_rate", "opponent", "entropy", "moves", "score"}
    assert len(steps) == 3 and all(keys <= set(row) for row in steps)
    assert all(row["pool_win_rate"] in (0, 0.25, 0.5, 0.75, 1) for row in steps)
    assert [row["opponent"] for row in steps[:2]] == [0, 0]
    evaluations = [row for row in rows if row.get("event") == "evaluation"]
    assert [row["step"] for row in evaluations] == [2, 3]
    for row in evaluations:
        found = row["validation"]
        assert found["games"] == 10 and found["start_win_rate"] == (found["as_black"] + found["as_white"]) / 2
        assert found["interval"][0] <= found["start_win_rate"] <= found["interval"][1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": Rules(temperature=0)}, "`temperature` (=0) must be above 0: without chance nothing is learned"),
        (
            {"rules": Rules(resign=5)},
            "`resign` and `opening_moves` must be None, `symmetries` False: every move is drawn",
        ),
        ({"rules": Rules(symmetries=True)}, "`resign` and `opening_moves` must be None, `symmetries` False: every"),
        ({"evaluate_games": 2, "evaluate_every": 0}, "`evaluate_every` (=0) must be a whole number of at least 1"),
        ({"pool_every": 0}, "`pool_every` (=0) must be at least 1"),
        ({"baseline": "luck"}, "`baseline` (=luck) must be one of batch, moving, none"),
        ({"evaluate_games": -1}, "`evaluate_games` (=-1) must be at least 0"),
        ({"size": 4}, "`size` (=4) must be a whole number from 5 to 25"),
    ],
)
def test_options_that_make_no_sense(tmp_path, options, message):
    with pytest.raises(UsageError) as error:
        run(tmp_path / "run", **options)
    assert str(error.value).startswith(message) and not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_folder_of_another_run_is_refused(tmp_path):
    run(tmp_path, recipe(steps=2))
    for options, words in (
        (
            {"pool_every": 3},
            "holds a run with pool_every 2, now 3; choose another folder, or start anew without `resume`",
        ),
        ({"k": 5}, "holds a run with k 4, now 5;"),
        ({"rules": Rules(komi=6.5)}, "holds a run with komi 0.5, now 6.5;"),
    ):
        with pytest.raises(UsageError) as error:
            run(tmp_path, recipe(steps=2), **options)
        assert words in str(error.value)
    with pytest.raises(UsageError, match='start_sha256 "'):
        run(tmp_path, recipe(steps=2, seed=1))
    run(tmp_path, recipe(steps=4, batch_size=2), resume=False)
    with pytest.raises(UsageError):
        run(tmp_path, resume=False, evaluate_games=2, evaluate_every=0)
    assert len(list((tmp_path / "pool").iterdir())) == 2  # a slip costs nothing
    run(tmp_path, recipe(steps=1, seed=1), resume=False)
    assert [file.name for file in (tmp_path / "pool").iterdir()] == ["step-000000.safetensors"]


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["--filters", "4", "--layers", "3", "--size", "5", "--komi", "0.5", "--workers", "1", "--device", "cpu"]
    few = ["--steps", "2", "--games-per-step", "4", "--evaluate-games", "6"]
    assert main(["go", "reinforce", "-o", "run", *small, *few, "--format", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["weights"], summary["steps"], summary["against_start"]["games"]) == ("run/policy.safetensors", 2, 6)
    assert main(["go", "reinforce", "-o", "run", *small, *few]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("run/policy.safetensors: 2 steps in ") and "of 6 games against its start" in second

    further = ["--init", "run/policy.safetensors", "--komi", "0.5", "--optimizer", "sgd", "--lr", "0.01", *few]
    assert main(["go", "reinforce", "-o", "more", *further, "--evaluate-games", "0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    settings = read_log(tmp_path / "more" / "log.jsonl")[0]
    assert settings["metadata"]["settings"]["start"] == "policy.safetensors" and settings["recipe"]["momentum"] == 0
    assert main(["go", "reinforce", "-o", "other", "--init", "run/policy.safetensors", "--size", "9"]) == 2
    message = "`--size` (=9) must be left out or 5, as in the weights 'policy.safetensors'"
    assert capsys.readouterr().err.strip() == f"casecnn: error: {message}"
