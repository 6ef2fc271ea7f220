"""ResNet (He 2016): the ImageNet nets of table 1 with shortcut options A, B and C, and their plain twins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from casecnn.layers import BatchNorm, Conv, GlobalMeanPool, Layer, Linear, MaxPool, ReLU, Repeat, Residual, Softmax
from casecnn.nets.declaration import Declaration


def conv_norm(number: int, channels: int, kernel: int, stride: int = 1, relu: bool = True) -> tuple[Layer, ...]:
    """``conv{number}`` without bias, padded to keep its size, then BatchNorm, then ReLU where it is wanted.

    With stride 2 on maps of even size the last cell of padding is left out ("floor").
    """
    conv = Conv(f"conv{number}", channels, kernel, stride, kernel // 2, bias=False, rounding="floor")
    return conv, BatchNorm(f"norm{number}", activation="relu" if relu else None)


@dataclass(frozen=True, kw_only=True)
class ResNet(Declaration):
    """One column of table 1: ``blocks`` building blocks in stages conv2_x to conv5_x.

    ``shortcut`` is the option of section 4.1, "A" identity with zero padding, "B" projection where shapes change, "C"
    always projection; "none" is the plain net. ``stride_on`` says which convolution of a bottleneck halves the maps:
    the first 1x1 (the paper) or the 3x3 ("v1.5").
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool = False
    shortcut: Literal["A", "B", "C", "none"] = "B"
    stride_on: Literal["1x1", "3x3"] = "1x1"

    def body(self, channels: int, stride: int) -> tuple[Layer, ...]:
        """The convolutions of one building block (figure 5: left, or right for a bottleneck)."""
        if not self.bottleneck:
            return *conv_norm(1, channels, 3, stride), *conv_norm(2, channels, 3, relu=False)
        first, second = (stride, 1) if self.stride_on == "1x1" else (1, stride)
        return (
            *conv_norm(1, channels, 1, first),
            *conv_norm(2, channels, 3, second),
            *conv_norm(3, 4 * channels, 1, relu=False),
        )

    def block(self, channels: int, stride: int) -> tuple[Layer, ...]:
        """A building block, or the same convolutions without a shortcut."""
        if self.shortcut == "none":
            return *self.body(channels, stride), ReLU("relu")
        return (Residual("block", self.body(channels, stride), self.shortcut),)

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes."""
        stages = (
            Repeat(
                f"conv{stage}_x",
                times,
                layers=self.block(channels, 1),
                first=self.block(channels, 1 if stage == 2 else 2),
            )
            for stage, times, channels in zip((2, 3, 4, 5), self.blocks, (64, 128, 256, 512), strict=True)
        )
        return (
            *conv_norm(1, 64, 7, 2),
            MaxPool("pool1", 3, stride=2, padding=1, rounding="floor"),
            *stages,
            GlobalMeanPool("pool5"),
            Linear("fc", classes),
            Softmax("softmax"),
        )


BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
OPTIONS: dict[Literal["A", "B", "C"], str] = {
    "A": "shortcuts pad with zeros",
    "B": "shortcuts project where shapes change",
    "C": "all shortcuts project",
}
STRIDE_MOVED = "the stride of a bottleneck is on its 3x3, not its first 1x1: 6 % more MACs, torchvision's ResNet"


def row(depth: int, **fields: Any) -> ResNet:
    """The row of table 1 with this number of layers."""
    column = f"He 2016, table 1, {depth}-layer"
    return ResNet(paper=column, blocks=BLOCKS[depth], bottleneck=depth >= 50, **fields)


RESNETS = (
    *(row(depth, name=f"resnet{depth}", summary=f"{depth} layers, option B") for depth in BLOCKS),
    *(
        row(depth, name=f"resnet{depth}-v1.5", summary=f"{depth} layers, stride in the 3x3", stride_on="3x3",
            differs=(STRIDE_MOVED,))
        for depth in (50, 101, 152)
    ),
    *(
        row(depth, name=f"resnet{depth}-{option.lower()}", summary=f"{depth} layers, {what}", shortcut=option)
        for depth in (18, 34)
        for option, what in OPTIONS.items()
    ),
    *(
        row(depth, name=f"plain{depth}", summary=f"{depth} layers without shortcuts", shortcut="none")
        for depth in (18, 34)
    ),
)  # fmt: skip
