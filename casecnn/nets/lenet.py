"""LeNet-5 (LeCun 1998): the modern form of the lectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from casecnn.layers import Conv, Flatten, Layer, Linear, MaxPool, MeanPool, ReLU, Sigmoid, Softmax, Tanh
from casecnn.layers.shapes import Pair
from casecnn.nets.declaration import Declaration

NONLINEAR: dict[str, type[Layer]] = {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}


@dataclass(frozen=True, kw_only=True)
class LeNet(Declaration):
    """[CONV-POOL-CONV-POOL-CONV-FC]: 5x5 convolutions, 2x2 pools, everything connected to everything.

    C5 is a convolution whose kernel covers its whole 5x5 input, so it is a fully connected layer as well. In the two
    blocks with a pool the non-linearity stands ``after`` the convolution or after the pool.
    """

    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    pool: Literal["max", "mean"] = "max"
    after: Literal["conv", "pool"] = "conv"
    classes: int = 10
    channels: int = 1
    size: int | Pair = 32

    def block(self, conv: str, channels: int, pool: str) -> tuple[Layer, ...]:
        """A 5x5 convolution and a 2x2 pool."""
        pooled = (MaxPool if self.pool == "max" else MeanPool)(pool, 2)
        if self.after == "conv":
            return Conv(conv, channels, kernel=5, activation=self.activation), pooled
        number = pool.removeprefix("s")
        return Conv(conv, channels, kernel=5), pooled, NONLINEAR[self.activation](f"{self.activation}{number}")

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes, with the paper's names."""
        return (
            *self.block("c1", 6, "s2"),
            *self.block("c3", 16, "s4"),
            Conv("c5", 120, kernel=5, activation=self.activation),
            Flatten("flatten"),
            Linear("f6", 84, activation=self.activation),
            Linear("output", classes),
            Softmax("softmax"),
        )


FIGURE = "LeCun 1998, section II.B and figure 2"
SIMPLER = (
    "C3 is connected to all maps of S2",
    "S2 and S4 have no trainable coefficients",
    "a softmax stands in the place of the fixed radial basis functions",
)

LENETS = (
    LeNet(
        name="lenet5",
        summary="modern form: ReLU, max pools, softmax",
        paper=FIGURE,
        differs=(*SIMPLER, "max pools, and ReLU in the place of the scaled tanh"),
    ),
    LeNet(
        name="lenet5-tanh",
        summary="mean pools, then tanh",
        paper=FIGURE,
        activation="tanh",
        pool="mean",
        after="pool",
        differs=SIMPLER,
    ),
    LeNet(
        name="lenet5-sigmoid",
        summary="mean pools, then sigmoid",
        paper=FIGURE,
        activation="sigmoid",
        pool="mean",
        after="pool",
        differs=(*SIMPLER, "sigmoid in the place of the scaled tanh"),
    ),
)
