"""The reference by hand and against finite differences; torch, forward and gradients, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numeric_checks import QUICK, close, numbers, slopes, through_torch

from casecnn import reference
from casecnn.layers import Conv, Linear, LocalResponseNorm, MaxPool, MeanPool, Net, ReLU, ShapeError, Softmax
from casecnn.torch_net.build import build

pytestmark = pytest.mark.usefixtures("one_thread")


def test_convolution_by_hand():
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    weight = np.array([[[[1, 0], [0, -1]]]])
    assert reference.conv2d(x, weight, [0.5]).tolist() == [[[[-3.5, -3.5], [-3.5, -3.5]]]]
    dy = np.array([[[[1, 2], [3, 4]]]])
    got = reference.conv2d_backward(x, weight, dy)
    assert got.input.tolist() == [[[[1, 2, 0], [3, 4 - 1, -2], [0, -3, -4]]]]
    assert got.weight.tolist() == [[[[1 + 4 + 12 + 20, 2 + 6 + 15 + 24], [4 + 10 + 21 + 32, 5 + 12 + 24 + 36]]]]
    assert got.bias.tolist() == [10]


def test_strided_convolution_by_hand():
    x = np.arange(1.0, 14.0).reshape(1, 1, 1, 13)
    ones = np.ones((1, 1, 1, 6))
    assert reference.conv2d(x, ones, stride=(1, 5), padding="valid").ravel().tolist() == [21, 51]
    assert reference.conv2d(x, ones, stride=(1, 5), padding="same").ravel().tolist() == [15, 45, 46]
    with pytest.raises(ShapeError, match=r"width \(13-6\)/5\+1 = 2\.4"):
        reference.conv2d(x, ones, stride=(1, 5))


def test_the_lectures_formula_is_the_weight_gradient_of_a_one_dimensional_convolution():
    v, dh = numbers(9, 2, 4, seed=1), numbers(7, 3, 4, seed=2)  # [positions, in, N], [positions, out, N]
    dw = reference.conv1d_weight_gradient(v, dh)
    assert dw.shape == (3, 2, 3)
    x, dy = v.transpose(2, 1, 0)[:, :, None], dh.transpose(2, 1, 0)[:, :, None]  # as [N, C, 1, positions]
    assert close(dw, reference.conv2d_backward(x, numbers(3, 2, 1, 3), dy).weight[:, :, 0].transpose(2, 1, 0))

    def h(w):  # H[k,j,n] = sum over c,i of W[c,i,j] V[k+c,i,n]
        return sum(np.einsum("ij,kin->kjn", w[c], v[c : c + 7]) for c in range(3))

    assert close(dw, slopes(h, numbers(3, 2, 3), dh))


def test_the_lectures_formula_by_hand():
    v = np.array([1.0, 2.0, 4.0]).reshape(3, 1, 1)
    dh = np.array([10.0, 1.0]).reshape(2, 1, 1)
    assert reference.conv1d_weight_gradient(v, dh).ravel().tolist() == [10 * 1 + 1 * 2, 10 * 2 + 1 * 4]


def test_max_pool_by_hand_overlapping_windows_add_up():
    x = np.array([[[[1, 2, 3], [4, 9, 5], [6, 7, 8]]]])
    assert reference.max_pool2d(x, 2, 1).tolist() == [[[[9, 9], [9, 9]]]]
    dy = np.array([[[[1, 10], [100, 1000]]]])
    assert reference.max_pool2d_backward(x, dy, 2, 1).tolist() == [[[[0, 0, 0], [0, 1111, 0], [0, 0, 0]]]]


def test_max_pool_gives_the_gradient_to_the_first_largest_in_row_order():
    x = np.array([[[[0, 7], [7, 7]]]])
    assert reference.max_pool2d_backward(x, [[[[5]]]], 2, 2).tolist() == [[[[0, 5], [0, 0]]]]
    assert reference.max_pool2d_backward(np.zeros((1, 1, 2, 2)), [[[[5]]]], 2, 2).tolist() == [[[[5, 0], [0, 0]]]]


def test_max_pool_ignores_padding():
    x = -np.ones((1, 1, 1, 1))
    assert reference.max_pool2d(x, 3, 1, padding=1).tolist() == [[[[-1]]]]
    assert reference.max_pool2d_backward(x, [[[[2]]]], 3, 1, padding=1).tolist() == [[[[2]]]]


def test_mean_pool_by_hand():
    x = np.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    assert reference.mean_pool2d(x, 2, 2).tolist() == [[[[2.5]]]]
    assert reference.mean_pool2d_backward(x, [[[[8]]]], 2, 2).tolist() == [[[[2, 2], [2, 2]]]]
    edge = {"padding": ((1, 0), (1, 0))}
    assert reference.mean_pool2d(x, 2, 2, **edge, rounding="floor").tolist() == [[[[1]]]]
    counted = reference.mean_pool2d(x, 2, 2, **edge, rounding="floor", count_padding=True)
    assert counted.tolist() == [[[[0.25]]]]
    overhang = reference.mean_pool2d(x, 2, 2, **edge, rounding="ceil", count_padding=True)
    assert overhang.tolist() == [[[[0.25, 1.0], [1.5, 4.0]]]]  # 1 of 4 cells, (0+2) of 2, (0+3) of 2, 4 of 1


def test_local_response_norm_by_hand():
    a = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    got = reference.local_response_norm(a, n=3, k=1, alpha=1, beta=1).ravel()
    assert close(got, [1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9)])
    assert close(reference.local_response_norm(a).ravel()[1], 2 / (2 + 1e-4 * 14) ** 0.75)


def test_the_rest_by_hand():
    assert reference.relu([-1, 0, 2]).tolist() == [0, 0, 2]
    assert reference.relu_backward([-1, 0, 2], [5, 5, 5]).tolist() == [0, 0, 5]
    assert reference.linear([[1, 2]], [[3, 4], [5, 6]], [0, 1]).tolist() == [[11, 18]]
    assert close(reference.softmax([[0, np.log(3)], [1000, 1000]]), [[0.25, 0.75], [0.5, 0.5]])
    assert close(reference.sigmoid([0, -1e4, np.log(3)]), [0.5, 0, 0.75])
    assert close(reference.batch_norm([[3.0], [5.0]], [4], [3], [2], [10], epsilon=1), [[9], [11]])


STRIDES = [
    {},
    {"stride": 2, "padding": 1, "rounding": "floor"},
    {"stride": (2, 1), "padding": ((2, 0), (1, 3)), "rounding": "ceil"},
    {"padding": "same", "stride": (3, 2)},
]


@pytest.mark.parametrize("options", [*STRIDES, {"groups": 2}, {"dilation": (2, 1), "padding": 2}], ids=str)
def test_convolution_gradients_are_the_slopes(options):
    groups = options.get("groups", 1)
    x, weight, bias = numbers(2, 4, 5, 4), numbers(6, 4 // groups, 3, 2, seed=1), numbers(6, seed=2)
    dy = numbers(*reference.conv2d(x, weight, bias, **options).shape, seed=3)
    got = reference.conv2d_backward(x, weight, dy, **options)
    assert close(got.input, slopes(lambda x: reference.conv2d(x, weight, bias, **options), x, dy))
    assert close(got.weight, slopes(lambda w: reference.conv2d(x, w, bias, **options), weight, dy))
    assert close(got.bias, slopes(lambda b: reference.conv2d(x, weight, b, **options), bias, dy))


POOLS = [
    {"kernel": 2, "stride": 2},
    {"kernel": 3, "stride": 2, "padding": 1, "rounding": "floor"},
    {"kernel": (3, 2), "stride": 1, "padding": ((2, 0), (0, 1))},
    {"kernel": 3, "stride": 2, "rounding": "ceil"},
    {"kernel": 3, "stride": 1, "padding": "same"},
]


@pytest.mark.parametrize("options", POOLS, ids=str)
def test_pooling_gradients_are_the_slopes(options):
    x = numbers(2, 2, 6, 6)
    dy = numbers(*reference.max_pool2d(x, **options).shape, seed=1)
    assert close(
        reference.max_pool2d_backward(x, dy, **options), slopes(lambda x: reference.max_pool2d(x, **options), x, dy)
    )
    for counts in (False, True):
        got = reference.mean_pool2d_backward(x, dy, **options, count_padding=counts)
        assert close(got, slopes(lambda x, c=counts: reference.mean_pool2d(x, **options, count_padding=c), x, dy))


@pytest.mark.parametrize(
    "options", [{}, {"n": 3, "k": 1.0, "alpha": 0.7, "beta": 0.5}, {"n": 9, "alpha": 0.2}], ids=str
)
def test_local_response_norm_gradients_are_the_slopes(options):
    a, db = numbers(2, 6, 2, 2), numbers(2, 6, 2, 2, seed=1)
    got = reference.local_response_norm_backward(a, db, **options)
    assert close(got, slopes(lambda a: reference.local_response_norm(a, **options), a, db))


def test_the_other_gradients_are_the_slopes():
    x, weight, bias, dy = numbers(3, 4), numbers(5, 4, seed=1), numbers(5, seed=2), numbers(3, 5, seed=3)
    got = reference.linear_backward(x, weight, dy)
    assert close(got.input, slopes(lambda x: reference.linear(x, weight, bias), x, dy))
    assert close(got.weight, slopes(lambda w: reference.linear(x, w, bias), weight, dy))
    assert close(got.bias, slopes(lambda b: reference.linear(x, weight, b), bias, dy))
    assert close(reference.softmax_backward(x, x[::-1]), slopes(reference.softmax, x, x[::-1]))
    assert close(reference.relu_backward(x, x[::-1]), slopes(reference.relu, x, x[::-1]))


kernels = st.tuples(st.integers(1, 4), st.integers(1, 4))
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))
sizes = st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8))
sides = st.tuples(st.integers(0, 3), st.integers(0, 3))
roundings = st.sampled_from(["exact", "floor", "ceil"])


@st.composite
def windows(draw, pool: bool = False):
    """Options of a layer with windows; a pool's padding is smaller than its kernel."""
    kernel, stride = draw(kernels), draw(strides)
    padding = draw(st.one_of(st.sampled_from(["same", "valid"]), st.tuples(sides, sides)))
    if isinstance(padding, str):
        return {"kernel": kernel, "stride": stride, "padding": padding}
    if pool:
        padding = tuple((min(a, size - 1), min(b, size - 1)) for (a, b), size in zip(padding, kernel, strict=True))
    return {"kernel": kernel, "stride": stride, "padding": padding, "rounding": draw(roundings)}


def fitting(layer, shape) -> None:
    """Skip the example if the layer does not fit; `test_shapes` and `test_layers` look at those."""
    try:
        layer.output_shape(shape)
    except ShapeError:
        assume(False)


@QUICK
@given(sizes, windows(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.booleans())
def test_torch_convolutions_equal_the_reference(size, options, groups, out, dilation, bias):
    (c, h, w), kernel = size, options.pop("kernel")
    layer = Conv("layer", groups * out, kernel, groups=groups, dilation=dilation, bias=bias, **options)
    fitting(layer, (c * groups, h, w))
    x = numbers(2, c * groups, h, w)
    y, dy, gradients, values = through_torch(layer, x)
    same = options | {"groups": groups, "dilation": dilation}
    assert close(y, reference.conv2d(x, values["weight"], values.get("bias"), **same))
    want = reference.conv2d_backward(x, values["weight"], dy, **same)
    assert close(gradients["input"], want.input)
    assert close(gradients["weight"], want.weight)
    assert not bias or close(gradients["bias"], want.bias)


@QUICK
@given(sizes, windows(pool=True), st.integers(0, 9), st.booleans())
def test_torch_max_pools_equal_the_reference_ties_included(size, options, seed, channels_last):
    layer = MaxPool("layer", **options)
    fitting(layer, size)
    x = np.random.default_rng(seed).integers(0, 3, (2, *size)).astype(float)  # three values: ties in most windows
    module = build(Net("n", size, (layer,)))
    tensor = torch.from_numpy(x)
    if channels_last:
        tensor = tensor.contiguous(memory_format=torch.channels_last)
    tensor.requires_grad_()
    y = module(tensor)
    assert np.array_equal(y.detach().numpy(), reference.max_pool2d(x, **options))
    dy = numbers(*y.shape)
    y.backward(torch.from_numpy(dy))
    assert close(tensor.grad.numpy(), reference.max_pool2d_backward(x, dy, **options))


@QUICK
@given(sizes, windows(pool=True), st.booleans())
def test_torch_mean_pools_equal_the_reference(size, options, count_padding):
    layer = MeanPool("layer", count_padding=count_padding, **options)
    fitting(layer, size)
    x = numbers(2, *size)
    y, dy, gradients, _ = through_torch(layer, x)
    assert close(y, reference.mean_pool2d(x, **options, count_padding=count_padding))
    assert close(gradients["input"], reference.mean_pool2d_backward(x, dy, **options, count_padding=count_padding))


@QUICK
@given(st.integers(1, 9), st.integers(0, 3), st.floats(0.5, 3), st.floats(0, 1), st.floats(0.1, 2), st.integers(1, 4))
def test_torch_local_response_norms_equal_the_reference(channels, reach, k, alpha, beta, size):
    options = {"n": 2 * reach + 1, "k": k, "alpha": alpha, "beta": beta}
    x = numbers(2, channels, size, 3)
    y, dy, gradients, _ = through_torch(LocalResponseNorm("layer", **options), x)
    assert close(y, reference.local_response_norm(x, **options))
    assert close(gradients["input"], reference.local_response_norm_backward(x, dy, **options))


@QUICK
@given(st.integers(1, 7), st.integers(1, 7))
def test_torch_linear_layers_relu_and_softmax_equal_the_reference(inputs, units):
    x = numbers(3, inputs)
    y, dy, gradients, values = through_torch(Linear("layer", units), x)
    assert close(y, reference.linear(x, values["weight"], values["bias"]))
    want = reference.linear_backward(x, values["weight"], dy)
    assert all(close(gradients[name], getattr(want, name)) for name in ("input", "weight", "bias"))
    for layer, forward, backward in (
        (ReLU("layer"), reference.relu, reference.relu_backward),
        (Softmax("layer"), reference.softmax, reference.softmax_backward),
    ):
        y, dy, gradients, _ = through_torch(layer, x)
        assert close(y, forward(x))
        assert close(gradients["input"], backward(x, dy))
