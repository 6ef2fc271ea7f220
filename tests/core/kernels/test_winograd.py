"""Winograd's convolutions against the float64 reference."""

from __future__ import annotations

import copy
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from casecnn import reference
from casecnn.inference.prepare import PreparedChain, PreparedConv, PreparedResidual, prepare
from casecnn.kernels import dispatch, onednn, parallel, winograd
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.convolution import Convolution
from casecnn.kernels.vectors import vector_width
from casecnn.kernels.winograd import WinogradChain, WinogradConvolution, fits, wins
from casecnn.layers import Conv, MaxPool, Net, Residual
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build

pytestmark = pytest.mark.skipif(not vector_width(), reason="this CPU has no AVX2, or numba compiles for none that has")

CLOSE = 1e-5  # of the largest output; seen: at most 3e-6
ONE_BY_ONE = Allowed(stretches=False)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def convolution(channels, outputs, window=3, seed=0, **fields):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, channels, window, window, generator=generator) / window / channels**0.5
    bias = torch.randn(outputs, generator=generator) if fields.pop("bias", True) else None
    return Convolution(weight, bias, **{"padding": (window // 2, window // 2), **fields})


def images(*shape, seed=1):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return x.contiguous(memory_format=torch.channels_last)


def judged(own, x, padding=None, side=None):
    """The convolution in float64, before its activation."""
    bias = None if own.bias is None else own.bias.numpy()
    y = reference.conv2d(x.numpy(), own.weight.numpy(), bias, padding=padding or own.padding)
    return y if side is None else y + side.double().numpy()


def error(found, expected):
    return np.abs(found.double().numpy() - expected).max() / max(np.abs(expected).max(), 1e-30)


SIZES = {  # images, channels, outputs, height, width, window
    "policy net": (2, 192, 192, 19, 19, 3),
    "policy net, first": (3, 48, 192, 19, 19, 5),
    "policy net, narrow": (9, 64, 64, 19, 19, 3),
    "VGG, late": (1, 512, 512, 14, 14, 3),
    "ResNet, 7x7": (3, 256, 96, 7, 7, 3),
    "ResNet, 56x56": (1, 64, 64, 56, 56, 3),
    "GoogLeNet, 28x28": (2, 96, 128, 28, 28, 3),
    "more tiles than the caches hold": (1, 256, 40, 60, 60, 3),
    "channels that fill no vector": (2, 17, 33, 9, 11, 3),
    "one pixel": (1, 16, 16, 1, 1, 3),
    "one row": (2, 24, 16, 1, 23, 5),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_sizes_of_nets(name, count, threads):
    number, channels, outputs, height, width, window = SIZES[name]
    threads(count)
    own = convolution(channels, outputs, window, activation="relu")
    x = images(number, channels, height, width)
    y = WinogradConvolution(own)(x, own.padding)
    assert y.shape == (number, outputs, height, width)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert error(y, np.maximum(judged(own, x), 0)) < CLOSE


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_shape(data):
    window = data.draw(st.sampled_from([3, 5]))
    padding = data.draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    height, width = (data.draw(st.integers(max(1, window - 2 * p), 21)) for p in padding)
    number, channels, outputs = (data.draw(st.integers(1, most)) for most in (9, 70, 70))
    relu, summed = data.draw(st.booleans()), data.draw(st.booleans())
    own = convolution(
        channels, outputs, window, bias=data.draw(st.booleans()), activation=data.draw(st.sampled_from([None, "relu"]))
    )
    x = images(number, channels, height, width)
    kernel = WinogradConvolution(own)
    if summed:
        side = images(*judged(own, x, padding).shape, seed=2)
        expected = judged(own, x, padding, side)
        y = kernel.add_to(side, x, padding, relu)
        assert y.data_ptr() == side.data_ptr()
    else:
        relu = own.activation == "relu"
        expected, y = judged(own, x, padding), kernel(x, padding)
    terms = reference.conv2d(x.abs().numpy(), own.weight.abs().numpy(), padding=padding)  # a sum of few may be near 0
    assert np.abs(y.numpy() - (np.maximum(expected, 0) if relu else expected)).max() < CLOSE * (1 + terms.max())


def test_one_number_by_hand():
    """All ones: a pixel inside sums 9 of its neighbours' 16 channels, an edge 6, a corner 4; and the bias."""
    own = Convolution(torch.ones(16, 16, 3, 3), torch.full((16,), 0.5), padding=(1, 1))
    y = WinogradConvolution(own)(torch.ones(1, 16, 5, 5), (1, 1))[0, 3]
    assert torch.allclose(y[0], torch.tensor([64.5, 96.5, 96.5, 96.5, 64.5]), rtol=1e-5)
    assert torch.allclose(y[2], torch.tensor([96.5, 144.5, 144.5, 144.5, 96.5]), rtol=1e-5)


def test_the_same_numbers_whatever_shares_the_work(threads):
    """Every output's sum is taken in one order, however tiles, channels and images are shared out."""
    own = convolution(80, 70)
    kernel = WinogradConvolution(own)
    x = images(11, 80, 19, 13)
    found = []
    for count in (1, 2, 3, 8):
        threads(count)
        found.append(kernel(x, (1, 1)))
        found.append(torch.cat([kernel(image[None], (1, 1)) for image in x]))
    assert all(torch.equal(y, found[0]) for y in found)


def test_threads_of_a_pool_where_torch_has_no_openmp(threads, monkeypatch):
    own = convolution(64, 64)
    x = images(5, 64, 19, 19)
    threads(3)
    expected = WinogradConvolution(own)(x, (1, 1))
    monkeypatch.setattr(parallel, "_openmp", lambda: None)
    for _ in range(20):
        assert torch.equal(WinogradConvolution(own)(x, (1, 1)), expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forked_after_the_first_call(threads):
    threads(2)
    own = convolution(64, 64)
    x = images(2, 64, 19, 19)
    kernel = WinogradConvolution(own)
    expected = kernel(x, (1, 1))
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sending.send(kernel(x, (1, 1)).numpy()))
    child.start()
    assert receiving.poll(60), "it waits for threads that are not there"
    assert np.array_equal(receiving.recv(), expected.numpy())
    child.join()


@pytest.mark.slow
def test_calls_from_several_python_threads(threads):
    threads(2)
    own = convolution(64, 64)
    kernel = WinogradConvolution(own)
    xs = [images(1 + seed % 3, 64, 19, 19, seed=seed) for seed in range(24)]
    expected = [kernel(x, (1, 1)) for x in xs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: kernel(x, (1, 1)), xs))
    assert all(torch.equal(y, want) for y, want in zip(found, expected, strict=True))


@pytest.mark.parametrize("number", [1, 2, 11])
def test_chain(number, threads):
    threads(2)
    declared = [convolution(48, 64, 5, activation="relu")]
    declared += [convolution(64, 64, seed=seed, activation="relu" if seed % 2 else None) for seed in range(4)]
    declared += [convolution(64, 24, seed=9, padding=(0, 2))]
    kernels = [WinogradConvolution(own) for own in declared]
    assert kernels[0].follows(None)
    assert all(after.follows(before) for before, after in zip(kernels, kernels[1:], strict=False))
    chain = WinogradChain(kernels)
    x = images(number, 48, 19, 19)
    before = x.clone()
    y = chain(x)
    assert torch.equal(x, before)
    one_by_one, expected = x, x
    for kernel, own in zip(kernels, declared, strict=True):
        one_by_one = kernel(one_by_one, own.padding)
        expected = torch.from_numpy(judged(own, expected))
        expected = torch.relu(expected) if own.activation else expected
    assert y.shape == (number, 24, 17, 21)
    assert torch.equal(y, one_by_one)
    assert error(y, expected.numpy()) < CLOSE
    assert chain.nbytes == 4 * 36 * (48 * 64 + 4 * 64 * 64 + 64 * (32 if winograd.WIDTH == 16 else 24))


def test_memory_layouts_and_what_is_no_number():
    own = convolution(32, 32, activation="relu")
    kernel = WinogradConvolution(own)
    x = images(2, 32, 10, 10)
    expected = kernel(x, (1, 1))
    assert torch.equal(kernel(x.contiguous(), (1, 1)), expected)
    assert torch.equal(kernel(torch.cat([x, x], 1)[:, :32], (1, 1)), expected)
    assert torch.equal(kernel(x.clone().requires_grad_(), (1, 1)), expected)
    assert kernel(x[:0], (1, 1)).shape == (0, 32, 10, 10)
    x[0, 3, 0, 0] = torch.nan
    y = kernel(x, (1, 1))
    assert y[0, :, 0, 0].isnan().all()
    assert torch.equal(y[1], expected[1])
    assert torch.equal(y[0, :, 4:], expected[0, :, 4:])


def test_copies_are_their_own():
    own = convolution(32, 32)
    x = images(2, 32, 10, 10)
    kernel = WinogradConvolution(own)
    expected = kernel(x, (1, 1))
    other = copy.deepcopy(kernel)
    del kernel
    assert torch.equal(other(x, (1, 1)), expected)


def test_wrong_arguments():
    kernel = WinogradConvolution(convolution(32, 32))
    x = images(2, 32, 10, 10)
    for wrong in (x.double(), x[:, :31]):
        with pytest.raises(ValueError, match="float32 and fit the weights"):
            kernel(wrong, (1, 1))
    with pytest.raises(ValueError, match="do not fit into images of 10 x 2"):
        kernel(x[..., :2], (1, 0))
    with pytest.raises(ValueError, match="`side` must be"):
        kernel.add_to(images(2, 32, 10, 9), x, (1, 1), False)
    with pytest.raises(ValueError, match="`side` must be"):
        kernel.add_to(images(2, 32, 10, 10).contiguous(), x, (1, 1), False)


def test_what_fits():
    assert fits(convolution(64, 64))
    assert fits(convolution(48, 64, 5, activation="relu"))
    assert fits(convolution(64, 64, padding=None))
    assert not fits(convolution(64, 64, 7))
    assert not fits(convolution(64, 64, 1))
    assert not fits(convolution(3, 64)), "an image's three channels: the transforms take longer"
    assert not fits(convolution(64, 64, stride=(2, 2)))
    assert not fits(convolution(64, 64, dilation=(2, 2)))
    assert not fits(convolution(32, 64, groups=2))
    assert not fits(convolution(64, 64, activation="tanh"))
    assert not fits(Convolution(torch.zeros(64, 64, 3, 5)))
    assert not fits(Convolution(torch.zeros(64, 64, 3, 3, dtype=torch.float64)))
    assert fits(Convolution(torch.zeros(64, 64, 3, 3, dtype=torch.bfloat16)))
    assert not fits(Convolution(torch.zeros(64, 64, 5, 5, dtype=torch.bfloat16)))
    assert not fits(Convolution(torch.zeros(8, 8, 3, 3, dtype=torch.bfloat16))), (
        "products of bfloat16 are twice as fast"
    )


HALF = 2.0**-8  # the most that rounding to bfloat16 changes a number by, of the number


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_maps_in_bfloat16_are_rounded_once(data):
    draw = data.draw
    channels, outputs = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    own = convolution(channels, outputs, padding=(draw(st.integers(0, 2)), draw(st.integers(0, 2))))
    exact = replace(own, weight=own.weight.bfloat16().float(), bias=own.bias.bfloat16().float())
    kernel = WinogradConvolution(replace(own, weight=own.weight.bfloat16(), bias=own.bias.bfloat16()))
    size = [max(1, 3 - 2 * padding) + draw(st.integers(0, 20)) for padding in own.padding]
    x = images(draw(st.integers(1, 5)), channels, *size).bfloat16()
    wanted = judged(exact, x.float())
    y = kernel(x, own.padding)
    assert y.dtype == torch.bfloat16 and y.is_contiguous(memory_format=torch.channels_last)
    slack = 1e-4 * np.abs(wanted).max()
    assert (np.abs(y.double().numpy() - wanted) <= HALF * np.abs(wanted) + slack).all()
    side = images(*y.shape, seed=5).bfloat16()
    wanted = np.maximum(wanted + side.double().numpy(), 0)
    assert kernel.add_to(side, x, own.padding, relu=True) is not None
    assert (np.abs(side.double().numpy() - wanted) <= HALF * np.abs(wanted) + slack).all()


def test_in_bfloat16_not_a_number_stays_so():
    weight = torch.zeros(16, 16, 3, 3)
    weight[:, 0, 1, 1] = 1
    kernel = WinogradConvolution(Convolution(weight.bfloat16()))
    x = torch.zeros(1, 16, 12, 4).bfloat16().contiguous(memory_format=torch.channels_last)
    x[0, 0, 0, 0], x[0, 0, 11, 3] = float("nan"), -3.0
    y = kernel(x, (1, 1))
    assert y[0, :, 0, 0].isnan().all()
    assert torch.allclose(y[0, :, 8:], x[0, :1, 8:], atol=1e-5)
    with pytest.raises(ValueError, match="x must be torch.bfloat16"):
        kernel(x.float(), (1, 1))


def test_tiles_that_multiply_bfloat16_are_faster_still(monkeypatch):
    own = convolution(256, 256)
    own = replace(own, weight=own.weight.bfloat16(), bias=own.bias.bfloat16())
    plain = Allowed(hidden_tiles=False)
    if not onednn.can_prepack(torch.bfloat16):
        pytest.skip("oneDNN has no convolutions in bfloat16 here")
    monkeypatch.setattr(dispatch, "has_tiles", lambda allowed: False)
    assert isinstance(dispatch.inference(own, plain), WinogradConvolution)
    monkeypatch.setattr(dispatch, "has_tiles", lambda allowed: True)
    assert isinstance(dispatch.inference(own, plain), onednn.PrepackedConvolution)


def test_where_the_weights_are_too_large_it_is_left_to_the_other_kernel():
    own = convolution(512, 512)
    assert not wins(own, 1, 3, 3)
    assert wins(own, 16, 7, 7)
    assert wins(own, 1, 28, 28)
    asked = []

    class Direct:
        def plain(self):
            return own.weight

        def __call__(self, x, padding):
            asked.append(tuple(x.shape))
            return x

    kernel = WinogradConvolution(own, Direct())
    kernel(images(1, 512, 3, 3), (1, 1))
    kernel(images(1, 512, 28, 28), (1, 1))
    assert asked == [(1, 512, 3, 3)]
    WinogradChain([kernel, kernel])(images(1, 512, 3, 3))
    assert asked == [(1, 512, 3, 3)] * 3


def test_policy_net_is_one_chain():
    module = build(policy_net(32), seed=0).eval()
    fast = prepare(module, allowed=ONE_BY_ONE)
    parts = [part for part in fast.children() if isinstance(part, PreparedChain)]
    assert len(parts) == 1
    assert isinstance(parts[0].kernel, WinogradChain)
    assert len(parts[0].kernel.kernels) == 12
    for number in (1, 3):
        x = images(number, 48, 19, 19)
        with torch.inference_mode():
            assert torch.allclose(fast(x), module(x), rtol=1e-4, atol=1e-5)


def test_shortcuts_and_pooling():
    same = {"kernel": 3, "padding": 1}
    net = Net("small", (32, 28, 28), (
        Conv("a", 32, activation="relu", **same),
        Residual("r", (Conv("b", 32, activation="relu", **same), Conv("c", 32, **same)), activation="relu"),
        MaxPool("pool", 2, stride=2),
        Conv("d", 48, activation="relu", **same),
    ))  # fmt: skip
    module = build(net, seed=0).eval()
    fast = prepare(module, allowed=ONE_BY_ONE)
    kinds = [type(part.kernel) for part in fast.modules() if isinstance(part, PreparedConv)]
    assert kinds == [WinogradConvolution] * 4
    assert any(isinstance(part, PreparedResidual) for part in fast.modules())
    x = images(2, 32, 28, 28)
    before = x.clone()
    with torch.inference_mode():
        assert torch.allclose(fast(x), module(x), rtol=1e-4, atol=1e-5)
    assert torch.equal(x, before)


NARROW = """
import numpy as np, torch
from casecnn import reference
from casecnn.kernels import winograd
from casecnn.kernels.convolution import Convolution
assert winograd.WIDTH == 8
generator = torch.Generator().manual_seed(0)
for window, channels, outputs, height, width in ((3, 40, 20, 19, 19), (5, 24, 33, 9, 6), (3, 13, 8, 2, 5)):
    weight, bias = torch.randn(outputs, channels, window, window, generator=generator), torch.randn(outputs)
    x = torch.randn(3, channels, height, width, generator=generator)
    y = winograd.WinogradConvolution(Convolution(weight, bias))(x, (2, 2)).numpy()
    expected = reference.conv2d(x.numpy(), weight.numpy(), bias.numpy(), padding=2)
    assert np.abs(y - expected).max() < 1e-5 * np.abs(expected).max()
print("right")
"""


@pytest.mark.slow
@pytest.mark.skipif(vector_width() == 8, reason="all tests here are of such vectors")
def test_a_cpu_with_avx2_alone():
    features = "+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+popcnt,+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+cx16"
    environment = {**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": features}
    done = subprocess.run([sys.executable, "-c", NARROW], env=environment, capture_output=True, text=True, timeout=600)
    assert done.stdout == "right\n", done.stderr
