"""Stretches of small layers against the float64 reference, and where they are taken."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_nets import small

from casecnn.errors import InputError
from casecnn.inference import stretches
from casecnn.inference.prepare import prepare
from casecnn.inference.stretches import PreparedStretch
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.vectors import MULTIPLIES_HALVES, WIDTH, vector_width
from casecnn.layers import (
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalMeanPool,
    Linear,
    LocalResponseNorm,
    MaxPool,
    MeanPool,
    Net,
    PositionBias,
    ReLU,
    Residual,
    ShapeError,
    Tanh,
)
from casecnn.nets.catalogue import get_net
from casecnn.nets.policy import policy_net
from casecnn.reference import net as reference_net
from casecnn.torch_net.build import Network, build

pytestmark = pytest.mark.skipif(not vector_width(), reason="this CPU has no AVX2, or numba compiles for none that has")

CLOSE = 1e-5  # of the largest output


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def trained(net: Net) -> Network:
    """With averages of BatchNorms, and biases, that matter."""
    module, generator = build(net, seed=0).eval(), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith(("bias", "running_mean")):
                tensor.normal_(0, 0.2, generator=generator)
            elif name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5, generator=generator)
    return module


def images(net: Net, count: int) -> torch.Tensor:
    x = torch.randn(count, *net.input, generator=torch.Generator().manual_seed(2))
    return x.contiguous(memory_format=torch.channels_last)


def expected(net: Net, module: Network, x: torch.Tensor) -> np.ndarray:
    return reference_net.forward(net, {name: tensor.numpy() for name, tensor in module.state_dict().items()}, x.numpy())


ROUNDED = 0.03  # of the largest output of a few layers in bfloat16


def check(net: Net, *counts: int, whole: bool | None = True, dtype: torch.dtype = torch.float32) -> None:
    """It is a stretch, says what the reference says, and leaves its input alone."""
    module = trained(net)
    fast = prepare(module, dtype)
    close = CLOSE if dtype == torch.float32 else ROUNDED
    assert whole is None or isinstance(fast, PreparedStretch) is whole
    assert whole is not False or any(isinstance(part, PreparedStretch) for part in fast.children())
    for count in counts or (1, 3):
        x = images(net, count).to(dtype)
        before, wanted = x.clone(), expected(net, module, x.float())
        with torch.inference_mode():
            found = fast(x)
            assert torch.equal(found, fast(x))
        assert found.shape == wanted.shape
        assert np.abs(found.float().numpy() - wanted).max() < close * max(1, np.abs(wanted).max())
        assert torch.equal(x, before)


@pytest.mark.parametrize("name", ["lenet5", "resnet20"])
def test_small_nets_are_one_stretch(name):
    check(get_net(name), 2)


def test_a_net_may_go_on_after_its_stretch():
    check(policy_net(k=16, layers=3), whole=False)
    check(get_net("lenet5-tanh"), whole=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["alexnet", "vgg11", "googlenet", "nin-cifar10", "resnet18-c", "resnet50", "lenet5-1998"]
)
def test_every_kind_of_net(name):
    net = small(name).without_heads()
    module = trained(net)
    fast, x = prepare(module), images(net, 2)
    with torch.inference_mode():
        wanted = expected(net, module, x)
        assert np.abs(fast(x).numpy() - wanted).max() < CLOSE * max(1, np.abs(wanted).max())


@pytest.fixture
def halves(monkeypatch):
    """Maps of small nets, too, are bfloat16 where the weights are."""
    if not MULTIPLIES_HALVES:
        pytest.skip("this CPU does not multiply bfloat16")
    monkeypatch.setattr(stretches, "LEAST_MACS_HALF", 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg11", "googlenet", "resnet18-c", "resnet50", "lenet5", "resnet20"])
def test_nets_in_bfloat16(name, halves):
    net = (get_net(name) if name in ("lenet5", "resnet20") else small(name)).without_heads()
    module = trained(net)
    fast, x = prepare(module, torch.bfloat16), images(net, 3).bfloat16()
    parts = [part for part in fast.modules() if isinstance(part, PreparedStretch)]
    assert parts and all(part.stretch.dtype == torch.bfloat16 for part in parts)
    with torch.inference_mode():
        wanted = expected(net, module, x.float())
        assert np.abs(fast(x).float().numpy() - wanted).max() < ROUNDED * max(1, np.abs(wanted).max())


def test_maps_are_float32_in_small_nets_of_bfloat16():
    fast = prepare(build(get_net("lenet5")), torch.bfloat16)
    assert isinstance(fast, PreparedStretch) and fast.stretch.dtype == torch.float32


def test_more_inputs_than_a_large_net_takes_at_a_time_go_layer_by_layer():
    net = get_net("lenet5")
    fast, x = prepare(trained(net)), images(net, 4)
    with torch.inference_mode():
        wanted = fast(x)
        fast.most, fast.stretch = 3, None
        assert torch.allclose(fast(x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_any_convolutions_and_poolings(data):
    any_layers(data.draw, torch.float32)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_layers_in_bfloat16(data, halves):
    any_layers(data.draw, torch.bfloat16)


def any_layers(draw: Any, dtype: torch.dtype) -> None:
    channels, height, width = draw(st.integers(1, 2 * WIDTH + 1)), draw(st.integers(1, 19)), draw(st.integers(1, 19))
    shape = (channels, height, width)
    layers = []
    for number in range(draw(st.integers(2, 4))):
        kernel = tuple(draw(st.integers(1, 5)) for _ in range(2))
        stride = tuple(draw(st.integers(1, 3)) for _ in range(2))
        most = [size - 1 for size in kernel]
        padding = tuple(tuple(draw(st.integers(0, most[axis])) for _ in range(2)) for axis in range(2))
        rounding = draw(st.sampled_from(["floor", "ceil"]))
        kind = draw(st.sampled_from(["conv", "conv", "max", "mean", "norm"]))
        windows = {"kernel": kernel, "stride": stride, "padding": padding, "rounding": rounding}
        if kind == "conv":
            outputs = draw(st.integers(1, 5 * WIDTH))
            layer = Conv(f"l{number}", outputs, activation=draw(st.sampled_from([None, "relu"])), **windows)
        elif kind == "max":
            layer = MaxPool(f"l{number}", **windows)
        elif kind == "norm":
            layer = LocalResponseNorm(
                f"l{number}", draw(st.sampled_from([1, 3, 5])), alpha=draw(st.sampled_from([0, 0.3]))
            )
        else:
            layer = MeanPool(f"l{number}", count_padding=draw(st.booleans()), **windows)
        try:
            shape = layer.output_shape(shape)
        except ShapeError:
            continue
        layers.append(layer)
    convolutions = sum(isinstance(layer, Conv) for layer in layers)
    if len(layers) < 2 or not convolutions:
        return
    check(Net("drawn", (channels, height, width), tuple(layers)), draw(st.integers(1, 20)), dtype=dtype)


def block(*layers, name="block", shortcut="B", **fields) -> Residual:
    return Residual(name, layers or (Conv("a", 4, 3, padding=1, bias=False), BatchNorm("n")), shortcut, **fields)


FIRST = Conv("first", 4, 3, activation="relu")
BLOCKS = {
    "the net's own input is the shortcut": (block(),),
    "dropout hands its input on": (Dropout("drop"), block(), Conv("c", 2, 1, padding=1)),
    "subsampled and widened": (FIRST, block(Conv("a", 6, 3, 2, 1, rounding="floor"), shortcut="A")),
    "subsampled, by a convolution": (FIRST, block(Conv("a", 6, 3, 2, 1, rounding="floor"), shortcut="B")),
    "a convolution as shortcut": (FIRST, block(shortcut="C")),
    "two convolutions": (FIRST, block(Conv("a", 5, 3, padding=1, activation="relu"), Conv("b", 4, 3, padding=1))),
    "no ReLU after the sum": (FIRST, block(activation=None), block(name="next")),
    "ReLU as a layer of its own": (FIRST, block(activation=None), ReLU("relu"), block(name="next")),
    "a block in a block": (FIRST, block(block(name="e"), Conv("d", 4, 1))),
    "a pooling in a block": (FIRST, block(MaxPool("m", 3, 1, 1), Conv("d", 4, 1))),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_shortcuts(name):
    check(Net("made up", (4, 9, 8), (*BLOCKS[name], Flatten("flatten"), Linear("out", 3))))


def branches(*chains, name="b") -> Branches:
    return Branches(name, chains)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_branches_write_to_one_map(dtype, request):
    if dtype == torch.bfloat16:
        request.getfixturevalue("halves")
    net = Net("inception", (40, 12, 11), (
        Conv("first", 36, 3, padding=1, activation="relu"),
        LocalResponseNorm("norm", alpha=0.1),
        branches(
            (Conv("a", 7, 1, activation="relu"),),
            (Conv("b1", 33, 1, activation="relu"), Conv("b2", 34, 3, padding=1, activation="relu")),
            (Conv("c1", 4, 1), Conv("c2", 9, 5, padding=2)),
            (MaxPool("d1", 3, 1, 1), Conv("d2", 18, 1)),
            (MaxPool("e", 3, 1, 1),),
        ),
        branches(
            (branches((Conv("g", 5, 1),), (Conv("h", 6, 1),), name="inner"), Conv("i", 40, 3, padding=1)),
            (Conv("j", 8, 1),),
            name="outer",
        ),
        MaxPool("pool", 3, 2, rounding="ceil"),
        GlobalMeanPool("mean"),
        Linear("out", 5),
    ))  # fmt: skip
    check(net, 1, 4, dtype=dtype)


BRANCHES = {
    "a branch that hands its input on": (FIRST, branches((Conv("a", 3, 1),), ())),
    "ReLU first": (FIRST, branches((ReLU("r"), Conv("a", 3, 1)), (Conv("b", 3, 1),))),
    "a sum last": (FIRST, branches((block(),), (Conv("b", 3, 1),))),
    "ReLU after all branches": (FIRST, Conv("d", 4, 1), branches((Conv("a", 3, 1),), (Conv("b", 3, 1),)), ReLU("r")),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_that_no_stretch_can_do_are_left_to_the_other_kernels(name):
    net = Net("made up", (4, 9, 8), (Conv("zero", 4, 3, padding=1), *BRANCHES[name], Flatten("f"), Linear("out", 3)))
    check(net, whole=False if name != "a sum last" else None)


NOT_ALL = {
    "ReLU before the sum": (FIRST, MaxPool("m", 2, 2, rounding="floor"), block(Conv("a", 4, 1, activation="relu"))),
    "a block that begins with ReLU": (FIRST, MaxPool("m", 2), block(ReLU("r"), Conv("a", 4, 1))),
    "another activation": (FIRST, MaxPool("m", 2, rounding="floor"), Tanh("t"), Conv("c", 3, 1)),
    "groups": (FIRST, Conv("g", 8, 3, padding=1), Conv("c", 4, 3, groups=2), Conv("d", 3, 1)),
    "dilation": (FIRST, Conv("g", 8, 3, padding=1), Conv("c", 4, 2, dilation=2), Conv("d", 3, 1)),
    "a bias for each position": (FIRST, Conv("one", 1, 1), PositionBias("bias"), Flatten("flatten")),
}


@pytest.mark.parametrize("name", NOT_ALL)
def test_what_no_stretch_can_do_is_left_to_the_other_kernels(name):
    check(Net("made up", (4, 10, 8), NOT_ALL[name]), whole=False)


def test_where_it_would_be_a_small_part_there_is_none():
    net = Net("n", (3, 9, 9), (Conv("a", 4, 1), MaxPool("m", 3), Tanh("t"), Conv("b", 96, 3, padding=1), Tanh("u")))
    assert not any(isinstance(part, PreparedStretch) for part in prepare(build(net)).modules())
    off = prepare(build(get_net("lenet5")), allowed=Allowed(stretches=False))
    assert isinstance(off, Network) and not any(isinstance(part, PreparedStretch) for part in off.modules())


@pytest.mark.slow
@pytest.mark.slow
def test_for_a_few_inputs_numba_is_not_even_loaded():
    program = (
        "import sys, torch; from casecnn.nets.catalogue import get_net; from casecnn.torch_net.build import build\n"
        "from casecnn.inference.prepare import FEW, prepare\n"
        "for inputs in (1, FEW - 1, FEW):\n"
        "    fast = prepare(build(get_net('resnet20')), inputs=inputs)\n"
        "    with torch.inference_mode(): fast(torch.zeros(1, 3, 32, 32))\n"
        "    print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]


def test_numbers_by_hand():
    """Ones: a 3x3 window sums 9 of them, 6 at an edge, 4 in a corner; 2x2 windows of that; then all positions."""
    net = Net("n", (1, 4, 4), (Conv("a", 1, 3, padding=1), MaxPool("m", 2), GlobalMeanPool("g"), Linear("l", 2)))
    module = build(net).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(1)
        module.l.weight[1] = -2
    x = torch.ones(2, 1, 4, 4)
    x[1, 0, 0, 0] = -8
    with torch.inference_mode():
        y = prepare(module)(x)
    assert y.tolist() == [[11, -19], [8.75, -14.5]]  # the corner brings a maximum of 10 down to 1


def test_the_same_numbers_whatever_shares_the_work(threads):
    net = get_net("resnet20")
    fast, x = prepare(trained(net), allowed=Allowed(fewer_threads=False)), images(net, 11)
    found = []
    with torch.inference_mode():
        for count in (1, 2, 3, 8):
            threads(count)
            found.append(fast(x))
            found.append(torch.cat([fast(image[None]) for image in x]))
    assert all(torch.equal(y, found[0]) for y in found)


def test_inputs_of_any_size_layout_and_format():
    net = Net("n", (3, 12, 12), (Conv("a", 8, 3, padding=1, activation="relu"), MaxPool("m", 2), GlobalMeanPool("g")))
    module = build(net, seed=0).eval()
    fast = prepare(module)
    with torch.inference_mode():
        for shape in ((2, 3, 12, 12), (1, 3, 20, 6), (2, 3, 12, 12)):
            x = torch.randn(shape)
            assert torch.allclose(fast(x), module(x), atol=1e-5)
            assert torch.allclose(fast(x.transpose(2, 3).contiguous().transpose(2, 3)), module(x), atol=1e-5)
        half = prepare(module, torch.bfloat16)(x.bfloat16())
        assert half.dtype == torch.bfloat16 and torch.allclose(half.float(), module(x), atol=0.05)
        with pytest.raises(ShapeError, match="not a whole number"):
            fast(torch.randn(1, 3, 13, 12))
        with pytest.raises(InputError, match="takes a batch of"):
            fast(torch.randn(1, 4, 12, 12))
        assert fast(torch.randn(0, 3, 12, 12)).shape == (0, 8)


def test_not_a_number_stays_so():
    net = get_net("lenet5")
    fast, x = prepare(build(net, seed=0)), images(net, 2)
    x[1, 0, 3, 3] = float("nan")
    with torch.inference_mode():
        assert fast(x).isnan().any(1).tolist() == [False, True]


def test_copies_and_threads_of_python_get_plans_of_their_own():
    net = get_net("lenet5")
    fast, x = prepare(build(net, seed=0)), images(net, 3)
    with torch.inference_mode():
        wanted = fast(x)
        for other in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
            assert torch.equal(other(x), wanted)

    def answer(_: int) -> torch.Tensor:
        with torch.inference_mode():
            return fast(x)

    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(found, wanted) for found in pool.map(answer, range(200)))


NARROW = """
import sys
sys.path[:0] = sys.argv[1:]
import test_stretches as t
assert t.WIDTH == 8
for name in ("lenet5", "resnet20"):
    t.check(t.get_net(name), 1, 5)
for name in t.BLOCKS:
    t.test_shortcuts(name)
t.test_any_convolutions_and_poolings()
print("right")
"""


@pytest.mark.slow
@pytest.mark.skipif(vector_width() == 8, reason="all tests here are of such vectors")
def test_a_cpu_with_avx2_alone():
    limits = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+avx,+sse4.2,+popcnt,+bmi,+bmi2"}
    here = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", NARROW, here, os.path.dirname(here)],
        env={**os.environ, **limits},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("right\n"), done.stderr[-2000:]
