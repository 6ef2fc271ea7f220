"""Poolings and local response normalisation in one pass, against torch and the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from casecnn import reference
from casecnn.inference.maps import PreparedGlobalMean, PreparedNormalisation, PreparedPool
from casecnn.inference.prepare import prepare
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.vectors import vector_width
from casecnn.layers import Conv, GlobalMeanPool, LocalResponseNorm, MaxPool, MeanPool, Net, ShapeError
from casecnn.layers.shapes import Span
from casecnn.stretches import maps
from casecnn.torch_net.build import build

pytestmark = pytest.mark.skipif(not vector_width(), reason="this CPU has no AVX2, or numba compiles for none that has")

FORMATS = [torch.float32, torch.bfloat16]
SPECIAL = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-40, 3e38, -3e38]


def drawn(shape: tuple[int, ...], dtype: torch.dtype, seed: int = 0, special: float = 0.0) -> torch.Tensor:
    """Channels last; a part of the numbers are special ones, NaN of both signs among them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator)
    which = torch.randint(len(SPECIAL) + 1, shape, generator=generator)
    values = torch.tensor([*SPECIAL, 0.0])
    values[-1:].view(torch.int32)[0] = -0x400000  # NaN with a sign
    x = torch.where(torch.rand(shape, generator=generator) < special, values[which], x)
    return x.to(dtype).contiguous(memory_format=torch.channels_last)


def same(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    return torch.equal(found.isnan(), wanted.isnan()) and torch.equal(found.nan_to_num(7.0), wanted.nan_to_num(7.0))


@pytest.mark.parametrize("dtype", FORMATS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_largest_of_any_windows(dtype, data):
    draw = data.draw
    kernel, stride = (tuple(draw(st.integers(1, most)) for _ in range(2)) for most in (5, 3))
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    height, width = (draw(st.integers(max(1, k - 2 * p), 15)) for k, p in zip(kernel, padding, strict=True))
    shape = (draw(st.integers(1, 3)), draw(st.integers(32, 70)), height, width)
    x = drawn(shape, dtype, draw(st.integers(0, 99)), special=draw(st.sampled_from([0, 0.05, 0.5])))
    before = x.clone()
    wanted = F.max_pool2d(x, kernel, stride, padding)
    spans = [Span(n, p, p) for n, p in zip(wanted.shape[2:], padding, strict=True)]
    found = maps.pool(x, True, kernel, stride, *spans)
    assert found.dtype == dtype and found.is_contiguous(memory_format=torch.channels_last)
    assert same(found, wanted)
    assert same(x, before)


@pytest.mark.parametrize("dtype", FORMATS)
def test_an_inverted_sign_is_still_no_number(dtype):
    x = torch.full((1, 32, 1, 2), -1.0, dtype=dtype).contiguous(memory_format=torch.channels_last)
    x[0, :, 0, 0] = torch.tensor([0xFFC0 - 0x10000], dtype=torch.int16).view(torch.bfloat16).to(dtype)
    assert x[0, 0, 0, 0].isnan() and x[0, 0, 0, 0].signbit()
    assert maps.pool(x, True, (1, 2), (1, 1), Span(1, 0, 0), Span(1, 0, 0)).isnan().all()


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("shape", [(2, 64, 7, 9), (1, 33, 2, 1), (3, 2048, 7, 7)])
def test_means(dtype, shape):
    x, whole = drawn(shape, dtype), Span(1, 0, 0)
    found = maps.pool(x, False, shape[2:], (1, 1), whole, whole)
    wanted = x.double().mean((2, 3), keepdim=True)
    assert torch.allclose(found.double(), wanted, rtol=2**-8 if dtype == torch.bfloat16 else 1e-5, atol=1e-6)
    edges = maps.pool(x, False, (2, 2), (1, 1), Span(shape[2] + 1, 1, 1), Span(shape[3] + 1, 1, 1))
    assert torch.equal(edges[:, :, 0, 0], x[:, :, 0, 0]), "padding counts for nothing"


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("channels", [32, 33, 50, 192])
@pytest.mark.parametrize("n", [1, 3, 5, 9])
def test_normalisation(dtype, channels, n):
    x = drawn((2, channels, 5, 6), dtype)
    found = maps.normalise(x, n // 2, 0.3, 1.5)
    wanted = reference.local_response_norm(x.float().numpy(), n=n, k=1.5, alpha=0.3, beta=0.75)
    close = 2**-8 if dtype == torch.bfloat16 else 1e-6
    assert (np.abs(found.double().numpy() - wanted) <= close * np.abs(wanted) + 1e-7).all()


def test_which_maps_fit():
    assert maps.fits(drawn((1, 32, 3, 3), torch.bfloat16))
    assert not maps.fits(drawn((1, 3, 3, 3), torch.float32)), "channels that fill no vector"
    assert not maps.fits(drawn((1, 31, 3, 3), torch.bfloat16))
    assert not maps.fits(drawn((1, 64, 3, 3), torch.float64))
    assert not maps.fits(drawn((0, 64, 3, 3), torch.float32))
    assert not maps.fits(torch.zeros(1, 64))


NET = Net("n", (32, 14, 15), (
    Conv("a", 40, 3, padding=1, activation="relu"),
    LocalResponseNorm("norm"),
    MaxPool("largest", 3, 2, rounding="ceil"),
    MeanPool("mean", 2, 1, rounding="floor"),
    MeanPool("counted", 3, 1, 1, count_padding=True),
    MeanPool("uncounted", 3, 2, 1, rounding="ceil"),
    LocalResponseNorm("other", beta=0.5),
    GlobalMeanPool("whole"),
))  # fmt: skip


@pytest.mark.parametrize("dtype", FORMATS)
def test_in_a_net(dtype, monkeypatch):
    monkeypatch.setattr("casecnn.inference.prepare.join", lambda module, allowed: module)  # else it is one stretch
    module = build(NET, seed=0).eval()
    fast, plain = prepare(module, dtype), prepare(module, dtype, allowed=Allowed(stretches=False))
    kinds = [type(part) for part in fast.children()][1:]
    assert kinds == [
        PreparedNormalisation, PreparedPool, PreparedPool, PreparedPool, PreparedPool, PreparedNormalisation,
        PreparedGlobalMean,
    ]  # fmt: skip
    with torch.inference_mode():
        for size in ((14, 15), (9, 30)):
            x = drawn((3, 32, *size), dtype)
            found, wanted = fast(x), plain(x)
            assert found.shape == wanted.shape and found.dtype == dtype
            assert torch.allclose(found, wanted, rtol=0.03, atol=0.02 if dtype == torch.bfloat16 else 1e-5)
        with pytest.raises(ShapeError):
            fast(drawn((1, 32, 2, 2), dtype))
