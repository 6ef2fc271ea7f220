"""Network in Network (Lin 2014): mlpconv blocks, a convolution followed by two 1x1 convolutions."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.layers import Conv, Dropout, GlobalMeanPool, Layer, MaxPool, MeanPool, Softmax
from casecnn.nets.declaration import Declaration


@dataclass(frozen=True)
class MlpConv:
    """One block: ``filters`` of ``kernel`` x ``kernel``, then 1x1 convolutions (the paper's cccp layers) with ``mlp``.

    The last block's second 1x1 has as many filters as there are classes.
    """

    kernel: int
    filters: int
    mlp: tuple[int, int]
    stride: int = 1
    padding: int = 0

    def layers(self, number: int) -> tuple[Layer, ...]:
        """The three convolutions, each with ReLU."""
        first = Conv(
            f"conv{number}", self.filters, self.kernel, self.stride, self.padding, activation="relu", rounding="floor"
        )
        second, third = (Conv(f"cccp{number}_{i}", width, 1, activation="relu") for i, width in enumerate(self.mlp, 1))
        return first, second, third


@dataclass(frozen=True, kw_only=True)
class NetworkInNetwork(Declaration):
    """Blocks with 3x3/2 pools and dropout between them, then the mean of each class's map: no fully connected layer.

    ``pools`` says which pool follows each block but the last.
    """

    blocks: tuple[MlpConv, ...]
    pools: tuple[type[MaxPool] | type[MeanPool], ...]
    dropouts: tuple[bool, ...]

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        layers: list[Layer] = []
        for number, block in enumerate(self.blocks, 1):
            if number == len(self.blocks):
                block = MlpConv(block.kernel, block.filters, (block.mlp[0], classes), block.stride, block.padding)
            layers += block.layers(number)
            if number < len(self.blocks):
                layers.append(self.pools[number - 1](f"pool{number}", 3, stride=2, rounding="ceil"))
                if self.dropouts[number - 1]:
                    layers.append(Dropout(f"drop{number}"))
        return *layers, GlobalMeanPool(f"pool{len(self.blocks)}"), Softmax("softmax")


NINS = (
    NetworkInNetwork(
        name="nin-cifar10",
        summary="three mlpconv blocks for 32x32",
        paper="Lin 2014, section 4.2, with the widths of the authors' published model",
        blocks=(
            MlpConv(5, 192, (160, 96), padding=2),
            MlpConv(5, 192, (192, 192), padding=2),
            MlpConv(3, 192, (192, 10), padding=1),
        ),
        pools=(MaxPool, MeanPool),
        dropouts=(True, True),
        classes=10,
        size=32,
    ),
    NetworkInNetwork(
        name="nin-imagenet",
        summary="four mlpconv blocks for ImageNet",
        paper="Lin 2014, with the widths of the authors' published ImageNet model",
        blocks=(
            MlpConv(11, 96, (96, 96), stride=4),
            MlpConv(5, 256, (256, 256), padding=2),
            MlpConv(3, 384, (384, 384), padding=1),
            MlpConv(3, 1024, (1024, 1000), padding=1),
        ),
        pools=(MaxPool, MaxPool, MaxPool),
        dropouts=(False, False, True),
    ),
)
