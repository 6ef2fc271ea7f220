"""Pooling: each works on every map on its own."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from casecnn import layers
from casecnn.layers.shapes import Shape, pair
from casecnn.torch_net.padding import Windows, padded
from casecnn.torch_net.registry import TORCH


@TORCH.runs(layers.MaxPool)
class MaxPool(nn.Module):
    """MaxPool: [N, C, H, W] to [N, C, H', W']."""

    def __init__(self, layer: layers.MaxPool, shape: Shape) -> None:
        super().__init__()
        self.layer = layer
        self.windows, self.kernel, self.stride = Windows(layer), pair(layer.kernel), layer.step

    def forward(self, x: Tensor) -> Tensor:
        rows, columns, padding = self.windows.of(x)
        kernel = self.kernel
        if padding is None or 2 * padding[0] > kernel[0] or 2 * padding[1] > kernel[1]:
            x, padding = padded(x, rows, columns, float("-inf")), (0, 0)
        return F.max_pool2d(x, kernel, self.stride, padding)


@TORCH.runs(layers.MeanPool)
class MeanPool(nn.Module):
    """MeanPool: [N, C, H, W] to [N, C, H', W']."""

    def __init__(self, layer: layers.MeanPool, shape: Shape) -> None:
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


@TORCH.runs(layers.GlobalMeanPool)
class GlobalMeanPool(nn.Module):
    """GlobalMeanPool: [N, C, H, W] to [N, C]."""

    def __init__(self, layer: layers.GlobalMeanPool, shape: Shape) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


@TORCH.runs(layers.AdaptiveMeanPool)
class AdaptiveMeanPool(nn.AdaptiveAvgPool2d):
    """AdaptiveMeanPool: [N, C, H, W] to [N, C, size, size]."""

    def __init__(self, layer: layers.AdaptiveMeanPool, shape: Shape) -> None:
        super().__init__(layer.size)


@TORCH.runs(layers.MaxOverTime)
class MaxOverTime(nn.Module):
    """MaxOverTime: [N, C, length, 1] to [N, C]; of equal values, the first gets the gradient."""

    def __init__(self, layer: layers.MaxOverTime, shape: Shape) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).max(2).values
