"""The policy network with a value branch: declaration, reading of its numbers, training, evaluation, commands."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from random_games import random_archive

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.go.data.archive import save_archive
from casecnn.go.data.outcomes import UNKNOWN, choose_positions
from casecnn.go.data.sampling import position_batch
from casecnn.go.net.outlook import GENTLE, SHARPNESS, outlook
from casecnn.go.net.policy import load_policy
from casecnn.go.net.policy_value import PolicyValue, load_policy_value
from casecnn.go.net.value_evaluation import summary
from casecnn.go.net.value_training import halved, train_value, value_loss
from casecnn.nets.policy import policy_net
from casecnn.nets.value import policy_value_net, value_net
from casecnn.torch_net.build import build
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import load, save

NET = policy_value_net(k=8, layers=4, size=9, shared=2, filters=8, blocks=1, hidden=8)
RECIPE = Recipe(optimizer="adamw", lr=5e-3, steps=60, batch_size=32, precision="float32")
OPTIONS = {"shared": 2, "filters": 8, "blocks": 1, "hidden": 8, "progress": False}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def archive():
    """Random games, each with a winner."""
    games = random_archive(games=24)
    return replace(games, winner=np.array([1 + i % 2 for i in range(len(games))], np.int8))


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    file = tmp_path_factory.mktemp("policy") / "policy.safetensors"
    arguments = {"k": 8, "layers": 4, "size": 9}
    metadata = {"net": "policy_net", "arguments": arguments}
    save(file, build(policy_net(**arguments), seed=3).state_dict(), metadata, half=True)
    return file


def planes_of(archive, number=6):
    indices = choose_positions(archive, 9, number)
    return position_batch(archive, indices, np.zeros(len(indices), int), 9)[0]


def test_alphagos_value_net_has_the_layers_of_the_paper():
    net = value_net()
    assert net.input == (49, 19, 19) and net.output_shape == (1,)
    convolutions = [row.layer for row in net.rows if row.name.startswith("conv")]
    assert [conv.channels for conv in convolutions] == [192] * 12 + [1]
    assert [conv.kernel for conv in convolutions] == [5] + [3] * 11 + [1]
    assert net.row("fc14").output_shape == (256,)
    found = build(value_net(4, 9), seed=0)(torch.rand(2, 49, 9, 9))
    assert found.shape == (2, 1) and (found.abs() <= 1).all()


def test_one_pass_gives_policy_ownership_and_outcome():
    assert NET.output_shape == (2 * 81 + 2,)
    assert build(NET, seed=0)(torch.rand(3, 48, 9, 9)).shape == (3, 164)
    with pytest.raises(UsageError, match="shared"):
        policy_value_net(layers=4, shared=4)


def test_the_lead_is_the_sum_of_ownership_and_komi_shifts_lead_and_odds():
    raw = torch.zeros(1, 83)
    raw[0, :5] = torch.tensor(0.5).atanh() / GENTLE  # five points half the mover's
    for komi in (0.0, 7.5, -7.5):
        found = outlook(raw, torch.tensor([komi]))
        assert found.lead.item() == pytest.approx(2.5 + komi, abs=1e-5)
        assert found.logit.item() == pytest.approx(SHARPNESS * np.log(2) * (2.5 + komi), abs=1e-5)
    assert outlook(raw, torch.zeros(1)).ownership[0, :6].tolist() == pytest.approx([0.5] * 5 + [0])


def test_the_loss_is_what_is_known():
    raw = torch.zeros(3, 6)
    komi, nan = torch.zeros(3), float("nan")
    owner = torch.full((3, 4), UNKNOWN, dtype=torch.int8)
    owner[2] = torch.tensor([1, -1, 0, 1], dtype=torch.int8)
    batch = (None, komi, torch.tensor([1.0, 0.0, nan]), torch.tensor([nan, 5.0, nan]), owner, None)
    loss, figures = value_loss(raw, batch)
    assert figures["winner"].item() == pytest.approx(np.log(2)) and figures["right"].item() == 0.5
    assert figures["score"].item() == pytest.approx(0.5 * 0.5**2)
    assert figures["ownership"].item() == pytest.approx(np.log(2))
    assert loss.item() == pytest.approx(2 * np.log(2) + 0.25 * 0.125)


def test_the_frozen_trunk_leaves_the_policy_as_it_is(tmp_path, archive, policy):
    rows = []
    result = train_value(
        archive, RECIPE, tmp_path, policy=policy, validation=archive, validation_positions=40, evaluate_every=30,
        log_every=10, log=rows.append, command="the command", **OPTIONS,
    )  # fmt: skip
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0] - 0.05
    assert result.best is not None and {"right", "squared_error", "log_loss"} <= set(result.best.metrics)
    net = load_policy_value(tmp_path / "policy-value.safetensors", "cpu")
    planes = planes_of(archive)
    theirs = load_policy(policy, "cpu")
    np.testing.assert_allclose(net.probabilities(planes), theirs.probabilities(planes), atol=1e-6)
    metadata = load(tmp_path / "policy-value.safetensors").metadata
    assert metadata["net"] == "policy_value_net" and metadata["trunk"] == "frozen"
    assert metadata["policy"] == "policy.safetensors" and metadata["command"] == "the command"


def test_a_value_branch_goes_on_learning_and_its_policy_can_be_used_alone(tmp_path, archive, policy):
    short = replace(RECIPE, steps=1, lr=1e-9)
    train_value(archive, short, tmp_path / "one", policy=policy, **OPTIONS)
    file = tmp_path / "one" / "policy-value.safetensors"
    train_value(archive, short, tmp_path / "two", policy=file, **OPTIONS)
    planes = planes_of(archive)
    first, second = (load(tmp_path / name / file.name, float32=True).tensors for name in ("one", "two"))
    for name in ("fork.conv0.weight", "fork.block1.body.conv2.weight", "fork.outlook.hidden.weight"):
        assert abs(first[name] - second[name]).max() < 1e-3 < abs(first[name]).max()
    alone = load_policy(file, "cpu")
    assert alone.arguments == {"k": 8, "layers": 4, "size": 9}
    np.testing.assert_allclose(alone.probabilities(planes), load_policy(policy, "cpu").probabilities(planes), atol=1e-6)


def test_variances_beyond_half_precision_are_kept():
    kept = halved({"conv.weight": torch.ones(2, 2, 3, 3), "norm.running_var": torch.tensor([1e6, 1.0])})
    assert kept["conv.weight"].dtype == torch.float16 and kept["norm.running_var"].tolist() == [1e6, 1.0]


@pytest.mark.slow
def test_the_free_trunk_learns_moves_as_well(tmp_path, archive, policy):
    rows = []
    train_value(
        archive, RECIPE, tmp_path, policy=policy, trunk="free", log_every=10, log=rows.append, **OPTIONS
    )  # fmt: skip
    moves = [row["policy"] for row in rows if "policy" in row]
    assert moves[-1] < moves[0] - 0.05
    net = load_policy_value(tmp_path / "policy-value.safetensors", "cpu")
    planes = planes_of(archive)
    assert abs(net.probabilities(planes) - load_policy(policy, "cpu").probabilities(planes)).max() > 1e-3


def net_of(seed=1, net=NET):
    return PolicyValue.of(net, build(net, seed=seed).eval().state_dict())


def test_estimates_have_their_shapes_and_ranges(archive):
    planes = planes_of(archive)
    found = net_of().estimate(planes, np.full(len(planes), 7.5, np.float32))
    assert found.probabilities.shape == found.ownership.shape == (6, 81)
    assert found.win.shape == found.lead.shape == (6,)
    np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-5)
    assert (abs(found.ownership) <= 1).all() and ((found.win > 0) & (found.win < 1)).all()
    np.testing.assert_allclose(found.lead, found.ownership.sum(1) + 7.5, atol=1e-3)
    more = net_of().estimate(planes, 17.5)
    assert (more.win > found.win).all()
    np.testing.assert_allclose(more.lead - found.lead, 10, atol=1e-3)


def test_estimates_do_not_depend_on_how_the_board_lies(archive):
    from casecnn.go.board.symmetry import transform

    net, planes = net_of(), planes_of(archive)
    found = net.estimate(planes, 0.5, symmetries=True)
    for s in range(8):
        turned = net.estimate(np.stack([transform(board, s) for board in planes]), 0.5, symmetries=True)
        np.testing.assert_allclose(turned.win, found.win, atol=1e-5)
        np.testing.assert_allclose(turned.lead, found.lead, atol=1e-3)
        for ours, theirs in ((turned.ownership, found.ownership), (turned.probabilities, found.probabilities)):
            expected = np.stack([transform(board.reshape(9, 9), s).reshape(-1) for board in theirs])
            np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_the_prepared_net_is_the_declared_one(archive):
    net, planes = net_of(), planes_of(archive)
    raw = net.module(torch.from_numpy(planes).float())
    expected = outlook(raw[:, 81:], torch.full((6,), 6.5))
    found = net.estimate(planes, 6.5)
    np.testing.assert_allclose(found.win, expected.logit.sigmoid().detach(), atol=1e-4)
    np.testing.assert_allclose(found.lead, expected.lead.detach(), atol=1e-2)


def test_other_boards_are_read(archive):
    net = net_of()
    net.arguments = {"k": 8, "layers": 4, "size": 9, "shared": 2, "filters": 8, "blocks": 1, "hidden": 8}
    other = net.on_board(13)
    assert other.size == 13 and other.trained_on == 9
    assert other.estimate(np.zeros((2, 48, 13, 13), np.uint8), 7.5).ownership.shape == (2, 169)
    with pytest.raises(UsageError, match=r"must have the shape \(N, 48, 9, 9\)"):
        net.estimate(np.zeros((2, 48, 13, 13), np.uint8), 7.5)


def test_a_policy_without_a_value_branch_is_refused(policy):
    with pytest.raises(InputError, match="has no value branch, which `casecnn go train` can add"):
        load_policy_value(policy)


def test_figures_by_hand():
    win = np.array([0.9, 0.8, 0.3, 0.55])
    won = np.array([1.0, 0.0, 0.0, 1.0])
    error = np.array([np.nan, 4.0, 2.0, np.nan])
    found = summary(win, won, error, np.array([5, 70, 150, 220]))
    assert found.all.right == 0.75
    assert found.all.squared_error == pytest.approx((0.2**2 + 1.6**2 + 0.6**2 + 0.9**2) / 4)
    assert found.all.constant_error == 1 and found.all.counted == 2 and found.all.score_error == 3
    assert [f.positions for f in found.phases.values()] == [1, 1, 1, 1]
    assert found.phases["moves 61-120"].right == 0 and found.phases["moves 1-60"].score_error is None
    assert found.calibration[9] == pytest.approx((1, 0.9, 1.0)) and found.calibration[0][0] == 0
    assert "75.0%" in found.table() and json.dumps(found.as_dict())


def test_commands_train_and_measure(tmp_path, archive, policy, capsys):
    save_archive(tmp_path / "moves.npz", archive)
    train = ["go", "train", str(tmp_path / "moves.npz"), "--value", "--init", str(policy), "-o", str(tmp_path / "run")]
    options = [
        "--shared",
        "2",
        "--value-blocks",
        "1",
        "--filters",
        "8",
        "--steps",
        "3",
        "--warmup",
        "0",
        "--batch",
        "8",
        "--device",
        "cpu",
    ]
    assert main([*train, *options, "--format", "json"]) == 0
    weights = json.loads(capsys.readouterr().out)["weights"]
    assert weights.endswith("policy-value.safetensors")
    measure = ["go", "eval", str(tmp_path / "moves.npz"), "--value", "--weights", weights, "--positions", "20"]
    assert main([*measure, "--device", "cpu", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["positions"] == 20 and len(found["tenths"]) == 10
    assert main([*measure, "--device", "cpu"]) == 0
    assert "right" in capsys.readouterr().out
    assert main([*measure[:-4], "--weights", str(policy)]) == 1
    assert "has no value branch" in capsys.readouterr().err
