"""Nets in NumPy float32 against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from casecnn.errors import InputError
from casecnn.layers import Conv, Flatten, Linear, MaxPool, Net, PositionBias, ReLU, Softmax
from casecnn.numpy_net import NumpyNet
from casecnn.reference import net as reference_net

CONVOLUTIONS = {
    "padded": Conv("conv", 5, kernel=3, padding=1, activation="relu"),
    "valid": Conv("conv", 5, kernel=(2, 3), padding="valid", bias=False),
    "same": Conv("conv", 5, kernel=4, stride=2, padding="same"),
    "strides": Conv("conv", 5, kernel=3, stride=(2, 3), padding=((1, 0), (2, 1)), rounding="floor"),
    "overhang": Conv("conv", 5, kernel=3, stride=3, rounding="ceil"),
    "dilated": Conv("conv", 5, kernel=3, dilation=(2, 1), padding=(2, 0), activation="relu"),
    "pointwise": Conv("conv", 5, kernel=1),
}


def arrays_of(net: Net, layers: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in layers.items()}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name):
    conv = CONVOLUTIONS[name]
    net = Net("net", (4, 10, 11), (conv,))
    kernel = conv.kernel if isinstance(conv.kernel, tuple) else (conv.kernel, conv.kernel)
    shapes = {"conv.weight": (5, 4, *kernel)} | ({"conv.bias": (5,)} if conv.bias else {})
    arrays = arrays_of(net, shapes)
    x = np.random.default_rng(8).normal(size=(3, 4, 10, 11))
    wanted = reference_net.forward(net, arrays, x)
    found = NumpyNet(net, arrays)(x)
    assert found.dtype == np.float32 and found.shape == wanted.shape
    assert np.allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_chain_from_bytes_to_logits():
    layers = (Conv("conv1", 6, kernel=3, padding=1), ReLU("relu"), Conv("conv2", 2, kernel=1, bias=False))
    net = Net("net", (4, 5, 6), (*layers, PositionBias("place"), Flatten("flatten"), Softmax("softmax")))
    arrays = arrays_of(
        net, {"conv1.weight": (6, 4, 3, 3), "conv1.bias": (6,), "conv2.weight": (2, 6, 1, 1), "place.bias": (2, 5, 6)}
    )
    x = np.random.default_rng(8).integers(0, 2, (3, 4, 5, 6), dtype=np.uint8)
    found = NumpyNet(net, {name: array.astype(np.float64) for name, array in arrays.items()})(x)
    assert found.dtype == np.float32 and found.shape == (3, 60)
    assert np.allclose(found, reference_net.forward(net, arrays, x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        MaxPool("pool", 2),
        Conv("conv", 4, kernel=1, groups=2),
        Conv("conv", 4, kernel=1, activation="tanh"),
    ],
)
def test_layers_that_are_not_here(layer):
    with pytest.raises(
        InputError, match=r"^net `net`: .* has no NumPy version: only .*; use `casecnn.torch_net.build.build`$"
    ):
        NumpyNet(Net("net", (4, 6, 6), (layer, Flatten("flatten"), Linear("fc", 3))), {})


def test_arrays_that_do_not_fit():
    net = Net("net", (4, 6, 6), (Conv("conv", 5, kernel=1),))
    right = {"conv.weight": np.zeros((5, 4, 1, 1), np.float32), "conv.bias": np.zeros(5, np.float32)}
    NumpyNet(net, right)
    for wrong in (
        {**right, "more": np.zeros(1)},
        {"conv.weight": right["conv.weight"]},
        {**right, "conv.bias": np.zeros(4)},
    ):
        with pytest.raises(InputError, match="^the arrays do not fit the net `net`$"):
            NumpyNet(net, wrong)
