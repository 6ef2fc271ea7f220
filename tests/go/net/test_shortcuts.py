"""Shortcuts in training: they fold into AlphaGo's plain layers exactly."""

from __future__ import annotations

import pytest
import torch
from random_games import random_archive

from casecnn.errors import InputError
from casecnn.go.net.policy import load_policy
from casecnn.go.net.shortcuts import folded, unfolded
from casecnn.go.net.training import train_policy
from casecnn.nets.policy import policy_net, policy_net_with_shortcuts
from casecnn.torch_net.build import build
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import load

pytestmark = pytest.mark.usefixtures("one_thread")


def test_folding_is_exact_borders_included():
    summed = build(policy_net_with_shortcuts(6, 5, 7), seed=1)
    for _ in range(5):  # so that the running statistics are not those of the start
        summed(torch.randint(0, 2, (16, 48, 7, 7)).float())
    with torch.no_grad():
        for name, parameter in summed.named_parameters():
            if ".norm." in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    plain = build(policy_net(6, 5, 7), init="zeros")
    plain.load_state_dict(folded(summed.state_dict()))
    x = torch.rand(4, 48, 7, 7)
    expected = summed.double().eval()(x.double())
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
    state = tmp_path / "one" / "policy-unfolded.safetensors"
    assert load(state).metadata["positions"] == 480
    train_policy(archive, recipe, tmp_path / "two", initial=state, **net)
    assert load(tmp_path / "two" / state.name).metadata["positions"] == 960
    with pytest.raises(InputError, match="does not fit the net"):
        train_policy(archive, recipe, tmp_path / "three", initial=state, **{**net, "k": 9})


def plain_net(size: int = 7) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """A plain net with scales all over the place and two channels that nothing turns on; positions."""
    net = build(policy_net(8, 5, size), seed=2)
    planes = torch.randint(0, 2, (64, 48, size, size), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    with torch.no_grad():
        tensors = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        for name, factor in (("conv1", 30.0), ("conv2", 0.1), ("conv3", 7.0)):
            tensors[f"{name}.weight"] *= factor
        for name, channel in (("conv1", 2), ("conv3", 5)):
            tensors[f"{name}.bias"][channel] = -1e4
        tensors["position_bias.bias"] += torch.randn_like(tensors["position_bias.bias"])
    return tensors, planes


def test_unfolding_keeps_what_a_net_computes_and_revives_channels():
    tensors, planes = plain_net()
    before, after, learning = (
        build(declare(8, 5, 7), init="zeros") for declare in (policy_net, policy_net, policy_net_with_shortcuts)
    )
    unfold = unfolded(tensors, planes)
    before.load_state_dict(tensors)
    after.load_state_dict(folded(unfold))
    learning.load_state_dict(unfold)
    x = planes[:40].double()
    wanted = before.double().eval()(x)
    for module in (after, learning):
        torch.testing.assert_close(module.double().eval()(x), wanted, rtol=1e-4, atol=1e-4)
    in_training = learning.train()(planes.double())
    torch.testing.assert_close(in_training, before(planes.double()), rtol=1e-2, atol=1e-2)  # the batch's own statistics
    maps = {name: x for name in ("dead", "revived")}
    counts = {"dead": [], "revived": []}
    for name, net in (("dead", before), ("revived", after)):
        for layer in list(net.state_dict())[:8:2]:
            conv = net.state_dict()[layer], net.state_dict()[layer.replace("weight", "bias")]
            maps[name] = torch.nn.functional.conv2d(maps[name], *conv, padding=conv[0].shape[-1] // 2)
            counts[name].append(int((maps[name].amax((0, 2, 3)) <= 0).sum()))
            if name == "revived":
                assert maps[name].std((0, 2, 3)) == pytest.approx([1] * 8, rel=0.1)
            maps[name] = maps[name].relu()
    assert counts == {"dead": [1, 0, 1, 0], "revived": [0, 0, 0, 0]}


def test_a_plain_net_can_go_on_with_shortcuts(tmp_path):
    archive = random_archive(games=8)
    net = {"k": 8, "layers": 4, "size": 9, "progress": False}
    still = Recipe(optimizer="sgd", lr=1e-12, steps=1, batch_size=16, precision="float32")
    train_policy(archive, still, tmp_path / "plain", **net)
    plain = tmp_path / "plain" / "policy.safetensors"
    train_policy(archive, still, tmp_path / "on", initial=plain, shortcuts=True, **net)
    planes = torch.randint(0, 2, (6, 48, 9, 9)).to(torch.uint8).numpy()
    ours, theirs = (load_policy(path, "cpu").probabilities(planes, False) for path in
                    (plain, tmp_path / "on" / "policy.safetensors"))  # fmt: skip
    assert abs(ours - theirs).max() < 0.02 * ours.max()  # half precision, and a step of moving statistics
