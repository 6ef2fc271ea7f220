"""A declared net in NumPy float32, for work that is done before torch is even imported.

A convolution gathers the input below each window into a row of a matrix and multiplies that by the filters. Channels
stand last, so that a row is a few long runs of numbers. Only the layers of chains of convolutions are here; everything
else is for `casecnn.torch_net.build`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

import numpy as np

from casecnn import layers
from casecnn.errors import InputError
from casecnn.layers.engine import Engine
from casecnn.layers.shapes import Shape, pair

L = TypeVar("L", bound=layers.Layer)


class Runs(Protocol):
    """A layer with its arrays: float32, channels last."""

    shapes: Mapping[str, Shape]

    def take(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the arrays, of the ``shapes`` that it needs, by their own names."""
        ...

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """What the layer gives for [N, H, W, C]."""
        ...


class Make(Protocol):
    """Makes a layer for an input of a shape."""

    def __call__(self, layer: layers.Layer, shape: Shape) -> Runs:
        """Return the layer, which then takes its arrays."""
        ...


NUMPY: Engine[Make] = Engine("NumPy version")
REASON = "only chains of plain convolutions run without torch; use `casecnn.torch_net.build.build`"
NUMPY.lacks(
    REASON,
    layers.Linear,
    layers.MaxPool,
    layers.MeanPool,
    layers.AdaptiveMeanPool,
    layers.GlobalMeanPool,
    layers.MaxOverTime,
    layers.LocalResponseNorm,
    layers.BatchNorm,
    layers.Tanh,
    layers.ScaledTanh,
    layers.Sigmoid,
    layers.Softmax,
    layers.Dropout,
    layers.Residual,
    layers.Branches,
    layers.Repeat,
    layers.AuxiliaryHead,
    layers.TableConv,
    layers.Subsampling,
    layers.RadialBasis,
)


class NumpyNet:
    """A net of Conv (one group, ReLU or no activation), ReLU, PositionBias and Flatten with its weights, for inference.

    `arrays` are those of the built module's state dict, of any floating-point type. A Softmax that stands last is left
    out, as in `casecnn.torch_net.build.build`. Raises `InputError` for another layer and for arrays that do not fit the
    net.
    """

    def __init__(self, net: layers.Net, arrays: Mapping[str, np.ndarray]) -> None:
        self.net = net
        rows = net.rows[:-1] if isinstance(net.layers[-1], layers.Softmax) else net.rows
        try:
            self._layers = [(row.name, NUMPY.entry(row.layer)(row.layer, row.input_shape)) for row in rows]
        except InputError as error:
            raise InputError(f"net `{net.name}`: {error}") from None
        wanted = {f"{path}.{name}": shape for path, layer in self._layers for name, shape in layer.shapes.items()}
        if {name: array.shape for name, array in arrays.items()} != wanted:
            raise InputError(f"the arrays do not fit the net `{net.name}`")
        for path, layer in self._layers:
            layer.take({name: _channels_last(arrays[f"{path}.{name}"].astype(np.float32)) for name in layer.shapes})

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The net's logits: [N, *net.input] of any type to float32 [N, *net.output_shape]."""
        y = np.ascontiguousarray(np.moveaxis(x, 1, -1), np.float32)
        for _, layer in self._layers:
            y = layer(y)
        return np.moveaxis(y, -1, 1) if y.ndim == 4 else y


class WithArrays(Generic[L]):
    """Base of the layers; ``shapes`` are those of the arrays it needs, by their own names."""

    def __init__(self, layer: L, shape: Shape) -> None:
        self.layer = layer
        self.shapes: dict[str, Shape] = {}
        self.arrays: Mapping[str, np.ndarray] = {}

    def take(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the arrays, filters as [rows, columns, channels, filters], a bias for each position channels last."""
        self.arrays = arrays


@NUMPY.runs(layers.Conv)
class Conv(WithArrays[layers.Conv]):
    """Conv of one group, with ReLU or no activation."""

    def __init__(self, layer: layers.Conv, shape: Shape) -> None:
        super().__init__(layer, shape)
        if layer.groups > 1 or layer.activation not in (None, "relu"):
            raise InputError(f"{layer} has no NumPy version: {REASON}")
        self.shapes["weight"] = (layer.channels, shape[0], *pair(layer.kernel))
        if layer.bias:
            self.shapes["bias"] = (layer.channels,)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] to [N, H', W', channels]."""
        layer = self.layer
        kernel, stride, dilation = pair(layer.kernel), pair(layer.stride), pair(layer.dilation)
        rows, columns = layer.spans(x.shape[1], x.shape[2])
        around = [(span.before, span.after + span.overhang) for span in (rows, columns)]
        padded = np.pad(x, ((0, 0), *around, (0, 0)))
        n, _, _, channels = padded.shape
        image, down, right, one = padded.strides
        windows = np.lib.stride_tricks.as_strided(
            padded,
            (n, rows.windows, columns.windows, *kernel, channels),
            (image, down * stride[0], right * stride[1], down * dilation[0], right * dilation[1], one),
            writeable=False,
        )
        y = windows.reshape(n * rows.windows * columns.windows, -1) @ self.arrays["weight"].reshape(-1, layer.channels)
        if layer.bias:
            y += self.arrays["bias"]
        if layer.activation:
            np.maximum(y, 0, out=y)
        return y.reshape(n, rows.windows, columns.windows, layer.channels)


@NUMPY.runs(layers.PositionBias)
class PositionBias(WithArrays[layers.PositionBias]):
    """A bias for each position of each map."""

    def __init__(self, layer: layers.PositionBias, shape: Shape) -> None:
        super().__init__(layer, shape)
        self.shapes["bias"] = shape

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] plus [H, W, C]."""
        return x + self.arrays["bias"]


@NUMPY.runs(layers.ReLU)
class ReLU(WithArrays[layers.ReLU]):
    """max(x, 0)."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Any shape."""
        return np.maximum(x, 0)


@NUMPY.runs(layers.Flatten)
class Flatten(WithArrays[layers.Flatten]):
    """(C, H, W) to a vector, channel by channel."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] to [N, C * H * W]."""
        return np.moveaxis(x, -1, 1).reshape(len(x), -1)


def _channels_last(array: np.ndarray) -> np.ndarray:
    """Filters as [rows, columns, channels, filters], a bias for each position as [rows, columns, channels]."""
    if array.ndim == 4:
        array = array.transpose(2, 3, 1, 0)
    elif array.ndim == 3:
        array = array.transpose(1, 2, 0)
    return np.ascontiguousarray(array)
