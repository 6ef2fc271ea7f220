"""Training on AMX tiles against the float64 reference, on machines that have tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from casecnn import reference
from casecnn.kernels import amx as tiles
from casecnn.kernels.allowed import Allowed
from casecnn.layers import BatchNorm, Conv, Flatten, Linear, Net
from casecnn.torch_net.build import build

if not tiles.available():
    pytest.skip("this CPU, or its operating system, has no AMX tiles", allow_module_level=True)

from casecnn.kernels.amx_gradients import conv2d, fits, gradients

pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(*shape, seed=1, scale=1.0):
    """Numbers of bfloat16, which products in float32 keep exactly."""
    return (scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))).bfloat16()


WINDOWS = {  # pictures, channels, height, width, outputs, window, padding
    "3x3": (3, 64, 9, 11, 64, (3, 3), (1, 1)),
    "policy's first": (2, 48, 19, 19, 40, (5, 5), (2, 2)),
    "1x1": (40, 32, 3, 4, 32, (1, 1), (0, 0)),
    "more than one group, none full": (67, 33, 6, 5, 35, (3, 2), (0, 0)),
    "padding on one side only": (32, 20, 7, 9, 50, (1, 3), (0, 1)),
    "as much padding as fits": (5, 32, 4, 3, 32, (3, 3), (2, 2)),
    "the map is the window": (9, 32, 5, 4, 32, (5, 4), (0, 0)),
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    ("count", "channels", "height", "width", "outputs", "kernel", "padding"), WINDOWS.values(), ids=WINDOWS
)
def test_gradients_are_the_references(count, channels, height, width, outputs, kernel, padding, relu, threads):
    torch.set_num_threads(threads)
    x = drawn(count, channels, height, width).float().requires_grad_()
    weight = drawn(outputs, channels, *kernel, seed=2, scale=0.1).float().requires_grad_()
    bias = drawn(outputs, seed=3).float().requires_grad_()
    y = conv2d(x, weight, bias, padding, relu)
    values = [t.detach().double().numpy() for t in (x, weight, bias)]
    expected = reference.conv2d(*values, padding=padding)
    expected = np.maximum(expected, 0) if relu else expected
    assert y.dtype == torch.bfloat16
    assert np.allclose(y.detach().double().numpy(), expected, rtol=2**-8, atol=1e-4 * np.abs(expected).max())
    dy = drawn(*y.shape, seed=4)
    y.backward(dy)
    passed = (dy * (y > 0) if relu else dy).double().numpy()
    judged = reference.conv2d_backward(*values[:2], passed, padding=padding)
    assert all(t.grad.dtype == torch.float32 for t in (x, weight, bias))
    for grad, wanted, digits in zip((x.grad, weight.grad, bias.grad), judged, (2**-8, 1e-5, 1e-5), strict=True):
        assert np.allclose(grad.double().numpy(), wanted, rtol=digits, atol=1e-5 * np.abs(wanted).max())


def test_what_needs_no_gradient_gets_none():
    x, weight = drawn(2, 32, 5, 5), drawn(32, 32, 3, 3).float().requires_grad_()
    y = conv2d(x, weight, None, (1, 1))
    y.sum().backward()
    assert x.grad is None and weight.grad is not None
    x, weight = drawn(2, 32, 5, 5).requires_grad_(), drawn(32, 32, 3, 3)
    conv2d(x, weight, None, (1, 1)).sum().backward()
    assert x.grad.dtype == torch.bfloat16 and weight.grad is None


def test_the_sum_over_pictures_is_in_float32():
    """2,000 times one third would stop growing at 256 with the digits of bfloat16."""
    x, dy = torch.ones(2000, 1, 1, 1).bfloat16(), torch.full((2000, 1, 1, 1), 1 / 3).bfloat16()
    weight, bias = gradients(x, dy, (1, 1), (0, 0))
    assert weight.item() == pytest.approx(2000 * float(dy[0]), rel=1e-6)
    assert bias.item() == pytest.approx(2000 * float(dy[0]), rel=1e-6)


@pytest.mark.parametrize(
    ("layer", "padding", "count", "expected"),
    [
        (Conv("c", 32, 3, padding=1), (1, 1), 16, True),
        (Conv("c", 32, 1), (0, 0), 64, True),
        (Conv("c", 32, 3, padding=1), (1, 1), 15, False),  # a group is filled up to 32 pictures
        (Conv("c", 31, 3), (0, 0), 64, False),  # narrow
        (Conv("c", 32, 3, stride=2), (0, 0), 64, False),
        (Conv("c", 32, 3, groups=2), (0, 0), 64, False),
        (Conv("c", 32, 3, dilation=2), (0, 0), 64, False),
        (Conv("c", 32, 1, padding=1), (1, 1), 64, False),
    ],
)
def test_which_convolutions_go_there(layer, padding, count, expected):
    module = build(Net("one", (32, 9, 9), (layer,)), seed=0)
    assert fits(module.c.facts(), padding, count) is expected


NET = Net(
    "mixed",
    (4, 12, 12),
    (
        Conv("a", 32, 3, padding=1, activation="relu"),
        Conv("b", 32, 3, padding=1, bias=False),
        BatchNorm("n", activation="relu"),
        Conv("c", 40, 2, padding="same", activation="tanh"),
        Conv("d", 32, 3, stride=2, rounding="floor", activation="relu"),
        Conv("e", 8, 1),
        Flatten("f"),
        Linear("l", 5),
    ),
)


def built(hidden: bool, net: Net = NET) -> nn.Module:
    """The net's module, as on a machine that hides its tiles from oneDNN, or not."""
    module = build(net, seed=0)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            part.allowed = Allowed(hidden_tiles=hidden)
    return module


def test_autocast_takes_tiles_where_they_are_hidden(monkeypatch):
    """And float32 for the convolutions that do not fit; gradients are those of float32 but for rounding."""
    taken = []
    monkeypatch.setattr("casecnn.kernels.amx_gradients.conv2d", lambda *a: taken.append(a[1].shape) or conv2d(*a))
    x = torch.randn(32, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(32) % 5
    found = {}
    for hidden in (False, True):
        module = built(hidden)
        with torch.autocast("cpu", torch.bfloat16, enabled=hidden):
            loss = F.cross_entropy(module(x).float(), labels)
        loss.backward()
        found[hidden] = loss.item(), {name: p.grad for name, p in module.named_parameters()}
    assert [shape[:2] for shape in taken] == [(32, 4), (32, 32), (40, 32)]
    (exact, exact_grads), (rounded, rounded_grads) = found[False], found[True]
    assert rounded == pytest.approx(exact, rel=0.005)
    for name, grad in exact_grads.items():  # rounding shuts some ReLUs and opens others
        assert (rounded_grads[name] - grad).norm() < 0.2 * grad.norm() + 1e-6, name
    taken.clear()
    built(True)(x)  # no autocast
    with torch.autocast("cpu", torch.float16):
        built(True)(x)
    assert not taken


def test_a_net_learns_on_tiles():
    """Which of the four quarters is brighter, from noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (256,), generator=generator)
    x = torch.randn(256, 1, 8, 8, generator=generator)
    for i, quarter in enumerate(labels.tolist()):
        x[i, 0, quarter // 2 * 4 :, quarter % 2 * 4 :][:4, :4] += 1
    layers = (Conv("a", 32, 3, padding=1, activation="relu"), Conv("b", 32, 3, padding=1, activation="relu"))
    module = built(True, Net("n", (1, 8, 8), (*layers, Flatten("f"), Linear("l", 4))))
    optimizer = torch.optim.SGD(module.parameters(), 0.05, momentum=0.9)
    for _ in range(30):
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(module(x).float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.3
