"""LeNet-5's own layers, auxiliary heads, adaptive pools: by hand, against slopes, torch against the reference."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from declared_nets import SMALL
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numeric_checks import QUICK, close, numbers, slopes, through_torch

from casecnn import reference
from casecnn.errors import InputError
from casecnn.layers import (
    AdaptiveMeanPool,
    AuxiliaryHead,
    BatchNorm,
    Conv,
    Flatten,
    GlobalMeanPool,
    Linear,
    Net,
    RadialBasis,
    Repeat,
    ScaledTanh,
    ShapeError,
    Softmax,
    Subsampling,
    TableConv,
)
from casecnn.reference import historic as reference_historic
from casecnn.torch_net.build import build, fuse

sizes = st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8))

pytestmark = pytest.mark.usefixtures("one_thread")

TABLE = ((0, 2), (1,), (0, 1, 2))


# The connection table


def test_a_table_of_all_connections_is_a_convolution():
    x, weight, bias = numbers(2, 3, 5, 6), numbers(4, 3, 2, 3, seed=1), numbers(4, seed=2)
    full = ((0, 1, 2),) * 4
    options = {"stride": (2, 1), "padding": 1, "rounding": "floor"}
    got = reference_historic.table_conv2d(x, full, weight.reshape(12, 2, 3), bias, **options)
    assert close(got, reference.conv2d(x, weight, bias, **options))


def test_a_table_by_hand():
    x = np.array([[[[1.0, 2.0]], [[10.0, 20.0]]]])  # two maps of 1x2
    weight = np.array([[[3.0]], [[5.0]], [[7.0]]])  # out 0 sees map 1; out 1 sees both
    got = reference_historic.table_conv2d(x, ((1,), (0, 1)), weight, [100.0, 0.0])
    assert got.tolist() == [[[[130, 160]], [[5 + 70, 10 + 140]]]]


def test_a_tables_gradients_are_the_slopes():
    x, weight, bias = numbers(2, 3, 4, 5), numbers(6, 2, 3, seed=1), numbers(3, seed=2)
    options = {"stride": 2, "padding": 1, "rounding": "floor"}
    dy = numbers(*reference_historic.table_conv2d(x, TABLE, weight, bias, **options).shape, seed=3)
    got = reference_historic.table_conv2d_backward(x, TABLE, weight, dy, **options)
    f = reference_historic.table_conv2d
    assert close(got.input, slopes(lambda x: f(x, TABLE, weight, bias, **options), x, dy))
    assert close(got.weight, slopes(lambda w: f(x, TABLE, w, bias, **options), weight, dy))
    assert close(got.bias, slopes(lambda b: f(x, TABLE, weight, b, **options), bias, dy))


tables = st.lists(st.sets(st.integers(0, 4), min_size=1).map(sorted), min_size=1, max_size=5)


@pytest.mark.slow
@QUICK
@given(tables, st.integers(3, 7), st.integers(3, 7), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2))
def test_torch_tables_equal_the_reference(table, height, width, kernel, stride, padding):
    options = {"stride": stride, "padding": padding, "rounding": "floor"}
    x = numbers(2, 5, height, width)
    y, dy, gradients, values = through_torch(TableConv("layer", table, kernel, **options), x)
    assert values["weight"].shape == (sum(map(len, table)), kernel, kernel)
    assert close(y, reference_historic.table_conv2d(x, table, values["weight"], values["bias"], **options))
    want = reference_historic.table_conv2d_backward(x, table, values["weight"], dy, **options)
    assert all(close(gradients[name], getattr(want, name)) for name in ("input", "weight", "bias"))


def test_what_a_table_costs():
    net = Net("n", (3, 6, 6), (TableConv("c", TABLE, 3),))
    assert (net.weights, net.biases, net.macs) == (6 * 9, 3, 6 * 9 * 16)
    assert net.output_shape == (3, 4, 4)
    assert net.receptive_field == (3, 3)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ((), "table must have at least one output map"),
        (((0,), ()), "output map 1 sees (); name at least one input map, from 0, rising"),
        (((1, 0),), "output map 0 sees (1, 0)"),
        (((0, 0),), "output map 0 sees (0, 0)"),
        (((-1, 0),), "output map 0 sees (-1, 0)"),
    ],
)
def test_tables_that_are_none(table, text):
    with pytest.raises(InputError) as error:
        TableConv("c", table, 3)
    assert text in str(error.value)


def test_a_table_that_names_a_map_too_many():
    with pytest.raises(ShapeError, match="the table names input map 2, the last of the 2 there are is 1"):
        Net("n", (2, 6, 6), (TableConv("c", TABLE, 3),))


# Trainable sub-sampling


def test_subsampling_by_hand():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 8.0]]]])
    assert reference_historic.subsample2d(x, [0.5, -1.0], [1.0, 2.0], 2).ravel().tolist() == [6.0, -6.0]


def test_subsamplings_gradients_are_the_slopes():
    x, weight, bias, dy = numbers(2, 3, 4, 6), numbers(3, seed=1), numbers(3, seed=2), numbers(2, 3, 2, 2, seed=3)
    got = reference_historic.subsample2d_backward(x, weight, dy, (2, 3))
    f = reference_historic.subsample2d
    assert close(got.input, slopes(lambda x: f(x, weight, bias, (2, 3)), x, dy))
    assert close(got.weight, slopes(lambda w: f(x, w, bias, (2, 3)), weight, dy))
    assert close(got.bias, slopes(lambda b: f(x, weight, b, (2, 3)), bias, dy))


@QUICK
@given(sizes, st.integers(1, 3), st.integers(1, 3))
def test_torch_subsampling_equals_the_reference(size, height, width):
    layer = Subsampling("layer", (height, width), rounding="floor")
    assume(size[1] >= height and size[2] >= width)
    x = numbers(2, *size)
    y, dy, gradients, values = through_torch(layer, x)
    assert close(y, reference_historic.subsample2d(x, values["weight"], values["bias"], layer.kernel, rounding="floor"))
    want = reference_historic.subsample2d_backward(x, values["weight"], dy, layer.kernel, rounding="floor")
    assert all(close(gradients[name], getattr(want, name)) for name in ("input", "weight", "bias"))


def test_what_subsampling_costs_and_refuses():
    net = Net("n", (6, 28, 28), (Subsampling("s2", 2),))
    assert (net.weights, net.biases, net.macs, net.output_shape) == (6, 6, 0, (6, 14, 14))
    with pytest.raises(ShapeError, match=r"height \(5-2\)/2\+1 = 2.5"):
        Net("n", (6, 5, 4), (Subsampling("s2", 2),))
    with pytest.raises(InputError, match="rounding .=ceil. must be exact or floor"):
        Subsampling("s2", 2, rounding="ceil")


# Radial basis functions


def test_radial_basis_by_hand_and_slopes():
    centres = ((1.0, -1.0), (0.0, 2.0))
    assert reference_historic.radial_basis([[1.0, 1.0]], centres).tolist() == [[-4.0, -2.0]]
    x, dy = numbers(3, 2), numbers(3, 2, seed=1)
    want = slopes(lambda x: reference_historic.radial_basis(x, centres), x, dy)
    assert close(reference_historic.radial_basis_backward(x, centres, dy), want)
    y, dy, gradients, values = through_torch(RadialBasis("layer", centres), x)
    assert close(y, reference_historic.radial_basis(x, centres)) and values == {}
    assert close(gradients["input"], reference_historic.radial_basis_backward(x, centres, dy))


def test_radial_basis_has_no_parameters_and_no_keys():
    net = Net("n", (2,), (RadialBasis("output", ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0))),))
    assert (net.parameters, net.macs, net.output_shape) == (0, 6, (3,))
    assert build(net).state_dict() == {}
    with pytest.raises(InputError, match="centres must be at least one vector, all of one length"):
        RadialBasis("output", ((1.0,), (2.0, 3.0)))
    with pytest.raises(ShapeError, match="the centres have 2 numbers, the input has 3"):
        Net("n", (3,), net.layers)


# Scaled tanh, adaptive pools


def test_scaled_tanh_maps_one_to_one_and_equals_the_reference():
    assert reference.scaled_tanh(1.0) == pytest.approx(1.0, abs=1e-4)
    x, dy = numbers(3, 4), numbers(3, 4, seed=1)
    assert close(reference.scaled_tanh_backward(x, dy), slopes(reference.scaled_tanh, x, dy))
    for layer in (ScaledTanh("layer"),):
        y, dy, gradients, _ = through_torch(layer, x)
        assert close(y, reference.scaled_tanh(x))
        assert close(gradients["input"], reference.scaled_tanh_backward(x, dy))
    y, _, _, values = through_torch(Linear("layer", 2, activation="scaled_tanh"), x)
    assert close(y, reference.scaled_tanh(x @ values["weight"].T + values["bias"]))


def test_adaptive_mean_by_hand():
    x = np.arange(14.0).reshape(1, 1, 1, 14).repeat(4, 2)  # windows 0-4, 3-7, 7-11, 10-14 of 14 cells
    assert reference.adaptive_mean_pool2d(x, 4)[0, 0, 0].tolist() == [1.5, 4.5, 8.5, 11.5]
    assert reference.adaptive_mean_pool2d(np.ones((1, 2, 1, 1)), 3).tolist() == np.ones((1, 2, 3, 3)).tolist()


@QUICK
@given(sizes, st.integers(1, 5))
def test_torch_adaptive_means_equal_the_reference_and_its_slopes(size, out):
    x = numbers(1, *size)
    y, dy, gradients, _ = through_torch(AdaptiveMeanPool("layer", out), x)
    assert close(y, reference.adaptive_mean_pool2d(x, out))
    got = reference.adaptive_mean_pool2d_backward(x, dy, out)
    assert close(gradients["input"], got)
    if x.size < 30:
        assert close(got, slopes(lambda x: reference.adaptive_mean_pool2d(x, out), x, dy))


# Initialisation


@pytest.mark.parametrize("init", ["he", "xavier", "lecun", "normal(0.1)", "uniform(0.2)", "zeros"])
def test_initial_values_follow_each_outputs_inputs(init):
    table = ((0,),) * 300 + (tuple(range(16)),) * 300
    weight = build(Net("n", (16, 9, 9), (TableConv("c", table, 3),)), init=init, seed=1).get_parameter("c.weight")
    few, many = weight[:300].detach(), weight[300:].detach()
    if init == "lecun":
        assert few.abs().max() == pytest.approx(2.4 / 9, rel=0.01)
        assert many.abs().max() == pytest.approx(2.4 / 144, rel=0.01)
    elif init == "he":
        assert few.std() == pytest.approx((2 / 9) ** 0.5, rel=0.1)
        assert many.std() == pytest.approx((2 / 144) ** 0.5, rel=0.1)
    else:
        sizes = {"normal(0.1)": 0.1, "uniform(0.2)": 0.2 / 3**0.5, "zeros": 0.0}
        assert init == "xavier" or many.std() == pytest.approx(sizes[init], rel=0.05)
    linear = build(Net("n", (50,), (Linear("fc", 400),)), init="lecun", seed=1).get_parameter("fc.weight")
    assert linear.detach().abs().max() == pytest.approx(2.4 / 50, rel=0.01)


# Auxiliary heads


def two_headed() -> Net:
    return Net(
        "two-headed",
        input=(2, 8, 8),
        layers=(
            Conv("conv1", 4, 3, bias=False),
            BatchNorm("norm1", activation="relu"),
            AuxiliaryHead("aux1", (GlobalMeanPool("pool"), Linear("fc", 3), Softmax("softmax"))),
            Conv("conv2", 5, 3, activation="relu"),
            AuxiliaryHead("aux2", (Flatten("flatten"), Linear("fc", 2))),
            GlobalMeanPool("pool"),
            Linear("fc", 3),
            Softmax("softmax"),
        ),
    )


def test_totals_are_of_the_net_that_predicts():
    net = two_headed()
    assert net.parameters == 4 * 18 + 8 + (5 * 36 + 5) + (15 + 3)
    assert net.auxiliary_parameters == (12 + 3) + (5 * 16 * 2 + 2)
    assert net.auxiliary_macs == 12 + 160
    assert [row.name for row in net.rows if row.auxiliary] == [
        "aux1.pool", "aux1.fc", "aux1.softmax", "aux2.flatten", "aux2.fc",
    ]  # fmt: skip
    alone = net.without_heads()
    assert alone.rows == tuple(row for row in net.rows if not row.auxiliary)
    assert (alone.parameters, alone.macs, alone.auxiliary_parameters) == (net.parameters, net.macs, 0)
    assert alone.without_heads() is alone
    assert net.memory().forward_elements == alone.memory().forward_elements
    assert net.memory().training_elements == alone.memory().training_elements + 2 * (4 + 3 + 2)


def test_heads_come_back_by_name_in_training_only():
    net, x = two_headed(), torch.randn(6, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    module = build(net, seed=1)
    assert sum(p.numel() for p in module.parameters()) == net.parameters + net.auxiliary_parameters
    out = module(x)
    assert out._fields == ("logits", "aux1", "aux2")
    assert (out.logits.shape, out.aux1.shape, out.aux2.shape) == ((6, 3), (6, 3), (6, 2))
    maps = module.get_submodule("norm1")(module.get_submodule("conv1")(x))
    assert torch.equal(out.aux1, module.get_submodule("aux1")(maps))
    (out.logits.sum() + out.aux1.square().sum() + out.aux2.square().sum()).backward()
    assert all(p.grad is not None for p in module.parameters())
    y = module.eval()(x)
    assert isinstance(y, torch.Tensor) and y.shape == (6, 3)
    alone = build(net.without_heads())
    alone.load_state_dict({k: v for k, v in module.state_dict().items() if not k.startswith("aux")})
    assert torch.equal(alone.eval()(x), y)
    assert torch.allclose(fuse(module)(x), y, atol=1e-6)


def test_a_heads_softmax_is_left_out_with_the_nets():
    x = torch.randn(4, 2, 8, 8)
    assert not torch.allclose(build(two_headed(), seed=1)(x).aux1.sum(1), torch.ones(4))
    assert torch.allclose(build(two_headed(), seed=1, logits=False)(x).aux1.sum(1), torch.ones(4))


def test_a_net_with_heads_can_be_copied_and_its_outputs_sent():
    module = copy.deepcopy(build(two_headed(), seed=1))
    out = module(torch.randn(2, 2, 8, 8))
    assert type(out)._make([1, 2, 3]) == (1, 2, 3)
    assert pickle.loads(pickle.dumps(module.state_dict())).keys() == module.state_dict().keys()


def test_heads_stand_in_the_net_itself():
    head = AuxiliaryHead("aux", (GlobalMeanPool("pool"), Linear("fc", 3)))
    with pytest.raises(InputError, match="auxiliary head of `stage.1.aux.pool` must stand in the net itself"):
        Net("n", (2, 8, 8), (Repeat("stage", 1, (head,)),))
    for name in ("logits", "aux-1", "2nd"):
        with pytest.raises(InputError, match='the name must be a Python name, not "logits"'):
            AuxiliaryHead(name, (GlobalMeanPool("pool"),))


def test_every_row_knows_its_layer():
    for net in SMALL.values():
        assert all(row.layer.name == row.name.split(".")[-1] and row.kind == row.layer.kind for row in net.rows)


@settings(deadline=None, max_examples=1)
@given(st.just(two_headed()))
def test_the_reference_leaves_heads_out(net):
    from casecnn.reference import net as reference_net

    module = build(net, seed=2, logits=False).double().eval()
    x = numbers(2, 2, 8, 8)
    values = {name: value.numpy() for name, value in module.state_dict().items()}
    with torch.no_grad():
        assert close(module(torch.from_numpy(x)).numpy(), reference_net.forward(net, values, x, logits=False))
