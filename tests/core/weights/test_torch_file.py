"""Weights as people have them: wrapped, prefixed, beside other objects; read without running anything."""

from __future__ import annotations

import argparse
import io
import os
import zipfile
from collections import OrderedDict

import pytest
import torch

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
    same(read_torch_file(tmp_path / "a.pth"))


def test_a_module_that_was_saved_whole(tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten())
    torch.save({"model": net}, tmp_path / "a.pth")
    same(read_torch_file(tmp_path / "a.pth"), {**dict(net.named_parameters()), **net.state_dict()})


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
    same(read_torch_file(tmp_path / "a.pth"))
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
