"""A declared net in NumPy float32, for work that is done before torch is even imported.

A convolution gathers the input below each window into a row of a matrix and multiplies that by the filters. Channels
stand last, so that a row is a few long runs of numbers. Only the layers of chains of convolutions are here; everything
else is for `casecnn.torch_net.build`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from casecnn.errors import InputError
from casecnn.layers.convolution import Conv, PositionBias
from casecnn.layers.net import Net
from casecnn.layers.pointwise import Flatten, ReLU, Softmax
from casecnn.layers.shapes import Shape, pair


class NumpyNet:
    """A net of Conv (one group, ReLU or no activation), ReLU, PositionBias and Flatten with its weights, for inference.

    `arrays` are those of the built module's state dict, of any floating-point type. A Softmax that stands last is left
    out, as in `casecnn.torch_net.build.build`. Raises `InputError` for another layer and for arrays that do not fit the
    net.
    """

    def __init__(self, net: Net, arrays: Mapping[str, np.ndarray]) -> None:
        self.net = net
        self._layers = net.layers[:-1] if isinstance(net.layers[-1], Softmax) else net.layers
        wanted = _shapes(net, self._layers)
        if {name: array.shape for name, array in arrays.items()} != wanted:
            raise InputError(f"the arrays do not fit the net `{net.name}`")
        self._arrays = {name: _channels_last(arrays[name].astype(np.float32)) for name in wanted}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The net's logits: [N, *net.input] of any type to float32 [N, *net.output_shape]."""
        y = np.ascontiguousarray(np.moveaxis(x, 1, -1), np.float32)
        for layer in self._layers:
            if isinstance(layer, Conv):
                y = self._convolve(layer, y)
            elif isinstance(layer, PositionBias):
                y = y + self._arrays[f"{layer.name}.bias"]
            elif isinstance(layer, ReLU):
                y = np.maximum(y, 0)
            else:
                y = np.moveaxis(y, -1, 1).reshape(len(y), -1)
        return np.moveaxis(y, -1, 1) if y.ndim == 4 else y

    def _convolve(self, layer: Conv, x: np.ndarray) -> np.ndarray:
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
        weight = self._arrays[f"{layer.name}.weight"].reshape(-1, layer.channels)
        y = windows.reshape(n * rows.windows * columns.windows, -1) @ weight
        if layer.bias:
            y += self._arrays[f"{layer.name}.bias"]
        if layer.activation:
            np.maximum(y, 0, out=y)
        return y.reshape(n, rows.windows, columns.windows, layer.channels)


def _shapes(net: Net, layers: tuple[object, ...]) -> dict[str, Shape]:
    """The shapes of the arrays that the layers need, by name."""
    wanted: dict[str, Shape] = {}
    inputs = {row.name: row.input_shape for row in net.rows}
    for layer in layers:
        if isinstance(layer, Conv) and layer.groups == 1 and layer.activation in (None, "relu"):
            wanted[f"{layer.name}.weight"] = (layer.channels, inputs[layer.name][0], *pair(layer.kernel))
            if layer.bias:
                wanted[f"{layer.name}.bias"] = (layer.channels,)
        elif isinstance(layer, PositionBias):
            wanted[f"{layer.name}.bias"] = inputs[layer.name]
        elif not isinstance(layer, (ReLU, Flatten)):
            raise InputError(f"net `{net.name}`: {layer} has no NumPy version; use `casecnn.torch_net.build.build`")
    return wanted


def _channels_last(array: np.ndarray) -> np.ndarray:
    """Filters as [rows, columns, channels, filters], a bias for each position as [rows, columns, channels]."""
    if array.ndim == 4:
        array = array.transpose(2, 3, 1, 0)
    elif array.ndim == 3:
        array = array.transpose(1, 2, 0)
    return np.ascontiguousarray(array)
