"""VGG (Simonyan & Zisserman 2015): columns A to E of table 1, and with BatchNorm, which the paper does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from casecnn.layers import BatchNorm, Conv, Dropout, Flatten, Layer, Linear, LocalResponseNorm, MaxPool, Softmax
from casecnn.nets.declaration import Declaration

WIDTHS = (64, 128, 256, 512, 512)
"""Filters of the five blocks: doubled until 512."""


@dataclass(frozen=True, kw_only=True)
class VGG(Declaration):
    """One column of table 1: ``convs`` convolutions in each of the five blocks, padded to keep their size.

    ``last_1x1`` makes the last convolution of blocks 3 to 5 a 1x1 (column C), ``norm`` follows conv1 with local
    response normalisation (A-LRN), ``batch_norm`` every convolution with BatchNorm.
    """

    column: str
    convs: tuple[int, int, int, int, int]
    last_1x1: bool = False
    norm: bool = False
    batch_norm: bool = False

    def conv(self, block: int, number: int) -> tuple[Layer, ...]:
        """``conv{block}_{number}`` with its ReLU, and its normalisation where there is one."""
        kernel = 1 if self.last_1x1 and block >= 3 and number == self.convs[block - 1] else 3
        place = f"{block}_{number}"
        activation: Literal["relu"] | None = None if self.batch_norm else "relu"
        layer = Conv(f"conv{place}", WIDTHS[block - 1], kernel, padding=kernel // 2, activation=activation)
        if self.batch_norm:
            return layer, BatchNorm(f"norm{place}", activation="relu")
        return (layer, LocalResponseNorm(f"norm{place}")) if self.norm and place == "1_1" else (layer,)

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        blocks: list[Layer] = []
        for block, count in enumerate(self.convs, 1):
            for number in range(1, count + 1):
                blocks += self.conv(block, number)
            blocks.append(MaxPool(f"pool{block}", 2, rounding="floor"))
        return (
            *blocks,
            Flatten("flatten"),
            Linear("fc6", 4096, activation="relu"),
            Dropout("drop6"),
            Linear("fc7", 4096, activation="relu"),
            Dropout("drop7"),
            Linear("fc8", classes),
            Softmax("softmax"),
        )


TABLE = "Simonyan & Zisserman 2015, table 1, column "
PLAIN = (
    VGG(name="vgg11", column="A", convs=(1, 1, 2, 2, 2), paper=TABLE + "A", summary="11 layers, column A"),
    VGG(
        name="vgg11-lrn",
        column="A-LRN",
        convs=(1, 1, 2, 2, 2),
        norm=True,
        paper=TABLE + "A-LRN",
        summary="11 layers, local response normalisation after conv1, column A-LRN",
    ),
    VGG(name="vgg13", column="B", convs=(2, 2, 2, 2, 2), paper=TABLE + "B", summary="13 layers, column B"),
    VGG(
        name="vgg16-1x1",
        column="C",
        convs=(2, 2, 3, 3, 3),
        last_1x1=True,
        paper=TABLE + "C",
        summary="16 layers, three of them 1x1, column C",
    ),
    VGG(name="vgg16", column="D", convs=(2, 2, 3, 3, 3), paper=TABLE + "D", summary="16 layers, column D"),
    VGG(name="vgg19", column="E", convs=(2, 2, 4, 4, 4), paper=TABLE + "E", summary="19 layers, column E"),
)
WITH_BATCH_NORM = tuple(
    VGG(
        name=f"{row.name}-bn",
        column=row.column,
        convs=row.convs,
        last_1x1=row.last_1x1,
        batch_norm=True,
        paper=row.paper,
        summary=f"{row.summary}, with BatchNorm",
        differs=("BatchNorm after every convolution, which is younger than the paper; the convolutions keep biases",),
    )
    for row in PLAIN
    if not row.norm
)
VGGS = PLAIN + WITH_BATCH_NORM
