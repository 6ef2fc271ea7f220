"""The deconvnet, against nets small enough for explicit loops, and on every kind of layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from casecnn.errors import InputError, UsageError
from casecnn.layers import (
    AdaptiveMeanPool,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalMeanPool,
    Linear,
    LocalResponseNorm,
    MaxPool,
    MeanPool,
    Net,
    ReLU,
    Softmax,
    Subsampling,
    TableConv,
    Tanh,
)
from casecnn.layers.composite import Branches, Repeat, Residual
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.look.deconvnet import Deconvnet
from casecnn.vision.look.receptive import window

torch.set_num_threads(1)


def filled(net: Net, seed: int = 0):
    """The net with weights, biases, scales and averages all random."""
    module = build(net, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        value.copy_(torch.randn(value.shape, generator=generator) * 0.5)
        if name.endswith("running_var"):
            value.abs_().add_(0.5)
    return module


def images(net: Net, n: int = 2) -> torch.Tensor:
    return torch.randn(n, *net.input, generator=torch.Generator().manual_seed(99))


# The paper's three steps, loop by loop


def convolved(x, weight, bias, stride, pad):
    """Correlation, [C, H, W] with [K, C, h, w]."""
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    kernels, _, h, w = weight.shape
    out = np.zeros((kernels, (padded.shape[1] - h) // stride + 1, (padded.shape[2] - w) // stride + 1))
    for k, i, j in np.ndindex(*out.shape):
        out[k, i, j] = (padded[:, i * stride : i * stride + h, j * stride : j * stride + w] * weight[k]).sum() + bias[k]
    return out


def filtered_back(r, weight, stride, pad, shape):
    """Each value lays its own filter down where it came from."""
    c, height, width = shape
    padded = np.zeros((c, height + 2 * pad, width + 2 * pad))
    h, w = weight.shape[2:]
    for k, i, j in np.ndindex(*r.shape):
        padded[:, i * stride : i * stride + h, j * stride : j * stride + w] += r[k, i, j] * weight[k]
    return padded[:, pad : pad + height, pad : pad + width]


def pooled(x, kernel, stride):
    """The maxima and the switches: where each was found."""
    c, height, width = x.shape
    out = np.zeros((c, (height - kernel) // stride + 1, (width - kernel) // stride + 1))
    switches = {}
    for k, i, j in np.ndindex(*out.shape):
        part = x[k, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        di, dj = np.unravel_index(part.argmax(), part.shape)
        out[k, i, j], switches[k, i, j] = part[di, dj], (i * stride + di, j * stride + dj)
    return out, switches


def unpooled(r, switches, shape):
    out = np.zeros(shape)
    for place, (i, j) in switches.items():
        out[place[0], i, j] += r[place]
    return out


TWO = Net(
    "two",
    (2, 11, 11),
    (
        Conv("conv1", 4, 3, stride=2, padding=1, activation="relu"),
        MaxPool("pool1", 3, stride=1),  # windows overlap
        Conv("conv2", 5, 2),
        ReLU("relu2"),
        MaxPool("pool2", 2, stride=1),
    ),
)


@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2", "relu2", "pool2"])
def test_a_small_net_by_explicit_loops(layer):
    module = filled(TWO)
    x = images(TWO, 1)
    state = {name: value.double().numpy() for name, value in module.state_dict().items()}
    start = x[0].double().numpy()
    raw1 = convolved(start, state["conv1.weight"], state["conv1.bias"], 2, 1)
    act1 = np.maximum(raw1, 0)
    pool1, switches1 = pooled(act1, 3, 1)
    raw2 = convolved(pool1, state["conv2.weight"], state["conv2.bias"], 1, 0)
    act2 = np.maximum(raw2, 0)
    pool2, switches2 = pooled(act2, 2, 1)
    outputs = {"conv1": act1, "pool1": pool1, "conv2": raw2, "relu2": act2, "pool2": pool2}
    deconvnet = Deconvnet(module)
    np.testing.assert_allclose(deconvnet.maps(x, layer)[0], outputs[layer], atol=1e-5)
    for channel in range(outputs[layer].shape[0]):
        found = deconvnet.project(x, layer, channel)
        top = np.unravel_index(outputs[layer][channel].argmax(), outputs[layer][channel].shape)
        assert (int(found.rows[0]), int(found.columns[0])) == top
        r = np.zeros_like(outputs[layer])
        r[channel][top] = outputs[layer][channel][top]
        if layer == "pool2":
            r = unpooled(r, switches2, act2.shape)
        if layer in ("pool2", "relu2"):
            r = np.maximum(r, 0)
        if layer in ("pool2", "relu2", "conv2"):
            r = filtered_back(r, state["conv2.weight"], 1, 0, pool1.shape)
        if layer != "conv1":
            r = unpooled(r, switches1, act1.shape)
        r = filtered_back(np.maximum(r, 0), state["conv1.weight"], 2, 1, start.shape)
        np.testing.assert_allclose(found.pixels[0], r, atol=1e-4)
        assert np.abs(r).max() > 0 or outputs[layer][channel][top] <= 0


def test_the_way_back_is_not_the_gradient():
    """A gradient goes back through a ReLU where the way up was positive; here only what comes back counts."""
    module = filled(TWO)
    x = images(TWO, 1).requires_grad_()
    deconvnet = Deconvnet(module)
    y = module.relu2(module.conv2(module.pool1(module.conv1(x))))
    gaps = []
    for channel in range(5):
        found = deconvnet.project(x.detach(), "relu2", channel)
        top = y[0, channel, found.rows[0], found.columns[0]]
        (gradient,) = torch.autograd.grad(top, x, retain_graph=True)
        torch.testing.assert_close(top[None], found.values)
        gaps.append((found.pixels - gradient * top).abs().max().item())
    assert max(gaps) > 0.01


# BatchNorm is folded


def test_batch_norm_is_folded_first():
    """A net with BatchNorm projects as the same net with the scale in its weights, written out by hand."""
    with_norm = Net("norm", (3, 8, 8), (Conv("conv", 4, 3, bias=False), BatchNorm("norm", activation="relu")))
    by_hand = Net("hand", (3, 8, 8), (Conv("conv", 4, 3, activation="relu"),))
    module, hand = filled(with_norm), build(by_hand)
    norm = module.norm
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    hand.load_state_dict({
        "conv.weight": module.conv.weight.detach() * scale[:, None, None, None],
        "conv.bias": norm.bias.detach() - norm.running_mean * scale,
    })  # fmt: skip
    before = {name: value.clone() for name, value in module.state_dict().items()}
    x = images(with_norm)
    for channel in range(4):
        one, other = Deconvnet(module).project(x, "norm", channel), Deconvnet(hand).project(x, "conv", channel)
        torch.testing.assert_close(one.pixels, other.pixels)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert module.norm.activation == "relu" and all(p.requires_grad for p in module.parameters())


# Blocks, branches, vectors


def linear_part(deconvnet, x, layer, channel):
    """<projection, x> of a net that is linear (no bias, no ReLU, no pooling) is the activation squared."""
    found = deconvnet.project(x, layer, channel)
    torch.testing.assert_close((found.pixels * x).flatten(1).sum(1), found.values**2, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_residual_blocks_add_both_ways(shortcut):
    body = (Conv("conv1", 6, 3, stride=2, padding=1, bias=False, rounding="floor"), Conv("conv2", 6, 1, bias=False))
    net = Net("block", (3, 9, 7), (Residual("block", body, shortcut, activation=None, batch_norm=False),))
    module = filled(net)
    for name, value in module.state_dict().items():
        if name.endswith("bias"):
            value.zero_()
    for channel in (0, 2, 5):
        linear_part(Deconvnet(module), images(net), "block", channel)
    assert (Deconvnet(module).maps(images(net), "block") - module(images(net))).abs().max() < 1e-5


def test_branches_and_repeats_and_mean_pools_are_linear_both_ways():
    branches = ((Conv("a1", 2, 1, bias=False), Conv("a2", 3, 3, padding=1, bias=False)), (Conv("b", 4, 1, bias=False),))
    net = Net(
        "mixed",
        (2, 8, 8),
        (
            Repeat("twice", 2, (Conv("conv", 2, 3, padding=1, bias=False),)),
            Branches("split", branches),
            MeanPool("pool", 3, stride=2, padding=1, rounding="ceil"),
            Dropout("drop", 0.5),
            Flatten("flat"),
            Linear("fc", 5, bias=False),
        ),
    )
    module, x = filled(net), images(net)
    deconvnet = Deconvnet(module)
    torch.testing.assert_close(deconvnet.maps(x, "fc"), module(x), atol=1e-4, rtol=1e-4)
    for layer, channel in (("twice.1.conv", 1), ("twice.2.conv", 0), ("split.a1", 1), ("split.a2", 2), ("split.b", 3),
                           ("split", 5), ("pool", 6), ("flat", 17), ("fc", 4)):  # fmt: skip
        linear_part(deconvnet, x, layer, channel)


def test_the_layers_of_1998_are_linear_both_ways():
    table = ((0,), (0, 2), (1, 2), (0, 1, 2))
    net = Net(
        "historic",
        (3, 12, 12),
        (TableConv("c", table, 3), Subsampling("s", 2), AdaptiveMeanPool("a", 3), Flatten("f"), Linear("fc", 2)),
    )
    module, x = filled(net), images(net)
    for name, value in module.state_dict().items():
        if name.endswith("bias"):
            value.zero_()
    torch.testing.assert_close(Deconvnet(module).maps(x, "fc"), module(x), atol=1e-4, rtol=1e-4)
    for layer, channel in (("c", 1), ("s", 3), ("a", 0), ("fc", 1)):
        linear_part(Deconvnet(module), x, layer, channel)


def test_a_whole_net_of_1998_projects():
    net = get_net("lenet5-1998")
    module, x = filled(net), images(net)
    kept = [part.layer for part in module.modules() if hasattr(part, "layer")]
    deconvnet = Deconvnet(module)
    assert kept == [part.layer for part in module.modules() if hasattr(part, "layer")]
    names = [row.name for row in net.rows][:4]
    y = x
    with torch.no_grad():
        for name in names:
            y = module.get_submodule(name)(y)
    torch.testing.assert_close(deconvnet.maps(x, names[-1]), y, atol=1e-4, rtol=1e-3)
    assert deconvnet.project(x, names[-1], 2).pixels.abs().max() > 0
    with pytest.raises(InputError, match="a deconvnet has no way back through a RadialBasis layer"):
        deconvnet.maps(x, net.rows[-1].name)


def test_auxiliary_heads_are_left_aside():
    module = build(get_net("googlenet"), init="normal(0.05)", seed=0)
    x = torch.randn(1, 3, 224, 224)
    found = Deconvnet(module).project(x, "inception4a", 7)
    assert found.pixels.shape == x.shape and found.values.item() > 0
    with pytest.raises(UsageError, match="works in training only"):
        Deconvnet(module).maps(x, "aux1.conv")


def test_a_projection_stays_inside_the_window_of_its_activation():
    net = Net(
        "deep",
        (1, 30, 30),
        (
            Conv("conv1", 3, 5, stride=2, padding=2, rounding="floor", activation="relu"),
            LocalResponseNorm("norm"),
            Repeat("stage", 2, (Residual("block", (Conv("conv1", 3, 3, padding=1, bias=False), BatchNorm("norm1"))),)),
            MaxPool("pool", 3),
            Tanh("tanh"),
        ),
    )
    module, x = filled(net), images(net, 4)
    deconvnet = Deconvnet(module)
    for layer in ("conv1", "stage.1.block.body.conv1", "stage.2.block", "tanh"):
        found = deconvnet.project(x, layer, 1)
        for i in range(4):
            box = window(net, layer, int(found.rows[i]), int(found.columns[i])).inside(30, 30)
            outside = found.pixels[i].clone()
            outside[:, box.top : box.bottom, box.left : box.right] = 0
            assert outside.abs().max() == 0


def test_places_can_be_chosen():
    module, x = filled(TWO), images(TWO, 2)
    deconvnet = Deconvnet(module)
    found = deconvnet.project(x, "conv1", 2, [(1, 4), (5, 0)])
    assert found.rows.tolist() == [1, 5] and found.columns.tolist() == [4, 0]
    maps = deconvnet.maps(x, "conv1")
    assert found.values.tolist() == [maps[0, 2, 1, 4].item(), maps[1, 2, 5, 0].item()]


def test_a_class_can_be_projected():
    net = Net(
        "class", (1, 6, 6), (Conv("c", 2, 3, activation="relu"), GlobalMeanPool("p"), Linear("o", 3), Softmax("s"))
    )
    module = filled(net)
    assert Deconvnet(module).project(images(net), "o", 2).pixels.shape == (2, 1, 6, 6)


def test_what_is_asked_wrongly_is_told():
    deconvnet = Deconvnet(filled(TWO))
    with pytest.raises(InputError, match="net `two` has no layer `conv9`"):
        deconvnet.project(images(TWO), "conv9", 0)
    with pytest.raises(UsageError, match=r"`channels` \(=4\) of layer `conv1` must be from 0 to 3"):
        deconvnet.project(images(TWO), "conv1", 4)


# The window itself


@pytest.mark.slow
def test_windows_have_the_size_of_the_receptive_field_and_the_right_place():
    for name in ("lenet5", "lenet5-1998", "alexnet", "googlenet", "resnet20", "resnet34-a", "resnet50-v1.5"):
        net = get_net(name)
        for row in net.rows:
            if len(row.output_shape) == 3 and not row.auxiliary:
                box = window(net, row.name, row.output_shape[1] // 2, row.output_shape[2] // 2)
                assert (box.bottom - box.top, box.right - box.left) == row.receptive_field, (name, row.name)


def test_a_window_is_where_the_gradient_is():
    net = Net("pads", (1, 12, 12), (Conv("a", 1, 3, 2, padding=((0, 2), (1, 0)), rounding="floor"), Conv("b", 1, 2)))
    module = build(net, init="uniform(1)", seed=0)
    for row, column in ((0, 0), (3, 1), (2, 4)):
        x = torch.randn(1, 1, 12, 12).requires_grad_()
        (gradient,) = torch.autograd.grad(module(x)[0, 0, row, column], x)
        rows, columns = torch.nonzero(gradient[0, 0], as_tuple=True)
        seen = (rows.min().item(), columns.min().item(), rows.max().item() + 1, columns.max().item() + 1)
        assert window(net, "b", row, column).inside(12, 12) == seen
