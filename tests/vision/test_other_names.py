"""Weights with the names of timm and of Caffe, and with heads of one's own, give the same net."""

from __future__ import annotations

import pytest
import torch

from casecnn.errors import InputError
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.convert import to_torchvision
from casecnn.vision.weights import load_net_weights


def small_state(name, classes=3):
    net = get_net(name, classes=classes).without_heads()
    return net, build(net, seed=0).state_dict()


def same(found, state):
    for key, value in found.items():
        assert torch.equal(value, state[key]), key
    assert set(found) >= {key for key in state if not key.endswith("num_batches_tracked")}


@pytest.mark.parametrize("head", ["fc.1", "fc.0", "head", "classifier", "head.fc", "fc.linear"])
def test_a_head_with_dropout_or_a_name_of_its_own(tmp_path, head):
    net, state = small_state("resnet18")
    theirs = to_torchvision(net, state)
    torch.save({key.replace("fc.", f"{head}."): value for key, value in theirs.items()}, tmp_path / "a.pth")
    same(load_net_weights("resnet18", tmp_path / "a.pth").tensors, state)


def test_a_head_of_two_layers_is_no_head_of_the_net(tmp_path):
    net, state = small_state("resnet18")
    theirs = {key.replace("fc.", "fc.0."): value for key, value in to_torchvision(net, state).items()}
    torch.save({**theirs, "fc.3.weight": torch.ones(2, 3), "fc.3.bias": torch.ones(2)}, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"a.pth': .*has no 'fc.bias' and 1 more, but has 'fc.0.bias' and 3 more"):
        load_net_weights("resnet18", tmp_path / "a.pth")


def test_a_prefix_of_ones_own_before_every_name(tmp_path):
    net, state = small_state("resnet18")
    theirs = {f"encoder.{key}": value for key, value in to_torchvision(net, state).items()}
    torch.save(theirs, tmp_path / "a.pth")
    same(load_net_weights("resnet18", tmp_path / "a.pth").tensors, state)


@pytest.mark.parametrize("head", ["linear", "fc"])
def test_resnets_for_cifar_with_names_in_torchvisions_style(tmp_path, head):
    _, state = small_state("resnet20", 10)
    words = {"conv1": "conv1", "norm1": "bn1", "fc": head}
    renamed = {}
    for key, value in state.items():
        module, _, kind = key.rpartition(".")
        if module.startswith("stage"):
            stage, block, _, _, layer = module.split(".")
            module = f"layer{stage[5]}.{int(block) - 1}.{layer.replace('norm', 'bn')}"
        renamed[f"module.{words.get(module, module)}.{kind}"] = value
    torch.save({"state_dict": renamed, "best_prec1": 91.7}, tmp_path / "resnet20.th")
    found = load_net_weights("resnet20", tmp_path / "resnet20.th")
    same(found.tensors, state)
    assert "check the error" in found.notes[0]


def test_the_average_of_the_weights_beside_them_is_named_and_can_be_taken(tmp_path):
    _, state = small_state("resnet20")
    average = {f"module.{key}": value + 1 for key, value in state.items()}
    torch.save({"model": state, "model_ema": average, "args": object()}, tmp_path / "a.pth")
    found = load_net_weights("resnet20", tmp_path / "a.pth")
    same(found.tensors, state)
    assert f"'model' is taken; to take another, give {tmp_path}/a.pth#model_ema" in found.notes[0]
    other = load_net_weights("resnet20", f"{tmp_path}/a.pth#model_ema")
    same(other.tensors, {key: value + 1 for key, value in state.items()})
    assert other.notes == ()


@pytest.mark.slow
def test_timms_vgg_has_convolutions_for_its_first_linear_layers(tmp_path):
    net, state = small_state("vgg11")
    theirs = to_torchvision(net, state)
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
    renamed = {}
    for key, value in theirs.items():
        module, _, kind = key.rpartition(".")
        if module in ("classifier.0", "classifier.3") and kind == "weight":
            value = value.reshape(4096, -1, *((7, 7) if module == "classifier.0" else (1, 1)))
        renamed[f"{names.get(module, module)}.{kind}"] = value
    torch.save(renamed, tmp_path / "a.pth")
    same(load_net_weights("vgg11", tmp_path / "a.pth").tensors, state)


def caffe_resnet(key: str) -> str:
    module, _, kind = key.rpartition(".")
    if module in ("conv1", "norm1", "fc"):
        words = {"conv1": "conv1", "fc": "fc1000", "norm1": "bn_conv1" if "running" in kind else "scale_conv1"}
        return f"{words[module]}.{kind}"
    stage, block, _, side, layer = module.split(".")
    letter = "abcdef"[int(block) - 1]
    branch = "1" if side == "shortcut" else "2" + "abc"[int(layer[-1]) - 1]
    what = "res" if layer.startswith("conv") else "bn" if "running" in kind else "scale"
    return f"{what}{stage[4]}{letter}_branch{branch}.{kind}"


@pytest.mark.slow
def test_caffes_resnet(tmp_path):
    net, state = small_state("resnet50")
    kept = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    torch.save({caffe_resnet(key): value for key, value in kept.items()}, tmp_path / "a.pth")
    found = load_net_weights("resnet50", tmp_path / "a.pth")
    same(found.tensors, state)
    assert "named as in Caffe" in found.notes[0] and found.net.name == "resnet50"


def test_caffes_googlenet(tmp_path):
    net, state = small_state("googlenet")
    words = {
        "conv1": "conv1/7x7_s2",
        "conv2_reduce": "conv2/3x3_reduce",
        "conv2": "conv2/3x3",
        "fc": "loss3/classifier",
    }
    inner = {"conv1x1": "1x1", "reduce3x3": "3x3_reduce", "conv3x3": "3x3", "reduce5x5": "5x5_reduce", "conv5x5": "5x5"}
    renamed = {"loss1/fc.weight": torch.ones(2)}
    for key, value in state.items():
        module, _, kind = key.rpartition(".")
        if module.startswith("inception"):
            block, _, part = module.partition(".")
            module = f"inception_{block[9:]}/{inner.get(part, part)}"
        renamed[f"{words.get(module, module)}.{kind}"] = value
    torch.save(renamed, tmp_path / "a.pth")
    same(load_net_weights("googlenet", tmp_path / "a.pth").tensors, state)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path):
    net, state = small_state("resnet20")
    state["stage2.1.block.body.conv1.weight"][0] = float("nan")
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(InputError, match="tensor 'stage2.1.block.body.conv1.weight' holds NaN or infinite numbers"):
        load_net_weights("resnet20", tmp_path / "a.pth")


def test_random_weights_can_be_asked_for_everywhere():
    found = load_net_weights("ResNet-20", "none")
    assert found.net.name == "resnet20" and "random" in found.notes[0] and found.tensors


def test_what_cannot_be_fetched_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("CASECNN_CACHE", str(tmp_path))
    monkeypatch.setattr("casecnn.weights.download.TRIES", 1)
    monkeypatch.setattr("casecnn.vision.weights._ADDRESS", "http://127.0.0.1:9/")
    with pytest.raises(InputError) as caught:
        load_net_weights("resnet18")
    text = str(caught.value)
    assert "fetch http://127.0.0.1:9/resnet18-f37072fd.pth elsewhere" in text and str(tmp_path) in text
