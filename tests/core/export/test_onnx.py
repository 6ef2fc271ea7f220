"""Exported nets in onnxruntime: the same numbers as the float64 reference and torch, for every registered net."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from declared_nets import SMALL
from numeric_checks import numbers
from small_nets import EVERY, small

from casecnn.errors import InputError, UsageError
from casecnn.layers import (
    AdaptiveMeanPool,
    Conv,
    Flatten,
    Linear,
    MaxPool,
    MeanPool,
    Net,
    Residual,
    ScaledTanh,
    Sigmoid,
    Softmax,
    Subsampling,
    TableConv,
    Tanh,
)
from casecnn.torch_net.build import build

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from casecnn.export.graph import SUPPORTED_OPSETS  # noqa: E402
from casecnn.export.model import net_model, write  # noqa: E402


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def with_weights(net: Net):
    """The module in evaluation mode, running averages that are not those of the start, and its arrays."""
    module = build(net, seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.1, generator=generator)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=generator)
    return module, {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def check(net: Net, opset: int = 17) -> None:
    """Logits and probabilities of a batch of two are those of torch."""
    module, arrays = with_weights(net)
    x = numbers(2, *net.input).astype(np.float32)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    model = net_model(net, arrays, opset=opset)
    runner = session(model)
    names = [output.name for output in runner.get_outputs()]
    softmax = isinstance(net.layers[-1], Softmax)
    assert names == (["logits", "probabilities"] if softmax else ["logits"])
    found = dict(zip(names, runner.run(names, {"input": x}), strict=True))
    assert np.abs(found["logits"] - wanted).max() <= 1e-4 * max(1, np.abs(wanted).max())
    if softmax:
        assert np.allclose(found["probabilities"], torch.from_numpy(wanted).softmax(1).numpy(), atol=1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_every_net_of_the_catalogue(name):
    check(small(name).without_heads())


@pytest.mark.parametrize("net", SMALL.values(), ids=SMALL.keys())
def test_declared_nets(net):
    check(net)


WINDOWS = Net(
    "windows",
    (3, 13, 11),
    (
        Conv("conv", 4, (3, 5), (2, 1), "same", activation="tanh", dilation=(1, 2)),
        MaxPool("ceil", 3, 2, 1, rounding="ceil"),
        Conv("uneven", 4, 3, padding=((2, 0), (0, 1)), groups=2, rounding="floor", activation="sigmoid"),
        MeanPool("counted", 2, 1, ((1, 0), (1, 1)), count_padding=True),
        MeanPool("not_counted", 3, 2, 1, rounding="ceil"),
        Residual("a", (Conv("c", 6, 3, 2, 1, rounding="floor"),), shortcut="A", batch_norm=False, activation=None),
        AdaptiveMeanPool("adaptive", 3),
        TableConv("table", ((0,), (1, 3), (0, 2, 5)), 2, padding=1, activation="scaled_tanh"),
        Subsampling("sub", 2, activation="tanh"),
        ScaledTanh("scaled"),
        Flatten("flat"),
        Linear("fc", 5, bias=False),
        Tanh("tanh"),
        Linear("fc2", 4, activation="relu"),
        Sigmoid("sigmoid"),
        Softmax("softmax"),
    ),
)


@pytest.mark.parametrize("opset", SUPPORTED_OPSETS)
def test_odd_windows_in_every_opset(opset):
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip("this onnx does not know that opset")
    if opset > 22:
        pytest.skip("onnxruntime's newest opsets are not official")
    check(WINDOWS, opset)


def test_names_are_those_of_the_paper_and_the_metadata_say_what_is_needed():
    net = small("vgg16")
    model = net_model(net, with_weights(net)[1], metadata={"labels": ["a", "ü"], "net": "vgg16"})
    unseen = {row.name for row in net.rows if row.kind in ("Dropout", "Softmax")}  # the latter is "probabilities"
    assert {row.name for row in net.rows} - unseen <= {node.name for node in model.graph.node}
    assert {tensor.name for tensor in model.graph.initializer} == set(with_weights(net)[1])
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert found["net"] == "vgg16" and json.loads(found["labels"]) == ["a", "ü"]
    assert model.producer_name == "casecnn" and model.graph.name == net.name


def test_a_fixed_batch_is_fixed():
    net = SMALL["policy"] if "policy" in SMALL else small("policy-k128")
    arrays = with_weights(net)[1]
    assert net_model(net, arrays, batch=3).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3
    assert net_model(net, arrays).graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_the_same_net_gives_the_same_bytes(tmp_path):
    net = small("lenet5")
    for name in ("a.onnx", "b.onnx"):
        write(net_model(net, with_weights(net)[1]), tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)


def test_what_cannot_be():
    net = small("lenet5")
    arrays = with_weights(net)[1]
    with pytest.raises(UsageError, match=r"^`opset` \(=12\) must be a whole number from 13 to 24$"):
        net_model(net, arrays, opset=12)
    missing = next(name for name in arrays if name.endswith("bias"))
    arrays.pop(missing)
    with pytest.raises(InputError, match=f"^there are no weights for '{missing}'$"):
        net_model(net, arrays)


def test_without_the_package_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'^the package onnx is not installed; run: pip install "casecnn\[onnx\]"$'):
        net_model(small("lenet5"), {})
