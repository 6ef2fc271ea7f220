"""Convolutions on AMX tiles against the float64 reference, on machines that have tiles."""

from __future__ import annotations

import multiprocessing

import numba
import numpy as np
import pytest
import torch

from casecnn import reference
from casecnn.inference.prepare import PreparedChain, PreparedConv, PreparedResidual, pack, prepare
from casecnn.kernels import amx as tiles
from casecnn.kernels.allowed import Allowed
from casecnn.layers import BatchNorm, Conv, Flatten, Linear, MaxPool, Net, Residual
from casecnn.torch_net.build import build
from casecnn.torch_net.padding import padded

needs_tiles = pytest.mark.skipif(not tiles.available(), reason="this CPU, or its operating system, has no AMX tiles")

HIDDEN = Allowed(hidden_tiles=True)

pytestmark = pytest.mark.usefixtures("one_thread")


def convolution(shape, *arguments, seed=0, **fields):
    """A built convolution in bfloat16 with a bias that counts, and the same on tiles."""
    from casecnn.kernels.amx_convolution import TileConvolution, fits

    if "padding" not in fields or fields["padding"] != "same":
        fields = {"rounding": "floor", **fields}
    module = build(Net("one", shape, (Conv("c", *arguments, **fields),)), seed=seed).bfloat16()
    with torch.no_grad():
        if module.c.bias is not None:
            module.c.bias.normal_(generator=torch.Generator().manual_seed(seed))
    assert fits(module.c.facts())
    return module.c, PreparedConv(module.c, TileConvolution(module.c.facts()))


def numbers(*shape, seed=1):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).bfloat16()
    return x.contiguous(memory_format=torch.channels_last)


def judged(conv, x, side=None):
    """The same in float64: its weights and input have few digits, so products are exact there, too."""
    rows, columns = conv.layer.spans(*x.shape[2:])
    wide = padded(x, rows, columns)
    weight, stride = conv.weight.detach().double().numpy(), conv.layer.stride
    y = reference.conv2d(wide.double().numpy(), weight, stride=stride, rounding="floor")
    if conv.bias is not None:
        y = y + conv.bias.detach().double().numpy()[:, None, None]
    return y if side is None else y + side.double().numpy()


def close(found, expected):
    """Equal but for one rounding to 8 digits, and for what sums in float32 lose."""
    return np.allclose(found.double().numpy(), expected, rtol=2**-8, atol=1e-4 * np.abs(expected).max())


WINDOWS = {
    "3x3": ((64, 9, 11), (64, 3), {"padding": 1}),
    "policy's first": ((48, 19, 19), (40, 5), {"padding": 2}),  # window's columns side by side
    "stem": ((3, 33, 29), (64, 7), {"padding": 3, "stride": 2}),
    "3x3, stride 2": ((64, 14, 13), (96, 3), {"padding": 1, "stride": 2}),
    "1x1": ((96, 7, 9), (70, 1), {}),
    "1x1, stride 2": ((32, 8, 9), (33, 1), {"stride": 2}),
    "1x1, channels not a multiple of 32": ((40, 6, 6), (16, 1), {}),
    "1x1, padded": ((32, 6, 6), (16, 1), {"padding": 1}),
    "one pixel, one output": ((64, 1, 1), (1, 1), {}),
    "oblong": ((20, 7, 9), (50, (1, 3)), {"padding": (0, 1), "stride": (2, 1)}),
    "high": ((33, 12, 5), (17, (5, 2)), {"stride": (3, 2)}),
    "stride beyond the window": ((32, 13, 13), (32, 2), {"stride": 3}),
    "same": ((32, 8, 8), (32, 2), {"padding": "same"}),  # more after than before
    "overhang": ((32, 8, 8), (32, 3), {"stride": 2, "rounding": "ceil"}),
    "more than the cache holds": ((256, 34, 34), (32, 3), {}),
}


@needs_tiles
@pytest.mark.parametrize(("shape", "arguments", "fields"), WINDOWS.values(), ids=WINDOWS)
def test_a_convolution_is_the_references(shape, arguments, fields):
    conv, fast = convolution(shape, *arguments, **fields)
    x = numbers(2, *shape)
    expected, before = judged(conv, x), x.clone()
    found = fast(x)
    assert found.dtype == torch.bfloat16 and found.is_contiguous(memory_format=torch.channels_last)
    assert close(found, expected) and torch.equal(x, before)
    side = numbers(*expected.shape, seed=2)
    expected = np.maximum(judged(conv, x, side), 0)
    total = fast.add_to(side, x, relu=True)
    assert close(total, expected) and torch.equal(total, side)  # in its place


@needs_tiles
def test_a_picture_does_not_feel_its_companions_or_the_number_of_threads():
    for name in ("3x3", "1x1", "stem"):
        shape, arguments, fields = WINDOWS[name]
        _, fast = convolution(shape, *arguments, **fields)
        x = numbers(5, *shape)
        together = fast(x)
        alone = torch.cat([fast(x[i : i + 1]) for i in range(5)])
        assert torch.equal(together, alone), name
        for threads in (2, 3, 7):
            torch.set_num_threads(threads)
            assert torch.equal(fast(x), together) and torch.equal(fast(x[:1]), together[:1]), (name, threads)
        torch.set_num_threads(1)


@needs_tiles
def test_relu_bias_memory_format_and_an_empty_batch():
    conv, fast = convolution((32, 5, 6), 20, 3, activation="relu", bias=False)
    x = numbers(3, 32, 5, 6)
    assert close(fast(x), np.maximum(judged(conv, x), 0))
    assert torch.equal(fast(x.contiguous()), fast(x))
    assert fast(x[:0]).shape == (0, 20, 3, 4)
    for shape, kernel in (((32, 5, 6), 1), ((32, 5, 6), 3)):
        assert convolution(shape, 20, kernel)[1](x[:0]).shape[0] == 0


@needs_tiles
@pytest.mark.parametrize("relu", [False, True])
def test_numbers_that_are_none_stay_where_they_are(relu):
    _, fast = convolution((32, 6, 7), 32, 3, padding=1, activation="relu" if relu else None)
    x = numbers(2, 32, 6, 7)
    expected = fast(x).clone()
    x[0, 5, 2, 3] = float("nan")
    found = fast(x)
    assert found[0, :, 1:4, 2:5].isnan().all()
    found[0, :, 1:4, 2:5] = expected[0, :, 1:4, 2:5]
    assert torch.equal(found, expected)
    x[0, 5, 2, 3] = float("inf")
    assert fast(x)[0, :, 2, 3].isinf().any()


@needs_tiles
def test_rounding_is_to_the_nearest_and_to_even_in_the_middle():
    _, fast = convolution((32, 1, 1), 32, 1, bias=False)
    weight = torch.zeros(32, 32, 1, 1)
    weight[:, 0], weight[:, 1] = 1, 2.0**-8
    fast.kernel = type(fast.kernel)(_with(weight).facts())
    x = torch.zeros(32, 32, 1, 1).bfloat16()
    x[:, 0, 0, 0] = 1 + torch.arange(32) / 128  # all the digits that there are
    x[:, 1] = 1  # and half a digit
    expected = torch.round((1 + torch.arange(32, dtype=torch.float64) / 128 + 2.0**-8) * 128) / 128
    assert torch.equal(fast(x)[:, 0, 0, 0].double(), expected)


def _with(weight):
    module = build(Net("one", (32, 1, 1), (Conv("c", 32, 1, bias=False),)), seed=0).bfloat16()
    module.c.weight.data.copy_(weight)
    return module.c


NET = Net(
    "residual", (3, 20, 20),
    (Conv("c", 32, 3, padding=1, bias=False), BatchNorm("n", activation="relu"), MaxPool("pool", 2, stride=2),
     Residual("r", (Conv("a", 48, 3, padding=1, stride=2, bias=False, rounding="floor"), BatchNorm("m")), "B"),
     Residual("s", (Conv("a", 48, 1, activation="relu"), Conv("b", 48, 3, padding=1)), "A"),
     Conv("grouped", 48, 3, groups=2), Conv("tanh", 20, 1, activation="tanh"), Flatten("f"), Linear("l", 5)),
)  # fmt: skip


def kernels(module):
    """The class of each convolution's kernel."""
    return [type(part.kernel).__name__ for part in module.modules() if isinstance(part, PreparedConv)]


def test_which_convolutions_go_to_tiles_needs_none():
    """Laying out weights is torch's own work; only running them takes tiles."""
    everywhere = Allowed(hidden_tiles=True, tiles=True, stretches=False)
    fast = prepare(build(NET, seed=0), torch.bfloat16, allowed=everywhere)
    assert kernels(fast).count("TileConvolution") == 5
    like = [Conv(f"c{i}", 32, 3, padding=1, activation="relu" if i != 2 else None) for i in range(1, 5)]
    chained = prepare(
        build(Net("chain", (32, 9, 11), (*like, Conv("d", 64, 3))), seed=0), torch.bfloat16, None, everywhere
    )
    assert [type(part) for part in chained.children()][::4] == [PreparedChain, PreparedConv]
    for other in (Allowed(hidden_tiles=True, tiles=False), Allowed(hidden_tiles=False, tiles=True)):
        assert "TileConvolution" not in kernels(prepare(build(NET, seed=0), torch.bfloat16, allowed=other))


@needs_tiles
def test_a_net_in_bfloat16_takes_tiles_where_torch_cannot():
    module = build(NET, seed=0).eval()
    x = torch.randn(4, 3, 20, 20)
    with torch.inference_mode():
        expected = module(x)
    fast = prepare(module, torch.bfloat16, allowed=HIDDEN)
    residuals = [part for part in fast.modules() if isinstance(part, PreparedResidual)]
    assert kernels(fast).count("TileConvolution") == 5 and len(residuals) == 2  # not the grouped one, nor tanh
    with torch.inference_mode():
        found, again = fast(x.bfloat16()).float(), fast(x.bfloat16()).float()
    assert torch.equal(found, again) and (found - expected).abs().max() < 0.03 * expected.abs().max()
    assert "TileConvolution" not in kernels(prepare(module, torch.bfloat16, allowed=Allowed(hidden_tiles=False)))
    assert "TileConvolution" not in kernels(prepare(module, allowed=HIDDEN))  # float32


@needs_tiles
def test_a_forked_process_has_threads_of_its_own():
    torch.set_num_threads(2)
    _, fast = convolution((32, 6, 6), 64, 3)
    x = numbers(4, 32, 6, 6)
    expected = fast(x)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert np.array_equal(pool.apply_async(_sums, (fast, x)).get(60), expected.float().sum((1, 2, 3)).numpy())


def _sums(fast, x):
    return fast(x).float().sum((1, 2, 3)).numpy()


@pytest.mark.parametrize(
    "refusal",
    [
        lambda patch: patch.setattr(tiles.sys, "platform", "darwin"),
        lambda patch: patch.setattr(tiles.platform, "machine", lambda: "aarch64"),
        lambda patch: patch.setattr(numba.config, "CPU_NAME", "generic"),
        lambda patch: patch.setattr(tiles.llvmlite.binding, "get_host_cpu_features", lambda: {"amx-tile": True}),
        lambda patch: patch.setattr(tiles.ctypes, "CDLL", lambda name: type("C", (), {"syscall": lambda *_: -1})),
    ],
)
def test_tiles_are_there_only_if_all_say_so(monkeypatch, refusal):
    refusal(monkeypatch)
    assert tiles.available.__wrapped__() is False


def chained(*layers, shape=(32, 9, 11), seed=0):
    """A net in bfloat16 with biases that count, and the same packed."""
    modules = [build(Net("net", shape, layers), seed=seed).bfloat16() for _ in range(2)]
    for module in modules:
        for part in module.modules():
            if getattr(part, "bias", None) is not None:
                with torch.no_grad():
                    part.bias.normal_(generator=torch.Generator().manual_seed(seed))
    return modules[0], pack(modules[1], HIDDEN)


@needs_tiles
def test_a_chain_gives_the_same_numbers(monkeypatch):
    from casecnn.kernels.amx_convolution import TileConvolution

    like = [Conv(f"c{i}", 32, 3, padding=1, activation="relu" if i != 2 else None) for i in range(1, 5)]
    first, last = Conv("first", 32, 5, padding=2), Conv("last", 32, 3, padding=1, stride=2, rounding="floor")
    plain, fast = chained(first, *like, last, Flatten("flat"))
    kinds = [type(part) for part in fast.children()]
    assert kinds[:2] == [PreparedConv, PreparedChain] and kinds[5] is PreparedConv
    assert [name for name, _ in fast.named_children()] == [name for name, _ in plain.named_children()]
    x = numbers(5, 32, 9, 11)
    one_at_a_time = x
    for part in plain.children():
        if isinstance(part, torch.nn.Conv2d):
            one_at_a_time = PreparedConv(part, TileConvolution(part.facts()))(one_at_a_time)
    together = fast(x)
    assert torch.equal(together, one_at_a_time.flatten(1))
    assert torch.equal(torch.cat([fast(x[i : i + 1]) for i in range(5)]), together)
    for threads in (2, 7):
        torch.set_num_threads(threads)
        assert torch.equal(fast(x), together), threads
    assert fast(x[:0]).shape == (0, together.shape[1])
    torch.set_num_threads(1)
    monkeypatch.setattr("casecnn.kernels.amx_chain.CACHED", 1)  # too large for the cache: one layer at a time
    assert torch.equal(fast(x), together)


@needs_tiles
@pytest.mark.parametrize(
    "second",
    [
        Conv("b", 64, 3, padding=1),
        Conv("b", 32, 1),
        Conv("b", 32, 3, padding=0),
        Conv("b", 32, 3, padding="same"),
        Conv("b", 32, 3, padding=((1, 1), (2, 0))),
        Conv("b", 32, (3, 1), padding=(1, 0)),
        Conv("b", 32, 3, padding=1, activation="tanh"),
    ],
    ids=["outputs", "kernel", "padding", "same", "uneven", "oblong", "activation"],
)
def test_what_is_no_chain(second):
    plain, fast = chained(Conv("a", 32, 3, padding=1), second)
    assert not [part for part in fast.modules() if isinstance(part, PreparedChain)]
    x = numbers(2, 32, 9, 11)
    with torch.no_grad():
        expected, found = plain.double()(x.double()), fast(x).double()
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()  # rounded between the layers
