"""AlexNet (Krizhevsky 2012), as the lectures' table, as the paper, as Caffe's and torchvision's; and ZFNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from casecnn.layers import AdaptiveMeanPool, Conv, Dropout, Flatten, Layer, Linear, LocalResponseNorm, MaxPool, Softmax
from casecnn.layers.shapes import Pair, Rounding
from casecnn.nets.declaration import Declaration


@dataclass(frozen=True, kw_only=True)
class AlexNet(Declaration):
    """Five convolutions, three of them pooled, and three fully connected layers.

    ``widths`` are the filters of conv1 to conv5; ``groups`` 2 is the split of conv2, conv4 and conv5 over two GPUs.
    ``norm`` says where the local response normalisation (Krizhevsky 2012, 3.3) of the first two blocks stands.
    """

    widths: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256)
    units: int = 4096
    groups: int = 1
    norm: Literal["after pool", "before pool", "none"] = "after pool"
    conv1: tuple[int, int, int] = (11, 4, 0)
    """Kernel, stride and padding."""
    conv2: tuple[int, int, int] = (5, 1, 2)
    rounding: Rounding = "exact"
    pool_rounding: Rounding = "exact"
    adaptive: bool = False
    """Average the last maps to 6x6, whatever the input's size."""
    dropout: Literal["after FC", "before FC"] = "after FC"
    size: int | Pair = 227

    def block(self, number: int, conv: Conv) -> tuple[Layer, ...]:
        """A convolution, its pool, and its normalisation where there is one."""
        pool = MaxPool(f"pool{number}", 3, stride=2, rounding=self.pool_rounding)
        norm = LocalResponseNorm(f"norm{number}")
        if number > 2 or self.norm == "none":
            return conv, pool
        return (conv, pool, norm) if self.norm == "after pool" else (conv, norm, pool)

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes, with the names of the lectures' 13 rows."""
        kernel1, stride1, padding1 = self.conv1
        kernel2, stride2, padding2 = self.conv2
        w1, w2, w3, w4, w5 = self.widths
        first = Conv("conv1", w1, kernel1, stride1, padding1, activation="relu", rounding=self.rounding)
        second = Conv("conv2", w2, kernel2, stride2, padding2, self.groups, activation="relu", rounding=self.rounding)
        return (
            *self.block(1, first),
            *self.block(2, second),
            Conv("conv3", w3, kernel=3, padding=1, activation="relu"),
            Conv("conv4", w4, kernel=3, padding=1, groups=self.groups, activation="relu"),
            *self.block(3, Conv("conv5", w5, kernel=3, padding=1, groups=self.groups, activation="relu")),
            *self.head(classes),
        )

    def head(self, classes: int) -> tuple[Layer, ...]:
        """FC6 to FC8, dropout on the two hidden ones, on their outputs (the paper) or on their inputs."""
        fc6, fc7 = (Linear(name, self.units, activation="relu") for name in ("fc6", "fc7"))
        drop6, drop7 = Dropout("drop6"), Dropout("drop7")
        hidden = (fc6, drop6, fc7, drop7) if self.dropout == "after FC" else (drop6, fc6, drop7, fc7)
        adapt = (AdaptiveMeanPool("pool", 6),) if self.adaptive else ()
        return (*adapt, Flatten("flatten"), *hidden, Linear("fc8", classes), Softmax("softmax"))


KRIZHEVSKY = "Krizhevsky 2012, figure 2 and sections 3 to 4"
INPUT_227 = "input 227, where the paper prints 224: (224-11)/4+1 = 54.25, and only 227 gives the 55 of its own figure 2"
ONE_TOWER = "no groups: the paper splits conv2, conv4 and conv5 over two GPUs, which is 1.41 M parameters less"
POOL_FIRST = "normalises after the pool, as the lectures and CaffeNet do; the paper and Caffe's AlexNet before it"

ALEXNETS = (
    AlexNet(
        name="alexnet",
        summary="the lectures' 13-row table: one tower, pool then norm",
        paper=KRIZHEVSKY,
        differs=(INPUT_227, ONE_TOWER, POOL_FIRST),
    ),
    AlexNet(
        name="alexnet-norm-pool",
        summary="one tower, norm then pool",
        paper=KRIZHEVSKY,
        norm="before pool",
        differs=(INPUT_227, ONE_TOWER),
    ),
    AlexNet(
        name="alexnet-grouped",
        summary="the paper: two groups, norm then pool",
        paper=KRIZHEVSKY,
        groups=2,
        norm="before pool",
        differs=(INPUT_227,),
    ),
    AlexNet(
        name="alexnet-grouped-pool-norm",
        summary="two groups, pool then norm (CaffeNet)",
        paper=KRIZHEVSKY,
        groups=2,
        differs=(INPUT_227, POOL_FIRST),
    ),
    AlexNet(
        name="alexnet-torchvision",
        summary="torchvision's: one tower of 64-192-384-256-256, no norm",
        paper='Krizhevsky 2014, "One weird trick", footnote 1, as torchvision has it',
        widths=(64, 192, 384, 256, 256),
        norm="none",
        conv1=(11, 4, 2),
        rounding="floor",
        pool_rounding="floor",
        adaptive=True,
        dropout="before FC",
        size=224,
        differs=(
            "input 224 with padding 2; the last padding column and row of conv1 are dropped",
            "no local response normalisation",
            "the last maps are averaged to 6x6, which does nothing at 224",
            "dropout stands before FC6 and FC7, not after",
        ),
    ),
)

ZEILER = "Zeiler & Fergus 2013, figure 3"
ZF_POOL = "pools round up (110 to 55, 26 to 13), so that the sizes are those of figure 3"

ZFNETS = (
    AlexNet(
        name="zfnet",
        summary="AlexNet with 7x7/2 first filters, conv3-5 of 512, 1024, 512",
        paper=ZEILER + " with the widths of table 2, last row",
        widths=(96, 256, 512, 1024, 512),
        conv1=(7, 2, 1),
        conv2=(5, 2, 0),
        rounding="floor",
        pool_rounding="ceil",
        size=224,
        differs=(
            "conv2 has stride 2 as in the paper; the lectures leave it out, which would make 386.5 M parameters",
            ZF_POOL,
        ),
    ),
    AlexNet(
        name="zfnet-fig3",
        summary="the net of figure 3, conv3-5 of 384, 384, 256",
        paper=ZEILER,
        conv1=(7, 2, 1),
        conv2=(5, 2, 0),
        rounding="floor",
        pool_rounding="ceil",
        size=224,
        differs=(ZF_POOL,),
    ),
)
