"""The torch modules that `casecnn.torch_net.build` makes of layer descriptions.

Tensors are [N, C, H, W] for maps and [N, n] for vectors. Windows are laid by `casecnn.layers.shapes` on the input that
comes, so that a net also runs on other sizes than the declared one where its layers allow, and refuses those that do
not fit.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from casecnn.errors import InputError
from casecnn.kernels.cpu import HIDDEN_TILES
from casecnn.kernels.padding import even, padded, padded_for
from casecnn.layers.composite import Branches, Residual
from casecnn.layers.convolution import Conv, Linear
from casecnn.layers.historic import RadialBasis, Subsampling, TableConv
from casecnn.layers.layer import Activation
from casecnn.layers.normalisation import BatchNorm, LocalResponseNorm
from casecnn.layers.pointwise import SCALED_TANH
from casecnn.layers.pooling import MaxPool, MeanPool
from casecnn.layers.shapes import Pair, pair, shape_text


def activated(x: Tensor, activation: Activation) -> Tensor:
    """The activation of ``x``, which nothing else may need: ReLU overwrites it."""
    if activation == "relu":
        return F.relu(x, inplace=True)
    if activation == "scaled_tanh":
        return scaled_tanh(x)
    return x if activation is None else torch.tanh(x) if activation == "tanh" else torch.sigmoid(x)


def scaled_tanh(x: Tensor) -> Tensor:
    """1.7159 * tanh(2/3 * x)."""
    amplitude, slope = SCALED_TANH
    return amplitude * torch.tanh(slope * x)


class Chain(nn.Module):
    """Named modules one after the other."""

    def __init__(self, parts: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__()
        for name, part in parts:
            add(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.children():
            x = part(x)
        return x


def _autocast_to_bfloat16() -> bool:
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


class Convolution(nn.Conv2d):
    """Conv: [N, C, H, W] to [N, channels, H', W']."""

    def __init__(self, layer: Conv, in_channels: int) -> None:
        super().__init__(
            in_channels,
            layer.channels,
            pair(layer.kernel),
            pair(layer.stride),
            dilation=pair(layer.dilation),
            groups=layer.groups,
            bias=layer.bias,
        )
        self.layer = layer
        self.activation: Activation = layer.activation

    def forward(self, input: Tensor) -> Tensor:
        x, padding = padded_for(input, self.layer)
        stride, dilation = pair(self.layer.stride), pair(self.layer.dilation)
        if HIDDEN_TILES and x.device.type == "cpu" and _autocast_to_bfloat16():
            from casecnn.kernels import amx_gradients as tile_gradients  # numba takes its time to load

            if tile_gradients.fits(self, padding, len(x)):
                relu = self.activation == "relu"
                y = tile_gradients.conv2d(x, self.weight, self.bias, padding, relu)
                return y if relu else activated(y, self.activation)
            with torch.autocast("cpu", enabled=False):  # without tiles bfloat16 is the slower one
                y = F.conv2d(x.float(), self.weight, self.bias, stride, padding, dilation, self.groups)
                return activated(y, self.activation)
        y = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, self.groups)
        return activated(y, self.activation)

    def reset_parameters(self) -> None:
        """Nothing: `casecnn.torch_net.initialise` fills the parameters."""


class FullyConnected(nn.Linear):
    """Linear: [N, n] to [N, units]."""

    def __init__(self, layer: Linear, in_units: int) -> None:
        super().__init__(in_units, layer.units, layer.bias)
        self.activation: Activation = layer.activation

    def forward(self, input: Tensor) -> Tensor:
        return activated(super().forward(input), self.activation)

    def reset_parameters(self) -> None:
        """Nothing: `casecnn.torch_net.initialise` fills the parameters."""


class BatchNormalisation(_BatchNorm):
    """BatchNorm over axis 1 of [N, C, H, W] or [N, n]."""

    def __init__(self, layer: BatchNorm, channels: int) -> None:
        super().__init__(channels, layer.epsilon, layer.momentum)
        self.activation: Activation = layer.activation

    def _check_input_dim(self, input: Tensor) -> None:
        """Maps and vectors are both welcome."""

    def forward(self, input: Tensor) -> Tensor:
        return activated(super().forward(input), self.activation)


class TableConvolution(nn.Module):
    """TableConv: [N, C, H, W] to [N, outputs, H', W']; ``weight`` is [connections, height, width].

    The kernels are laid into a full weight that is zero elsewhere, which a plain convolution then takes: the maps of
    LeNet-5 are so few that skipping the zeros would cost more than it saves.
    """

    def __init__(self, layer: TableConv, in_channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.in_channels = in_channels
        self.weight = nn.Parameter(torch.empty(len(layer.connections), *pair(layer.kernel)))
        self.bias = nn.Parameter(torch.empty(len(layer.table)))

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        outputs, inputs = (list(maps) for maps in zip(*layer.connections, strict=True))
        full = self.weight.new_zeros(len(layer.table), self.in_channels, *pair(layer.kernel))
        full[outputs, inputs] = self.weight
        rows, columns = layer.spans(x.shape[2], x.shape[3])
        y = F.conv2d(padded(x, rows, columns), full, self.bias, pair(layer.stride))
        return activated(y, layer.activation)


class TrainableSubsampling(nn.Module):
    """Subsampling: [N, C, H, W] to [N, C, H', W']; ``weight`` and ``bias`` are [C]."""

    def __init__(self, layer: Subsampling, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, x: Tensor) -> Tensor:
        kernel = pair(self.layer.kernel)
        self.layer.spans(x.shape[2], x.shape[3])  # refuses a map that does not fit
        sums = F.avg_pool2d(x, kernel, divisor_override=1)
        return activated(sums * self.weight[:, None, None] + self.bias[:, None, None], self.layer.activation)


class RadialBasisFunctions(nn.Module):
    """RadialBasis: [N, n] to [N, centres]; the centres are part of the declaration, not of the state dict."""

    centres: Tensor

    def __init__(self, layer: RadialBasis) -> None:
        super().__init__()
        centres = torch.tensor(layer.centres, dtype=torch.get_default_dtype())
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return -(x[:, None] - self.centres).square().sum(2)


class AdaptiveMeanPooling(nn.AdaptiveAvgPool2d):
    """AdaptiveMeanPool: [N, C, H, W] to [N, C, size, size]."""


class MaxPooling(nn.Module):
    """MaxPool: [N, C, H, W] to [N, C, H', W']."""

    def __init__(self, layer: MaxPool) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.layer.spans(x.shape[2], x.shape[3])
        kernel, padding = pair(self.layer.kernel), (rows.before, columns.before)
        if not (even(rows, columns) and 2 * padding[0] <= kernel[0] and 2 * padding[1] <= kernel[1]):
            x, padding = padded(x, rows, columns, float("-inf")), (0, 0)
        return F.max_pool2d(x, kernel, self.layer.step, padding)


class MeanPooling(nn.Module):
    """MeanPool: [N, C, H, W] to [N, C, H', W']."""

    def __init__(self, layer: MeanPool) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows, columns = self.layer.spans(height, width)
        kernel, step = pair(self.layer.kernel), self.layer.step
        if not any((rows.before, rows.after, rows.overhang, columns.before, columns.after, columns.overhang)):
            return F.avg_pool2d(x, kernel, step)
        cells = x.new_ones(1, 1, height, width)
        if self.layer.count_padding:
            cells = F.pad(cells, (columns.before, columns.after, rows.before, rows.after), value=1.0)
            cells = F.pad(cells, (0, columns.overhang, 0, rows.overhang))
        else:
            cells = padded(cells, rows, columns)
        return F.avg_pool2d(padded(x, rows, columns), kernel, step) / F.avg_pool2d(cells, kernel, step)


class ScaledHyperbolicTangent(nn.Module):
    """ScaledTanh, on any shape."""

    def forward(self, x: Tensor) -> Tensor:
        return scaled_tanh(x)


class GlobalMeanPooling(nn.Module):
    """GlobalMeanPool: [N, C, H, W] to [N, C]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class MaxOverTimePooling(nn.Module):
    """MaxOverTime: [N, C, length, 1] to [N, C]; of equal values, the first gets the gradient."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).max(2).values


class ResponseNormalisation(nn.Module):
    """LocalResponseNorm by the paper's formula: torch's divides alpha by n, which is undone here."""

    def __init__(self, layer: LocalResponseNorm) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        return F.local_response_norm(x, layer.n, layer.alpha * layer.n, layer.beta, layer.k)


class Bias(nn.Module):
    """PositionBias: [N, C, H, W] plus ``bias`` [C, H, W]."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(shape))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.bias.shape:
            fixed, got = shape_text(self.bias.shape), shape_text(x.shape[1:])
            raise InputError(f"a bias per position is made for maps of {fixed}, got {got}; build the net for that size")
        return x + self.bias


class ResidualBlock(nn.Module):
    """Residual: activation(body(x) + shortcut(x)). ``shortcut`` has no modules where it is x itself or zero-padded."""

    def __init__(self, layer: Residual, body: Chain, shortcut: Chain, stride: Pair) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.stride = stride
        self.activation: Activation = layer.activation

    def forward(self, x: Tensor) -> Tensor:
        y, side = self.body(x), self.shortcut(x)
        if side.shape != y.shape:  # option A: every stride-th cell, new channels zero
            side = side[:, :, :: self.stride[0], :: self.stride[1]]
            side = F.pad(side, (0, 0, 0, 0, 0, y.shape[1] - side.shape[1]))
        return activated(y + side, self.activation)


class SideBySide(nn.Module):
    """Branches: the outputs of all branches, concatenated on axis 1."""

    def __init__(self, layer: Branches, parts: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self.branches = [[step.name for step in branch] for branch in layer.branches]
        for name, part in parts:
            add(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for branch in self.branches:
            y = x
            for name in branch:
                y = getattr(self, name)(y)
            outputs.append(y)
        return torch.cat(outputs, 1)


def add(module: nn.Module, name: str, part: nn.Module) -> None:
    """Make ``part`` the child ``name`` of ``module``; raises InputError where torch has that name for itself."""
    if hasattr(module, name):
        raise InputError(f"layer name `{name}` is one of torch's own attributes of a module; choose another name")
    module.add_module(name, part)
