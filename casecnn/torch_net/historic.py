"""The layers that LeNet-5 had in 1998: a table of connections, trainable sub-sampling, radial basis functions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn import layers
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Shape, pair
from casecnn.torch_net.padding import padded
from casecnn.torch_net.pointwise import activated
from casecnn.torch_net.registry import TORCH


@TORCH.runs(layers.TableConv)
class TableConv(nn.Module):
    """TableConv: [N, C, H, W] to [N, outputs, H', W']; ``weight`` is [connections, height, width].

    The kernels are laid into a full weight that is zero elsewhere, which a plain convolution then takes: the maps of
    LeNet-5 are so few that skipping the zeros would cost more than it saves.
    """

    def __init__(self, layer: layers.TableConv, shape: Shape) -> None:
        super().__init__()
        self.layer = layer
        self.activation: Activation = layer.activation
        self.in_channels = shape[0]
        self.weight = nn.Parameter(torch.empty(len(layer.connections), *pair(layer.kernel)))
        self.bias = nn.Parameter(torch.empty(len(layer.table)))

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        outputs, inputs = (list(maps) for maps in zip(*layer.connections, strict=True))
        full = self.weight.new_zeros(len(layer.table), self.in_channels, *pair(layer.kernel))
        full[outputs, inputs] = self.weight
        rows, columns = layer.spans(x.shape[2], x.shape[3])
        y = F.conv2d(padded(x, rows, columns), full, self.bias, pair(layer.stride))
        return activated(y, self.activation)


@TORCH.runs(layers.Subsampling)
class Subsampling(nn.Module):
    """Subsampling: [N, C, H, W] to [N, C, H', W']; ``weight`` and ``bias`` are [C]."""

    def __init__(self, layer: layers.Subsampling, shape: Shape) -> None:
        super().__init__()
        self.layer = layer
        self.activation: Activation = layer.activation
        self.weight = nn.Parameter(torch.empty(shape[0]))
        self.bias = nn.Parameter(torch.empty(shape[0]))

    def forward(self, x: Tensor) -> Tensor:
        kernel = pair(self.layer.kernel)
        self.layer.spans(x.shape[2], x.shape[3])  # refuses a map that does not fit
        sums = F.avg_pool2d(x, kernel, divisor_override=1)
        return activated(sums * self.weight[:, None, None] + self.bias[:, None, None], self.activation)


@TORCH.runs(layers.RadialBasis)
class RadialBasis(nn.Module):
    """RadialBasis: [N, n] to [N, centres]; the centres are part of the declaration, not of the state dict."""

    centres: Tensor

    def __init__(self, layer: layers.RadialBasis, shape: Shape) -> None:
        super().__init__()
        centres = torch.tensor(layer.centres, dtype=torch.get_default_dtype())
        self.register_buffer("centres", centres, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return -(x[:, None] - self.centres).square().sum(2)
