"""One suite over every net declared in the tests, and over nets drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from declared_nets import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from casecnn.inference.prepare import prepare
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
    Repeat,
    Residual,
    ShapeError,
    Sigmoid,
    Softmax,
    Tanh,
)
from casecnn.layers.composite import start
from casecnn.reference import net as reference_net
from casecnn.torch_net.build import build

every_net = pytest.mark.parametrize("net", SMALL.values(), ids=SMALL)

pytestmark = pytest.mark.usefixtures("one_thread")


def batch(net: Net, n: int, dtype=torch.float32) -> torch.Tensor:
    return torch.randn(n, *net.input, generator=torch.Generator().manual_seed(n)).to(dtype)


def settled(net: Net, seed: int = 1, logits: bool = True) -> torch.nn.Module:
    """The net in eval mode, with BatchNorm's averages moved by three batches, so that they matter."""
    module = build(net, seed=seed, logits=logits)
    with torch.no_grad():
        for n in (4, 5, 6):
            module(batch(net, n))
    return module.eval()


@every_net
def test_builds_with_the_declared_parameters_and_shapes(net):
    check_counts_and_shapes(net)


@every_net
def test_every_parameter_gets_a_gradient(net):
    module = settled(net)
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name.endswith("bias"):
                p += 0.3  # so that no ReLU of these narrow nets is shut for all inputs
    labels = torch.arange(6) % net.output_shape[0]
    F.cross_entropy(module(batch(net, 6)), labels).backward()
    without = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without, f"no gradient for {without}"
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


@every_net
def test_bfloat16_prepared_and_under_autocast(net):
    module, x = settled(net), batch(net, 3)
    with torch.inference_mode():
        wanted = module(x)
        found = prepare(module, torch.bfloat16)(x.to(torch.bfloat16)).float()
        with torch.autocast("cpu", torch.bfloat16):
            mixed = module(x).float()
    for y in (found, mixed):
        assert (y - wanted).abs().max() <= 0.1 * wanted.abs().max().clamp_min(0.1)


@pytest.mark.slow
@every_net
def test_a_training_step_lowers_the_loss(net):
    torch.manual_seed(0)
    module = build(net, seed=2)
    x, labels = batch(net, 6), torch.arange(6) % net.output_shape[0]
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(module(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-3:]) < sum(losses[:3])


@every_net
def test_a_batch_of_n_equals_n_of_one_and_dropout_is_off(net):
    module, x = settled(net), batch(net, 3)
    with torch.no_grad():
        together = module(x)
        apart = torch.cat([module(each[None]) for each in x])
        assert torch.equal(module(x), together)
    assert torch.allclose(together, apart, atol=1e-5, rtol=1e-4)


@pytest.mark.slow
@every_net
def test_save_and_load_is_bit_equal(net, tmp_path):
    module, other = settled(net), build(net, seed=99).eval()
    torch.save(module.state_dict(), tmp_path / "net.pt")
    other.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    for name, value in module.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    with torch.no_grad():
        assert torch.equal(other(batch(net, 2)), module(batch(net, 2)))


@every_net
def test_equals_the_float64_reference(net):
    check_against_reference(net)


def check_counts_and_shapes(net: Net) -> None:
    """Each row of the declaration against the torch module of that name."""
    module = build(net, seed=0, logits=False).eval()
    assert sum(p.numel() for p in module.parameters()) == net.parameters
    got: dict[str, tuple[int, ...]] = {}
    for row in net.rows:
        part = module.get_submodule(row.name)
        if row.kind not in ("Residual", "Branches"):  # whose parts have rows of their own
            assert sum(p.numel() for p in part.parameters()) == row.parameters, row.name
        part.register_forward_hook(lambda _m, _x, y, name=row.name: got.update({name: tuple(y.shape[1:])}))
    with torch.no_grad():
        y = module(batch(net, 2))
    assert got == {row.name: row.output_shape for row in net.rows}
    assert y.shape == (2, *net.output_shape)


def check_against_reference(net: Net) -> None:
    module = settled(net, logits=False).double()
    x = batch(net, 2, torch.float64)
    parameters = {name: value.numpy() for name, value in module.state_dict().items()}
    with torch.no_grad():
        got = module(x).numpy()
    want = reference_net.forward(net, parameters, x.numpy(), logits=False)
    assert np.allclose(got, want, rtol=1e-9, atol=1e-12)


activations = st.sampled_from([None, "relu", "tanh", "sigmoid"])
two = st.tuples(st.integers(0, 2), st.integers(0, 2))
paddings = st.one_of(st.sampled_from(["same", "valid"]), st.integers(0, 2), two, st.tuples(two, two))
kernels = st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 4), st.integers(1, 4)))
strides = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))


@st.composite
def windowed(draw):
    padding = draw(paddings)
    rounding = "exact" if isinstance(padding, str) else draw(st.sampled_from(["exact", "floor", "ceil"]))
    return {"kernel": draw(kernels), "stride": draw(strides), "padding": padding, "rounding": rounding}


@st.composite
def a_layer(draw, name, channels, depth=0):
    """A layer for an input of that many channels; it need not fit."""
    kinds = ["conv", "conv", "pool", "mean", "plain", "norm"] + (
        ["residual", "branches", "repeat"] if depth == 0 else []
    )
    kind = draw(st.sampled_from(kinds))
    if kind == "conv":
        groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
        out = groups * draw(st.integers(1, 3))
        options = draw(windowed()) | {"bias": draw(st.booleans()), "activation": draw(activations)}
        return Conv(name, out, groups=groups, dilation=draw(st.integers(1, 2)), **options)
    if kind in ("pool", "mean"):
        options = draw(windowed())
        if not isinstance(options["padding"], str):
            options["padding"] = 0
        return MaxPool(name, **options) if kind == "pool" else MeanPool(name, **options)
    if kind == "norm":
        return draw(st.sampled_from([BatchNorm(name), LocalResponseNorm(name, n=3, alpha=0.1), PositionBias(name)]))
    if kind == "plain":
        return draw(st.sampled_from([ReLU, Tanh, Sigmoid, Dropout]))(name)
    inner = [draw(a_layer(f"inner{i}", channels, depth=1)) for i in range(2)]
    if kind == "residual":
        conv = Conv("conv", channels + draw(st.integers(0, 2)), 3, draw(strides), "same")
        return Residual(name, (conv,), draw(st.sampled_from("ABC")), draw(activations), draw(st.booleans()))
    if kind == "branches":
        conv = Conv("conv", draw(st.integers(1, 3)), 3, padding="same")
        return Branches(name, ((), (conv,)))
    return Repeat(name, draw(st.integers(1, 2)), layers=(inner[0],), first=draw(st.sampled_from([(), (inner[1],)])))


@st.composite
def nets(draw):
    """Nets of up to seven layers of all kinds; a layer that does not fit is left out."""
    size = st.integers(3, 11)
    shape = shape_in = (draw(st.integers(1, 4)), draw(size), draw(size))
    layers = []
    for number in range(draw(st.integers(1, 6))):
        layer = draw(a_layer(f"layer{number}", shape[0]))
        try:
            shape = layer.trace(shape, start(shape), layer.name).shape
        except ShapeError:
            continue
        layers.append(layer)
    if draw(st.booleans()):
        layers.append(draw(st.sampled_from([Flatten("vector"), GlobalMeanPool("vector")])))
        layers.append(Linear("fc", draw(st.integers(1, 5)), draw(st.booleans()), draw(activations)))
    return Net("random", shape_in, (*layers, Softmax("softmax")))


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(nets())
def test_random_nets_have_the_declared_parameters_and_shapes(net):
    check_counts_and_shapes(net)


@settings(deadline=None, max_examples=60)
@given(nets())
def test_random_nets_equal_the_float64_reference(net):
    check_against_reference(net)
