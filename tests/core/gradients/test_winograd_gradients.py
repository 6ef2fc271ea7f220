"""Winograd's convolution in training, against gradients in float64."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from casecnn.gradients import winograd
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.convolution import Convolution
from casecnn.kernels.vectors import vector_width
from casecnn.layers import Conv, Net
from casecnn.torch_net.build import build

pytestmark = [
    pytest.mark.skipif(not vector_width(), reason="this CPU has no AVX2, or numba compiles for none that has"),
    pytest.mark.usefixtures("one_thread"),
]

CLOSE = 1e-5  # of the largest number


def tensors(channels, outputs, window, count=3, size=9):
    generator = torch.Generator().manual_seed(0)
    shapes = ((count, channels, size, size), (outputs, channels, window, window), (outputs,))
    return [torch.randn(*shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize(
    ("channels", "outputs", "window", "padding"),
    [(32, 48, 3, (1, 1)), (40, 17, 3, (0, 2)), (48, 32, 5, (2, 2)), (20, 33, 5, (4, 1))],
)
@pytest.mark.parametrize("biased", [True, False])
def test_all_gradients(channels, outputs, window, padding, biased):
    x, weight, bias = tensors(channels, outputs, window)
    given = [x, weight, *([bias] if biased else [])]
    own = [tensor.clone().requires_grad_() for tensor in given]
    exact = [tensor.double().requires_grad_() for tensor in given]
    y = winograd.conv2d(own[0], own[1], own[2] if biased else None, padding, relu=False)
    wanted = F.conv2d(exact[0], exact[1], exact[2] if biased else None, padding=padding)
    dy = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    y.backward(dy)
    wanted.backward(dy.double())
    for found, right in [(y, wanted), *((a.grad, b.grad) for a, b in zip(own, exact, strict=True))]:
        assert (found - right).abs().max() < CLOSE * right.abs().max()


def test_relu_lets_gradients_through_where_it_is_open():
    x, weight, bias = tensors(16, 16, 3)
    leaf = x.clone().requires_grad_()
    y = winograd.conv2d(leaf, weight, bias, (1, 1), relu=True)
    dy = torch.ones_like(y)
    y.backward(dy)
    turned = F.conv_transpose2d((y.detach() > 0).double(), weight.double(), padding=1)
    assert y.min() == 0 and (leaf.grad - turned).abs().max() < CLOSE * turned.abs().max()


def net():
    layers = (Conv("a", 32, 3, padding=1, activation="relu"), Conv("b", 32, 3, padding=1, activation="tanh"))
    return Net("n", (32, 20, 20), (*layers, Conv("c", 32, 3, padding=1)))


def used(module, x) -> int:
    """How many of its convolutions go by Winograd's algorithm in training."""
    names, ahead = [], [module(x).grad_fn]
    while ahead:
        node = ahead.pop()
        if node is not None:
            names.append(node.name())
            ahead += [before for before, _ in node.next_functions]
    return sum("_Convolve" in name for name in names)


def test_nets_use_it_for_large_batches_in_training_alone():
    module = build(net(), seed=0)
    large, one = torch.randn(80, 32, 20, 20), torch.randn(1, 32, 20, 20)
    assert (used(module, large), used(module, one)) == (2, 0)  # not for another activation than ReLU
    with torch.autocast("cpu", torch.bfloat16):
        assert used(module, large) == 0
    assert used(module.eval(), large) == 0
    module.train().b.allowed = Allowed(winograd=False)
    module.a.allowed = Allowed(winograd=False)
    assert used(module, large) == 1


def test_a_step_is_the_same_as_torchs():
    x = torch.randn(80, 32, 20, 20, generator=torch.Generator().manual_seed(2))
    grads = []
    for allowed in (Allowed(), Allowed(winograd=False)):
        module = build(net(), seed=0).to(memory_format=torch.channels_last)
        for part in module.children():
            part.allowed = allowed
        module(x).square().mean().backward()
        grads.append([parameter.grad for parameter in module.parameters()])
    for found, right in zip(*grads, strict=True):
        assert (found - right).norm() < 1e-3 * right.norm()  # a ReLU may open or shut where a sum is nearly 0


def test_what_does_not_fit():
    weight = torch.zeros(32, 32, 3, 3)
    x = torch.zeros(100, 32, 20, 20)
    assert winograd.fits(Convolution(weight), x, (1, 1))
    assert not winograd.fits(Convolution(weight), x[:10], (1, 1))
    assert not winograd.fits(Convolution(weight[:16]), x, (1, 1))
    assert not winograd.fits(Convolution(weight, stride=(2, 2)), x, (1, 1))
    assert not winograd.fits(Convolution(weight), x, (3, 0))
    assert not winograd.fits(Convolution(weight), x[:, :, :2, :2], (0, 0))
    assert not winograd.fits(Convolution(weight), x.double(), (1, 1))
