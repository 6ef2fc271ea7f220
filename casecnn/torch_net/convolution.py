"""The layers that hold weights: Conv, Linear, and the bias per position of AlphaGo's last layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn import layers
from casecnn.errors import InputError
from casecnn.kernels import dispatch
from casecnn.kernels.allowed import EVERYTHING, Allowed
from casecnn.kernels.convolution import Convolution
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Pair, Shape, pair, shape_text, sides
from casecnn.torch_net.padding import Windows
from casecnn.torch_net.pointwise import activated
from casecnn.torch_net.registry import TORCH


@TORCH.runs(layers.Conv)
class Conv(nn.Conv2d):
    """Conv: [N, C, H, W] to [N, channels, H', W']. ``allowed`` says which kernels training may use."""

    allowed: Allowed = EVERYTHING

    def __init__(self, layer: layers.Conv, shape: Shape) -> None:
        super().__init__(
            shape[0],
            layer.channels,
            pair(layer.kernel),
            pair(layer.stride),
            dilation=pair(layer.dilation),
            groups=layer.groups,
            bias=layer.bias,
        )
        self.layer = layer
        self.windows = Windows(layer)
        self.activation: Activation = layer.activation

    def forward(self, input: Tensor) -> Tensor:
        x, padding = self.windows.padded(input)
        if self.allowed.hidden_tiles and x.device.type == "cpu" and _autocast_to_bfloat16():
            y = dispatch.training(x, self.facts(), padding, self.allowed)
            if y is not None:
                return y if self.activation == "relu" else activated(y, self.activation)
            with torch.autocast("cpu", enabled=False):  # without tiles bfloat16 is the slower one
                return self._by_torch(x.float(), padding)
        return self._by_torch(x, padding)

    def _by_torch(self, x: Tensor, padding: Pair) -> Tensor:
        if self.training and self._is_wide(x) and torch.is_grad_enabled():
            from casecnn.gradients import winograd  # numba takes its time to load

            own = self.facts()
            if winograd.fits(own, x, padding):
                return winograd.conv2d(x, self.weight, self.bias, padding, own.activation == "relu")
        y = F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return activated(y, self.activation)

    def _is_wide(self, x: Tensor) -> bool:
        """Whether it is worth it to load numba and see if Winograd's algorithm is faster in training."""
        large = min(self.kernel_size) >= 3 and min(self.weight.shape[:2]) >= 32 and x.dim() == 4
        plain = large and x.device.type == "cpu" and x.dtype == self.weight.dtype == torch.float32
        return (
            plain
            and self.allowed.winograd
            and not torch.is_autocast_enabled("cpu")
            and len(x) * x[0, 0].numel() >= 8000
        )

    def facts(self) -> Convolution:
        """What a kernel is told."""
        layer = self.layer
        even = None
        if not isinstance(layer.padding, str) and (layer.rounding != "ceil" or pair(layer.stride) == (1, 1)):
            (top, bottom), (left, right) = sides(layer.padding)
            even = (top, left) if (top, left) == (bottom, right) else None
        return Convolution(
            self.weight, self.bias, pair(layer.stride), even, pair(layer.dilation), self.groups, self.activation
        )

    def reset_parameters(self) -> None:
        """Nothing: `casecnn.torch_net.initialise` fills the parameters."""


def _autocast_to_bfloat16() -> bool:
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


@TORCH.runs(layers.Linear)
class Linear(nn.Linear):
    """Linear: [N, n] to [N, units]."""

    def __init__(self, layer: layers.Linear, shape: Shape) -> None:
        super().__init__(shape[0], layer.units, layer.bias)
        self.activation: Activation = layer.activation

    def forward(self, input: Tensor) -> Tensor:
        return activated(super().forward(input), self.activation)

    def reset_parameters(self) -> None:
        """Nothing: `casecnn.torch_net.initialise` fills the parameters."""


@TORCH.runs(layers.PositionBias)
class PositionBias(nn.Module):
    """PositionBias: [N, C, H, W] plus ``bias`` [C, H, W]."""

    def __init__(self, layer: layers.PositionBias, shape: Shape) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(shape))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != self.bias.shape:
            fixed, got = shape_text(self.bias.shape), shape_text(x.shape[1:])
            raise InputError(f"a bias per position is made for maps of {fixed}, got {got}; build the net for that size")
        return x + self.bias
