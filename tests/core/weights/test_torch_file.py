"""Weights as people have them: wrapped, prefixed, beside other objects; read without running anything."""

from __future__ import annotations

import argparse
import io
import os
import zipfile
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from casecnn.errors import InputError
from casecnn.weights.state_dict import check_finite, load
from casecnn.weights.torch_file import read_torch_file, without_prefixes

TENSORS = {"conv.weight": torch.arange(12.0).reshape(3, 4)[:, ::2], "fc.bias": torch.tensor([1, 2])}


class Settings:
    """An object of a class that whoever reads the file does not have."""

    def __init__(self):
        self.lr, self.inner = 0.1, {"weight": torch.ones(2)}


def same(found, expected=TENSORS):
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)


@pytest.mark.parametrize("ending", [".pth", ".PTH", ".pth.tar", ".ckpt", ".bin", ".Pt"])
def test_endings(tmp_path, ending):
    torch.save(TENSORS, tmp_path / f"a{ending}")
    same(load(tmp_path / f"a{ending}").tensors)


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": TENSORS, "epoch": 3, "best": torch.tensor(0.7)},
        {"model_state_dict": TENSORS, "optimizer": {"state": {0: {"momentum": torch.ones(3)}}}},
        {"model": TENSORS, "args": argparse.Namespace(lr=0.1)},
        {"net": OrderedDict(TENSORS), "settings": Settings()},
        {"state_dict": {f"module.{name}": value for name, value in TENSORS.items()}},
        {"state_dict": {f"model.{name}": value for name, value in TENSORS.items()}, "callbacks": {Settings: 1}},
        {f"_orig_mod.module.{name}": value for name, value in TENSORS.items()},
        {"checkpoint": 1, "model": {"state_dict": TENSORS}, "scaler": Settings()},
    ],
    ids=range(8),
)
def test_wrappers_prefixes_and_other_objects(tmp_path, content):
    torch.save(content, tmp_path / "a.pth")
    same(read_torch_file(tmp_path / "a.pth").tensors)


def test_a_module_that_was_saved_whole(tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten())
    torch.save({"model": net}, tmp_path / "a.pth")
    same(read_torch_file(tmp_path / "a.pth").tensors, {**dict(net.named_parameters()), **net.state_dict()})


MOVED = {name: value + 1 for name, value in TENSORS.items()}
"""The same net a little later, as an average of its weights is."""


def under(prefix, tensors):
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


@pytest.mark.parametrize(
    ("content", "taken", "other"),
    [
        ({"model": TENSORS, "model_ema": under("module", MOVED) | {"n": torch.tensor(5)}}, "model", "model_ema"),
        ({"state_dict_ema": MOVED, "state_dict": TENSORS, "epoch": 1}, "state_dict", "state_dict_ema"),
        ({"model": {"net": TENSORS}, "ema": {"shadow": MOVED}}, "model.net", "ema.shadow"),
        (
            {"state_dict": under("model", TENSORS) | under("ema_model", MOVED) | {"loss.weight": torch.ones(3)}},
            "state_dict.model",
            "state_dict.ema_model",
        ),
    ],
    ids=range(4),
)
def test_of_two_sets_of_weights_one_is_taken_and_the_other_can_be(tmp_path, content, taken, other):
    torch.save(content, tmp_path / "a.pth")
    found = read_torch_file(tmp_path / "a.pth")
    same(found.tensors)
    assert (found.entry, found.others) == (taken, (other,))
    same(read_torch_file(tmp_path / "a.pth", other).tensors, MOVED)
    assert load(tmp_path / "a.pth", entry=other).entry == other


def test_entries_that_are_not_there_or_not_told_apart(tmp_path):
    torch.save({"generator": TENSORS, "critic": MOVED, "n": 1}, tmp_path / "a.pth")
    with pytest.raises(
        InputError, match=r"several sets of weights: 'generator', 'critic'; say which .*a.pth#generator'"
    ):
        read_torch_file(tmp_path / "a.pth")
    same(read_torch_file(tmp_path / "a.pth", "critic").tensors, MOVED)
    with pytest.raises(InputError, match="has no entry 'ema' with tensors; it has 'generator', 'critic'"):
        read_torch_file(tmp_path / "a.pth", "ema")


def test_another_set_of_other_shapes_is_not_offered(tmp_path):
    optimizer = {"state": {"a": {"conv.weight": torch.ones(1), "fc.bias": torch.ones(1)}}}
    torch.save({"model": TENSORS, "optimizer": optimizer}, tmp_path / "a.pth")
    assert read_torch_file(tmp_path / "a.pth").others == ()


def test_a_safetensors_file_with_prefixes(tmp_path):
    save_file(
        under("module", {name: value.contiguous() for name, value in TENSORS.items()}), tmp_path / "a.safetensors"
    )
    same(load(tmp_path / "a.safetensors").tensors)


@pytest.mark.parametrize(
    "content", [TENSORS, {"state_dict": TENSORS, "args": argparse.Namespace(lr=1), "x": Settings()}]
)
def test_the_format_of_before_torch_1_6(tmp_path, content):
    torch.save(content, tmp_path / "a.th", _use_new_zipfile_serialization=False)
    same(load(tmp_path / "a.th").tensors)


def test_nothing_is_run_in_the_format_of_before_torch_1_6(tmp_path):
    content = {"state_dict": TENSORS, "x": [Trap(tmp_path / "sprung")]}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    same(read_torch_file(tmp_path / "a.pth").tensors)
    assert not (tmp_path / "sprung").exists()


def test_names_without_the_prefix_are_not_of_the_net():
    tensors = {"model.a": torch.ones(1), "model.b": torch.ones(1), "criterion.weight": torch.ones(1)}
    assert list(without_prefixes(tensors)) == ["a", "b"]
    assert list(without_prefixes({"model.a": torch.ones(1), "b": torch.ones(1)})) == ["model.a", "b"]


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_is_run(tmp_path):
    torch.save({"state_dict": TENSORS, "x": [Trap(tmp_path / "sprung")]}, tmp_path / "a.pth")
    same(read_torch_file(tmp_path / "a.pth").tensors)
    assert not (tmp_path / "sprung").exists()


def test_a_tensor_never_reaches_beyond_its_storage(tmp_path):
    """The numbers in the pickle may say anything; memory of the process is not to be read with them."""
    torch.save({"x": Settings(), "state_dict": {"a": torch.arange(4.0)}}, tmp_path / "a.pth")
    out = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "a.pth") as archive, zipfile.ZipFile(out, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith("data.pkl"):  # the size (4,) as 400
                assert content.count(b"K\x04\x85") == 1
                content = content.replace(b"K\x04\x85", b"M\x90\x01\x85")
            changed.writestr(name, content)
    (tmp_path / "b.pth").write_bytes(out.getvalue())
    with pytest.raises(InputError, match="it is damaged"):
        read_torch_file(tmp_path / "b.pth")


def test_numbers_that_are_none_are_refused():
    check_finite(TENSORS, "a.pth")
    for value in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(InputError, match=r"'a.pth': tensor 'x.weight' holds NaN or infinite numbers"):
            check_finite({"n": torch.tensor(1), "x.weight": torch.tensor([1.0, value])}, "a.pth")
