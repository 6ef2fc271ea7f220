"""Packed convolutions: the same answers as the plain modules, and nothing overwritten that is still needed."""

from __future__ import annotations

import pytest
import torch

from casecnn.inference.prepare import PreparedConv, PreparedResidual, pack, prepare
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.onednn import can_prepack
from casecnn.layers import BatchNorm, Branches, Conv, Dropout, Flatten, Linear, Net, Repeat, Residual
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build, fuse

if not can_prepack(torch.float32):
    pytest.skip("this torch or CPU has no packed convolutions", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("one_thread")

ONE_BY_ONE = Allowed(stretches=False)


def both(net: Net, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.nn.Module]:
    """What the plain fused module and the packed one make of the same input, which must stay as it was."""
    module = build(net, seed=0).eval()
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    x = torch.randn(batch, *net.input).contiguous(memory_format=torch.channels_last)
    before = x.clone()
    fast = prepare(module, allowed=ONE_BY_ONE)
    with torch.inference_mode():
        expected, found, again = module(x), fast(x), fast(x)
    assert torch.equal(x, before) and torch.equal(found, again)
    return expected, found, fast


def count(module: torch.nn.Module, kind: type) -> int:
    return sum(isinstance(part, kind) for part in module.modules())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "convolutions", "residuals"),
    [
        ("lenet5", 32, 3, 0),
        ("lenet5-tanh", 32, 3, 0),
        ("lenet5-1998", 32, 2, 0),  # the table's convolution stays, scaled tanh is not one of oneDNN's
        ("googlenet", 128, 57, 0),
        ("resnet18-c", 32, 25, 8),
        ("resnet20", 32, 19, 9),
        ("resnet50-v1.5", 32, 53, 16),
        ("plain20", 32, 19, 0),
    ],
)
def test_a_packed_net_says_what_the_plain_one_does(name, size, convolutions, residuals):
    expected, found, fast = both(get_net(name, size=size).without_heads())
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    if name != "lenet5-1998":
        assert (count(fast, PreparedConv), count(fast, PreparedResidual)) == (convolutions, residuals)


def block(*layers, name="block", shortcut="B", **fields) -> Residual:
    return Residual(name, layers or (Conv("a", 4, 3, padding=1, bias=False), BatchNorm("n")), shortcut, **fields)


END = (Flatten("flatten"), Linear("out", 3))


@pytest.mark.parametrize(
    "layers",
    [
        (block(),),  # the net's own input is the shortcut
        (Dropout("drop"), block(), Conv("c", 2, 1, padding=1)),  # dropout rests and hands its input on
        (Conv("c", 4, 3), Branches("b", ((block(),), (Conv("d", 5, 1),), (block(name="f"), Conv("e", 2, 1))))),
        (Conv("c", 4, 3), Repeat("r", 3, layers=(block(activation=None),), first=(block(),))),
        (Conv("c", 3, 3), block(Conv("a", 6, 3, stride=2, padding=1, rounding="floor"), shortcut="A")),
        (Conv("c", 4, 3, groups=2, activation="relu"), block(Conv("a", 4, 3, padding=1, dilation=1, groups=4))),
        (Conv("c", 4, 3), block(Conv("a", 4, 3, padding=1, activation="relu"))),  # ReLU before the sum
        (Conv("c", 4, 3), block(Conv("a", 4, 3, padding=1), activation="tanh")),
        (Conv("c", 4, 3), block(block(name="e"), Conv("d", 4, 1))),  # a block in a block
        (Conv("c", 4, (3, 2), stride=(2, 1), padding="same", activation="sigmoid"), block()),
    ],
)  # fmt: skip
def test_nothing_is_overwritten_that_is_still_needed(layers):
    layers = tuple(layers)
    expected, found, _ = both(Net("made up", (4, 9, 8), (*layers, *END)), batch=3)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_as_exact_as_its_digits_allow():
    if not can_prepack(torch.bfloat16):
        pytest.skip("this CPU has no packed convolutions in bfloat16")
    module = build(get_net("resnet20"), seed=0).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        found = prepare(module, torch.bfloat16, allowed=ONE_BY_ONE)(x.bfloat16()).float()
        expected = module(x)
    assert found.dtype == torch.float32 and (found - expected).abs().max() < 0.05 * expected.abs().max()


def test_without_the_operators_nothing_changes():
    module = fuse(build(get_net("lenet5"), seed=0))
    assert pack(module, Allowed(prepacked=False, stretches=False)) is module and count(module, PreparedConv) == 0
