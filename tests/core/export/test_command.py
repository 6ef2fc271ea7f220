"""`casecnn export` and `casecnn vision export`: files that other programs read, and one line for what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from casecnn.cli import main
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.convert import to_torchvision
from casecnn.weights.state_dict import load, save

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("net", "graph", "inputs"),
    [
        ("lenet5", "lenet5", "input"),
        ("lenet5.mnist-v1", "lenet5", "input"),
        ("policy-k64.tygem9d-v3", "policy-k64", "input"),
        ("question", "sentence_cnn", "tokens"),
    ],
)
def test_names_of_all_applications(tmp_path, capsys, net, graph, inputs):
    code, output, errors = run(capsys, "export", net, "-o", tmp_path / "net.onnx", "--opset", "15")
    assert (code, errors) == (0, "") and f"net.onnx: {graph}, " in output
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.name == graph and [entry.name for entry in model.graph.input] == [inputs]
    assert model.opset_import[0].version == 15


def test_a_file_says_which_net_it_is_for(tmp_path, capsys):
    file = tmp_path / "mine.safetensors"
    assert run(capsys, "vision", "export", "lenet5", "-o", file, "--for", "safetensors")[0] == 0
    ours, theirs = load(file), load_packaged()
    assert ours.metadata["net"] == "lenet5" and ours.metadata["classes"] == list("0123456789")
    assert all(torch.equal(ours.tensors[name], theirs[name]) for name in theirs)
    assert run(capsys, "export", file, "-o", tmp_path / "a.onnx")[0] == 0
    assert run(capsys, "export", "lenet5", "-o", tmp_path / "b.onnx", "--batch", "dynamic")[0] == 0
    one, two = ({t.name: t for t in onnx.load(tmp_path / name).graph.initializer} for name in ("a.onnx", "b.onnx"))
    assert one.keys() == two.keys()
    for name, stored in one.items():
        assert np.array_equal(onnx.numpy_helper.to_array(stored), onnx.numpy_helper.to_array(two[name]))


def load_packaged():
    from casecnn.vision.weights import load_net_weights

    return load_net_weights("lenet5").tensors


def test_torchvisions_names(tmp_path, capsys):
    net = get_net("resnet18", 3)
    module = build(net, seed=0)
    save(tmp_path / "own.safetensors", module.state_dict(), {"net": "resnet18", "arguments": {"classes": 3}})
    command = ("vision", "export", tmp_path / "own.safetensors", "-o", tmp_path / "t.pth", "--for", "torchvision")
    code, output, errors = run(capsys, *command)
    assert (code, errors) == (0, "") and "t.pth: resnet18 for torchvision" in output
    written = torch.load(tmp_path / "t.pth", weights_only=True)
    wanted = to_torchvision(net, module.state_dict())
    assert written.keys() == wanted.keys() and "layer4.1.bn2.running_var" in written
    assert all(torch.equal(written[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "lenet5", "-o", "a.txt"], 2, "`--output` (=a.txt) must end in .onnx"),
        (["export", "lenet5", "-o", "none/a.onnx"], 1, "cannot write 'none/a.onnx': the folder 'none' does not exist"),
        (["export", "lenet55", "-o", "a.onnx"], 2, "there is no net 'lenet55'; did you mean lenet5"),
        (["export", "zfnet", "-o", "a.onnx"], 2, "there are no published weights for net 'zfnet'"),
        (["export", "question", "-o", "a.onnx", "--weights", "x"], 2, "`--weights` go with a case-study net"),
        (["export", "lenet5", "-o", "a.onnx", "--batch", "big"], 2, "'big' is neither a whole number of at least 1"),
        (["export", "lenet5", "-o", "a.onnx", "--batch", "0"], 2, "'0' is neither a whole number of at least 1"),
        (["export", "text.safetensors", "-o", "a.onnx"], 1, "'text.safetensors' is not a safetensors file"),
        (["vision", "export", "lenet5", "-o", "a.pth", "--for", "torchvision"], 2, "torchvision has no net `lenet5`"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.safetensors").write_text("no tensors")
    found, output, errors = run(capsys, *arguments)
    assert (found, output) == (code, "") and errors.startswith("casecnn: error: ") and message in errors
    assert errors.count("\n") == 1 and not (tmp_path / "a.onnx").exists() and not (tmp_path / "a.pth").exists()


def test_weights_that_are_read_are_not_overwritten(tmp_path, capsys):
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"mine")
    code, _, errors = run(capsys, "export", "lenet5", "--weights", file, "-o", file)
    assert code == 2 and "is read here and never overwritten" in errors and file.read_bytes() == b"mine"
