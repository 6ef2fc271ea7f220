"""From a declaration to a torch module: keys, values by hand, initialisation, fusing, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from declared_nets import SMALL, kim, policy
from torch.nn import functional as F

from casecnn.errors import InputError
from casecnn.layers import (
    BatchNorm,
    Branches,
    Conv,
    Flatten,
    Linear,
    LocalResponseNorm,
    MaxOverTime,
    MaxPool,
    MeanPool,
    Net,
    PositionBias,
    ReLU,
    Residual,
    ShapeError,
    Softmax,
)
from casecnn.torch_net.build import build, fuse

pytestmark = pytest.mark.usefixtures("one_thread")


def run(layer, x, **parameters):
    """One layer on a batch of one, [C, H, W] or [n], with these parameters."""
    module = build(Net("n", tuple(x.shape), (layer,)), logits=False).eval()
    with torch.no_grad():
        for name, value in parameters.items():
            module.get_parameter(name.replace("__", ".")).copy_(torch.as_tensor(value))
        return module(x[None])[0]


def test_the_policy_nets_keys_are_its_layers_names():
    module = build(policy())
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert list(shapes)[:2] == ["conv1.weight", "conv1.bias"]
    assert shapes["conv1.weight"] == (192, 48, 5, 5)
    assert shapes["conv12.bias"] == (192,)
    assert shapes["conv13.weight"] == (1, 192, 1, 1)
    assert list(shapes)[-1] == "position.bias"
    assert shapes["position.bias"] == (1, 19, 19)
    assert len(shapes) == 2 * 12 + 2
    assert sum(p.numel() for p in module.parameters()) == 3_882_793


def test_keys_inside_composites_are_dotted():
    keys = set(build(SMALL["resnet34-B"]).state_dict())
    assert {"conv3.1.block.body.conv1.weight", "conv3.1.block.shortcut.conv.weight"} <= keys
    assert {"conv3.1.block.shortcut.norm.running_mean", "conv2.3.block.body.norm2.bias"} <= keys
    assert "3a.conv3x3.weight" in build(SMALL["googlenet"]).state_dict()
    assert "widths.conv4.bias" in build(SMALL["kim"]).state_dict()


def test_tensorflows_same_and_valid_on_width_13():
    x = torch.arange(1.0, 14.0).view(1, 1, 13)
    for padding, sums in (
        ("valid", [21, 51]),
        ("same", [1 + 2 + 3 + 4 + 5, 5 + 6 + 7 + 8 + 9 + 10, 10 + 11 + 12 + 13]),
    ):
        conv = Conv("conv", 1, kernel=(1, 6), stride=(1, 5), padding=padding, bias=False)
        assert run(conv, x, conv__weight=torch.ones(1, 1, 1, 6)).flatten().tolist() == sums


def test_padding_may_differ_on_all_four_sides():
    x = torch.arange(1.0, 5.0).view(1, 2, 2)
    conv = Conv("conv", 1, kernel=1, padding=((1, 0), (0, 2)), bias=False)
    assert run(conv, x, conv__weight=[[[[1.0]]]]).tolist() == [[[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]]


def test_local_response_norm_is_the_papers():
    a = torch.tensor([3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).view(6, 1, 1)
    got = run(LocalResponseNorm("norm"), a).flatten()
    assert got[0] == pytest.approx(3 / (2 + 1e-4 * (9 + 16 + 25)) ** 0.75)  # channels 0, 1, 2
    assert got[3] == pytest.approx(6 / (2 + 1e-4 * (16 + 25 + 36 + 49 + 64)) ** 0.75)  # channels 1 to 5
    strong = run(LocalResponseNorm("norm", n=3, k=1.0, alpha=0.5, beta=1.0), a).flatten()
    assert strong[5] == pytest.approx(8 / (1 + 0.5 * (49 + 64)))


def test_shortcut_a_subsamples_and_pads_with_zero_channels():
    x = torch.arange(16.0).view(1, 4, 4)
    block = Residual("block", (Conv("conv", 3, 2, stride=2),), "A", activation=None)
    y = run(block, x, block__body__conv__weight=torch.zeros(3, 1, 2, 2), block__body__conv__bias=torch.zeros(3))
    assert y.tolist() == [[[0, 2], [8, 10]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]


def test_a_residual_block_with_zero_weights_is_the_identity_after_relu():
    body = (Conv("conv1", 4, 3, padding=1, activation="relu"), Conv("conv2", 4, 3, padding=1))
    deep = Net("deep", (4, 5, 5), tuple(Residual(f"block{i}", body) for i in range(8)))
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(build(deep, init="zeros")(x), x.relu())


def test_position_bias_adds_its_own_number_at_each_point():
    bias = torch.arange(8.0).view(2, 2, 2)
    assert torch.equal(run(PositionBias("bias"), torch.ones(2, 2, 2), bias__bias=bias), bias + 1)


def test_max_over_time_takes_the_largest_of_each_map():
    x = torch.tensor([[1.0, 7.0, 3.0], [-4.0, -5.0, -6.0]]).view(2, 3, 1)
    assert run(MaxOverTime("max"), x).tolist() == [7, -4]


def test_padding_never_wins_a_max_nor_counts_in_a_mean():
    x = -torch.ones(1, 3, 3)
    assert torch.equal(run(MaxPool("pool", 3, stride=1, padding=((2, 0), (0, 2))), x), -torch.ones(1, 3, 3))
    assert torch.equal(run(MeanPool("pool", 3, stride=1, padding=1), x), -torch.ones(1, 3, 3))
    counted = run(MeanPool("pool", 3, stride=1, padding=1, count_padding=True), x)
    assert torch.allclose(counted, F.avg_pool2d(x, 3, 1, 1))
    assert counted[0, 0, 0] == pytest.approx(-4 / 9)


@pytest.mark.parametrize("size", range(3, 12))
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 0), (3, 2, 1), (2, 3, 1), (3, 3, 1), (2, 2, 1)])
def test_ceil_pools_are_torchs(size, kernel, stride, padding):
    x = torch.randn(2, size, size + 1, generator=torch.Generator().manual_seed(size))
    largest = run(MaxPool("p", kernel, stride, padding, "ceil"), x)
    assert torch.equal(largest, F.max_pool2d(x, kernel, stride, padding, ceil_mode=True))
    mean = run(MeanPool("p", kernel, stride, padding, "ceil"), x)
    assert torch.allclose(mean, F.avg_pool2d(x, kernel, stride, padding, ceil_mode=True, count_include_pad=False))
    mean = run(MeanPool("p", kernel, stride, padding, "ceil", count_padding=True), x)
    assert torch.allclose(mean, F.avg_pool2d(x, kernel, stride, padding, ceil_mode=True))


def test_softmax_is_left_out_for_training_and_kept_on_request():
    net = policy(4, layers=3, size=5)
    x = torch.rand(2, 48, 5, 5)
    logits, whole = build(net, seed=1), build(net, seed=1, logits=False)
    assert torch.allclose(F.softmax(logits(x), 1), whole(x))
    assert whole(x).sum(1).tolist() == pytest.approx([1, 1])
    assert logits.state_dict().keys() == whole.state_dict().keys()


def test_softmax_on_maps_is_over_channels():
    assert torch.allclose(run(Softmax("s"), torch.randn(3, 4, 5)).sum(0), torch.ones(4, 5))


def test_the_input_is_not_overwritten():
    x = -torch.ones(1, 2, 4, 4)
    build(Net("n", (2, 4, 4), (Residual("r", (ReLU("relu"), Conv("conv", 2, 1))), ReLU("relu"))))(x)
    build(Net("n", (2, 4, 4), (ReLU("relu"), Conv("conv", 2, 1, activation="relu"))))(x)
    assert torch.equal(x, -torch.ones(1, 2, 4, 4))


WIDE = Net("wide", (64, 8, 8), (Conv("conv", 256, 5, groups=2), Flatten("flatten"), Linear("fc", 50)))


@pytest.mark.parametrize(
    ("init", "conv", "fc"),
    [
        ("he", math.sqrt(2 / (32 * 25)), math.sqrt(2 / 4096)),
        ("xavier", math.sqrt(2 / (32 * 25 + 128 * 25)), math.sqrt(2 / (4096 + 50))),
        ("normal(0.01)", 0.01, 0.01),
        ("uniform(0.3)", 0.3 / math.sqrt(3), 0.3 / math.sqrt(3)),
        ("zeros", 0, 0),
    ],
)
def test_initial_weights_have_the_spread_they_should(init, conv, fc):
    module = build(WIDE, init=init, seed=3)
    for name, spread in (("conv", conv), ("fc", fc)):
        weight = module.get_parameter(f"{name}.weight")
        assert weight.std().item() == pytest.approx(spread, rel=0.02)
        assert abs(weight.mean().item()) <= 0.01 * spread + 1e-12
        assert not module.get_parameter(f"{name}.bias").any()
    if init.startswith(("xavier", "uniform")):
        assert module.get_parameter("fc.weight").abs().max().item() == pytest.approx(fc * math.sqrt(3), rel=1e-3)


def test_the_same_seed_gives_the_same_weights():
    def weights(seed):
        return build(WIDE, seed=seed).get_parameter("conv.weight")

    assert torch.equal(weights(5), weights(5))
    assert not torch.equal(weights(5), weights(6))
    assert torch.equal(weights(5), weights(torch.Generator().manual_seed(5)))
    before = torch.get_rng_state()
    weights(5)
    assert torch.equal(torch.get_rng_state(), before)  # a seed leaves torch's own generator alone
    torch.manual_seed(5)
    assert torch.equal(weights(None), weights(5))
    torch.set_rng_state(before)


@pytest.mark.parametrize("init", ["kaiming", "normal", "normal()", "normal(x)", "uniform(1-2)", "he(2)", "HE"])
def test_an_unknown_init_is_refused(init):
    with pytest.raises(InputError) as error:
        build(WIDE, init=init)
    rule = 'must be "he", "xavier", "lecun", "normal(STD)", "uniform(A)" or "zeros"'
    assert str(error.value) == f'init (="{init}") {rule}'


def settle(module, seed=0):
    """Give BatchNorms running averages, scales and shifts that matter."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.uniform_(0.5 if name.endswith(("var", "weight")) else -0.5, 1.5, generator=generator)
    return module.eval()


@pytest.mark.parametrize("net", [net for net in SMALL.values() if "norm" in str(net.layers)], ids=lambda net: net.name)
def test_fusing_changes_nothing_but_the_batch_norms(net):
    module = settle(build(net, seed=1))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    x = torch.randn(3, *net.input, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        want, got = module(x), fuse(module)(x)
    assert torch.allclose(got, want, atol=1e-5 * max(1.0, want.abs().max().item()))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_fusing_folds_every_batch_norm_that_follows_a_convolution():
    for name in ("resnet18-A", "resnet50-C", "resnet8-cifar"):
        fused = fuse(build(SMALL[name]))
        assert not [key for key in fused.state_dict() if "norm" in key]
        assert "conv1.bias" in fused.state_dict()
        assert not fused.training
        assert build(SMALL[name], fused=True).state_dict().keys() == fused.state_dict().keys()


def test_a_batch_norm_that_cannot_be_folded_stays():
    layers = (BatchNorm("first"), Conv("conv", 2, 1, activation="relu"), BatchNorm("after_relu"), ReLU("relu"))
    fused = fuse(build(Net("n", (2, 3, 3), (*layers, BatchNorm("after_pool")))))
    assert {name.split(".")[0] for name in fused.state_dict()} == {"first", "conv", "after_relu", "after_pool"}


def test_batch_norms_in_branches_are_folded():
    branches = (
        (Conv("a", 2, 1), BatchNorm("norm_a", activation="relu")),
        (Conv("b", 2, 3, padding=1), BatchNorm("norm_b")),
    )
    module = settle(build(Net("n", (2, 4, 4), (Branches("split", branches),)), seed=4))
    fused = fuse(module)
    assert set(fused.state_dict()) == {"split.a.weight", "split.a.bias", "split.b.weight", "split.b.bias"}
    x = torch.randn(2, 2, 4, 4)
    assert torch.allclose(fused(x), module(x), atol=1e-5)


def test_longer_sentences_than_declared_go_through():
    net = kim(channels=2, maps=3, dimensions=4, length=7)
    assert build(net)(torch.randn(2, 2, 31, 4)).shape == (2, 2)
    assert build(net)(torch.randn(2, 2, 5, 4)).shape == (2, 2)
    with pytest.raises(ShapeError, match=r"height \(4-5\)/1\+1 = 0"):
        build(net)(torch.randn(2, 2, 4, 4))


def test_inputs_that_do_not_fit_are_refused_in_one_line():
    module = build(policy(4, layers=3, size=9))
    with pytest.raises(InputError, match="net `policy` takes a batch of 48x9x9, got 47x9x9 .batch axis left out."):
        module(torch.zeros(1, 47, 9, 9))
    with pytest.raises(InputError, match="net `policy` takes a batch of 48x9x9, got 9x9"):
        module(torch.zeros(48, 9, 9))
    with pytest.raises(InputError, match="made for maps of 1x9x9, got 1x13x13; build the net for that size"):
        module(torch.zeros(1, 48, 13, 13))
    strided = build(Net("n", (1, 7, 7), (Conv("conv", 1, 3, stride=2),)))
    with pytest.raises(ShapeError, match=r"height \(8-3\)/2\+1 = 3.5"):
        strided(torch.zeros(1, 1, 8, 7))


@pytest.mark.parametrize("name", ["half", "training", "forward", "declaration"])
def test_names_that_torch_has_for_itself_are_refused(name):
    with pytest.raises(InputError, match=f"layer name `{name}` is one of torch's own attributes"):
        build(Net("n", (1, 4, 4), (ReLU(name),)))
