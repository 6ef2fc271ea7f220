"""LeNet-5 as LeCun 1998 describes it: C3's connection table, trainable sub-sampling, fixed radial basis functions."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.errors import UsageError
from casecnn.layers import Conv, Flatten, Layer, Linear, RadialBasis, Softmax, Subsampling, TableConv
from casecnn.layers.shapes import Pair
from casecnn.nets.declaration import Declaration

C3 = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, i + 1, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    (0, 1, 2, 3, 4, 5),
)
"""Table I: which maps of S2 each map of C3 sees, before sorting; three or four neighbours, then pairs, then all."""

BITMAPS = """
.#####. ...#... .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
##...## ..##... ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
##...## ####... ##...## ......# ...###. ##..... ##..... .....## ##...## ##...##
##...## ..##... .....## ......# ..#.##. ##..... ##..... ....##. ##...## ##...##
##...## ..##... .....## .....## ..#.##. ######. ##.###. ....##. .##.##. ##...##
##...## ..##... ....##. ..####. .#..##. ##...## ###..## ...##.. ..###.. ##..###
##...## ..##... ...##.. .....## .#..##. .....## ##...## ...##.. .##.##. .###.##
##...## ..##... ..##... ......# ####### .....## ##...## ..##... ##...## .....##
##...## ..##... .##.... ......# ....##. .....## ##...## ..##... ##...## .....##
##...## ..##... ##..... ......# ....##. .....## ##...## .##.... ##...## .....##
##...## ..##... ##..... ##...## ....##. ##...## ##...## .##.... ##...## ....##.
.#####. ######. ####### .#####. ....##. .#####. .#####. .##.... .#####. ..###..
"""
"""A drawing of 7x12 pixels for each digit, 0 to 9: what F6 should look like."""


def digit_centres() -> tuple[tuple[float, ...], ...]:
    """The drawings as vectors of 84 numbers, +1 where there is ink and -1 elsewhere."""
    rows = [line.split() for line in BITMAPS.split("\n") if line]
    return tuple(tuple(1.0 if pixel == "#" else -1.0 for row in rows for pixel in row[digit]) for digit in range(10))


@dataclass(frozen=True, kw_only=True)
class OriginalLeNet(Declaration):
    """LeCun 1998, section II.B: the scaled tanh after every layer up to F6, distances from drawn digits as output."""

    classes: int = 10
    channels: int = 1
    size: int | Pair = 32

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers; UsageError for other classes than the ten digits, which the output's centres are drawings of."""
        if classes != 10:
            raise UsageError(f"net `{self.name}`: classes (={classes}) must be 10, the digits; use lenet5 for others")
        return (
            Conv("c1", 6, kernel=5, activation="scaled_tanh"),
            Subsampling("s2", 2, activation="scaled_tanh"),
            TableConv("c3", tuple(sorted(inputs) for inputs in C3), kernel=5, activation="scaled_tanh"),
            Subsampling("s4", 2, activation="scaled_tanh"),
            Conv("c5", 120, kernel=5, activation="scaled_tanh"),
            Flatten("flatten"),
            Linear("f6", 84, activation="scaled_tanh"),
            RadialBasis("output", digit_centres()),
            Softmax("softmax"),
        )


ORIGINAL = OriginalLeNet(
    name="lenet5-1998",
    summary="as published: sparse C3, trainable pooling, tanh, radial basis functions",
    paper="LeCun 1998, section II.B, figure 2 and table I",
    differs=(
        "the 7x12 drawings that F6 is compared with are drawn anew after figure 3, and only the digits",
        "the outputs are minus the squared distances, so that the largest is the answer",
    ),
)
