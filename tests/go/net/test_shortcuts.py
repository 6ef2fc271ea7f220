"""Shortcuts in training: they fold into AlphaGo's plain layers exactly."""

from __future__ import annotations

import pytest
import torch
from random_games import random_archive

from casecnn.errors import InputError
from casecnn.go.net.policy import load_policy
from casecnn.go.net.shortcuts import folded
from casecnn.go.net.training import train_policy
from casecnn.nets.policy import policy_net, policy_net_with_shortcuts
from casecnn.torch_net.build import build
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import load

pytestmark = pytest.mark.usefixtures("one_thread")


def test_folding_is_exact_borders_included():
    unfolded = build(policy_net_with_shortcuts(6, 5, 7), seed=1)
    for _ in range(5):  # so that the running statistics are not those of the start
        unfolded(torch.randint(0, 2, (16, 48, 7, 7)).float())
    with torch.no_grad():
        for name, parameter in unfolded.named_parameters():
            if ".norm." in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    plain = build(policy_net(6, 5, 7), init="zeros")
    plain.load_state_dict(folded(unfolded.state_dict()))
    x = torch.rand(4, 48, 7, 7)
    expected = unfolded.double().eval()(x.double())
    torch.testing.assert_close(plain.double().eval()(x.double()), expected, rtol=0, atol=1e-5)
    assert expected.std() > 0.1


def test_training_with_shortcuts_gives_a_plain_net_and_can_go_on(tmp_path):
    recipe = Recipe(optimizer="adamw", lr=5e-3, steps=30, batch_size=16, precision="float32")
    archive, rows = random_archive(games=8), []
    net = {"k": 8, "layers": 4, "size": 9, "shortcuts": True, "progress": False}
    train_policy(archive, recipe, tmp_path / "one", log_every=10, log=rows.append, **net)
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0] - 0.1
    assert load_policy(tmp_path / "one" / "policy.safetensors", "cpu").arguments == {"k": 8, "layers": 4, "size": 9}
    unfolded = tmp_path / "one" / "policy-unfolded.safetensors"
    assert load(unfolded).metadata["positions"] == 480
    train_policy(archive, recipe, tmp_path / "two", initial=unfolded, **net)
    assert load(tmp_path / "two" / unfolded.name).metadata["positions"] == 960
    with pytest.raises(InputError, match="does not fit the net"):
        train_policy(archive, recipe, tmp_path / "three", initial=tmp_path / "one" / "policy.safetensors", **net)
