"""GoogLeNet (Szegedy 2015): the paper's, with 5x5 branches and both auxiliary heads, and torchvision's."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.layers import (
    AdaptiveMeanPool,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    GlobalMeanPool,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool,
    MeanPool,
    Softmax,
)
from casecnn.nets.declaration import Declaration


@dataclass(frozen=True)
class Inception:
    """One inception row of table 1; the fields are its columns."""

    name: str
    conv1x1: int
    reduce3x3: int
    conv3x3: int
    reduce5x5: int
    conv5x5: int
    pool_proj: int


TABLE_1 = (
    Inception("3a", 64, 96, 128, 16, 32, 32),
    Inception("3b", 128, 128, 192, 32, 96, 64),
    Inception("4a", 192, 96, 208, 16, 48, 64),
    Inception("4b", 160, 112, 224, 24, 64, 64),
    Inception("4c", 128, 128, 256, 24, 64, 64),
    Inception("4d", 112, 144, 288, 32, 64, 64),
    Inception("4e", 256, 160, 320, 32, 128, 128),
    Inception("5a", 256, 160, 320, 32, 128, 128),
    Inception("5b", 384, 192, 384, 48, 128, 128),
)


@dataclass(frozen=True, kw_only=True)
class GoogLeNet(Declaration):
    """Table 1, with the auxiliary heads of section 5 on 4a (``aux1``) and 4d (``aux2``).

    ``kernel5x5`` is the kernel of the table's 5x5 column. With ``batch_norm`` every convolution has BatchNorm, epsilon
    1e-3, and no bias, and there is no local response normalisation. ``dropout`` and ``aux_dropout`` are shares dropped.
    """

    kernel5x5: int = 5
    batch_norm: bool = False
    dropout: float = 0.4
    aux_dropout: float = 0.7
    pool4: int = 3
    """Kernel of the pool between 4e and 5a."""
    adaptive: bool = False
    """Average the heads' maps to 4x4 whatever their size, not over 5x5 windows with stride 3."""

    def conv(self, name: str, channels: int, kernel: int = 1, stride: int = 1) -> tuple[Layer, ...]:
        """A convolution, padded to keep its size, with ReLU; with BatchNorm between the two where there is one."""
        padding = kernel // 2
        if not self.batch_norm:
            return (Conv(name, channels, kernel, stride, padding, activation="relu", rounding="floor"),)
        conv = Conv(name, channels, kernel, stride, padding, bias=False, rounding="floor")
        return conv, BatchNorm(f"{name}_norm", epsilon=1e-3, activation="relu")

    def inception(self, row: Inception) -> Branches:
        """Four branches side by side: 1x1; 1x1, 3x3; 1x1, 5x5; max pool, 1x1."""
        return Branches(
            f"inception{row.name}",
            (
                self.conv("conv1x1", row.conv1x1),
                (*self.conv("reduce3x3", row.reduce3x3), *self.conv("conv3x3", row.conv3x3, 3)),
                (*self.conv("reduce5x5", row.reduce5x5), *self.conv("conv5x5", row.conv5x5, self.kernel5x5)),
                (MaxPool("pool", 3, stride=1, padding=1), *self.conv("pool_proj", row.pool_proj)),
            ),
        )

    def head(self, name: str, classes: int) -> AuxiliaryHead:
        """Average pool, 1x1 convolution with 128 filters, 1,024 units, dropout, classes."""
        pool = AdaptiveMeanPool("pool", 4) if self.adaptive else MeanPool("pool", 5, stride=3, rounding="floor")
        return AuxiliaryHead(
            name,
            (
                pool,
                *self.conv("conv", 128),
                Flatten("flatten"),
                Linear("fc1", 1024, activation="relu"),
                Dropout("dropout", self.aux_dropout),
                Linear("fc2", classes),
                Softmax("softmax"),
            ),
        )

    def norm(self, name: str) -> tuple[Layer, ...]:
        """Local response normalisation, where there is no BatchNorm."""
        return () if self.batch_norm else (LocalResponseNorm(name),)

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        blocks: list[Layer] = []
        for row in TABLE_1:
            blocks.append(self.inception(row))
            if row.name in ("4a", "4d"):
                blocks.append(self.head("aux1" if row.name == "4a" else "aux2", classes))
            if row.name in ("3b", "4e"):
                kernel, number = (3, 3) if row.name == "3b" else (self.pool4, 4)
                blocks.append(MaxPool(f"pool{number}", kernel, stride=2, rounding="ceil"))
        return (
            *self.conv("conv1", 64, 7, 2),
            MaxPool("pool1", 3, stride=2, rounding="ceil"),
            *self.norm("norm1"),
            *self.conv("conv2_reduce", 64),
            *self.conv("conv2", 192, 3),
            *self.norm("norm2"),
            MaxPool("pool2", 3, stride=2, rounding="ceil"),
            *blocks,
            GlobalMeanPool("pool5"),
            Dropout("dropout", self.dropout),
            Linear("fc", classes),
            Softmax("softmax"),
        )


GOOGLENETS = (
    GoogLeNet(
        name="googlenet",
        summary="the paper's: 5x5 branches, local response normalisation, two auxiliary heads",
        paper="Szegedy 2015, table 1 and section 5",
        differs=("where the paper leaves the normalisation open, that of AlexNet: n 5, k 2, alpha 1e-4, beta 0.75",),
    ),
    GoogLeNet(
        name="googlenet-torchvision",
        summary="torchvision's: BatchNorm, 3x3 in the place of 5x5",
        paper="Szegedy 2015, table 1, as torchvision has it",
        kernel5x5=3,
        batch_norm=True,
        dropout=0.2,
        aux_dropout=0.7,
        pool4=2,
        adaptive=True,
        differs=(
            "3x3 where the paper has 5x5: a known slip, which the published weights were trained with",
            "BatchNorm after every convolution, which has no bias; no local response normalisation",
            "the pool before 5a is 2x2, dropout is 20 %, not 40 %",
            "the auxiliary heads average to 4x4 by cells that adapt to the map's size",
        ),
    ),
)
