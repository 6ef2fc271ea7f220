"""The CIFAR-10 nets of He 2016, section 4.2: 6n+2 layers, residual and plain."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.layers import GlobalMeanPool, Layer, Linear, ReLU, Repeat, Residual, Softmax
from casecnn.layers.shapes import Pair
from casecnn.nets.declaration import Declaration
from casecnn.nets.resnet import conv_norm


@dataclass(frozen=True, kw_only=True)
class CifarNet(Declaration):
    """A 3x3 convolution, three stages of ``n`` blocks with 16, 32 and 64 filters, global average pooling, softmax.

    A block is two 3x3 convolutions with BatchNorm; its shortcut is option A (no parameters), or absent where
    ``residual`` is False. The weight layers are 6n+2.
    """

    n: int
    residual: bool = True
    classes: int = 10
    size: int | Pair = 32

    def block(self, channels: int, stride: int) -> tuple[Layer, ...]:
        """Two convolutions, with the shortcut or without."""
        body = (*conv_norm(1, channels, 3, stride), *conv_norm(2, channels, 3, relu=False))
        return (Residual("block", body, "A"),) if self.residual else (*body, ReLU("relu"))

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        stages = (
            Repeat(f"stage{stage}", self.n, self.block(channels, 1), first=self.block(channels, 1 if stage == 1 else 2))
            for stage, channels in ((1, 16), (2, 32), (3, 64))
        )
        return *conv_norm(1, 16, 3), *stages, GlobalMeanPool("pool"), Linear("fc", classes), Softmax("softmax")


SECTION = "He 2016, section 4.2"
CIFAR_NETS = (
    *(
        CifarNet(name=f"resnet{6 * n + 2}", n=n, paper=SECTION, summary=f"{6 * n + 2} layers for 32x32, residual")
        for n in (3, 5, 7, 9, 18, 200)
    ),
    *(
        CifarNet(
            name=f"plain{6 * n + 2}",
            n=n,
            residual=False,
            paper=SECTION,
            summary=f"{6 * n + 2} layers for 32x32 without shortcuts",
        )
        for n in (3, 5, 7, 9, 18)
    ),
)
