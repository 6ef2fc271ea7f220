"""Which part of an image a net is shown in training: the middle, as in measuring, or a window drawn at random."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from casecnn.errors import UsageError
from casecnn.vision.pipeline.draws import Draws
from casecnn.vision.pipeline.preprocess import RESAMPLE, Preprocess

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the image

_SIDE, _PLACE, _AREA = 101, 102, 103  # purposes of draws; those of the augmentations are small numbers
_SCALE = 256  # the shorter side, in the papers' numbers, that measuring resizes an image to


@dataclass(frozen=True)
class Framing:
    """Which part of an image is seen in training. Raises UsageError for numbers out of their range.

    "middle": what measuring sees, the same in every epoch (images of CIFAR-10 and MNIST: all of it).
    "shorter": the image is resized so that its shorter side is drawn from `shorter`, whole numbers; a window of
    the input's size is cut out anywhere (ResNet, VGG), or anywhere within the `central` square (AlexNet). The numbers
    are the papers', where measuring resizes to 256; for other inputs they scale.
    "area": a window of a share of the image's area drawn from `area`, whose sides have a ratio drawn from 3/4 to
    4/3, evenly on a logarithmic scale, is resized to the input's size (GoogLeNet).
    """

    kind: Literal["middle", "shorter", "area"] = "middle"
    shorter: tuple[int, int] = (256, 256)
    central: bool = False
    area: tuple[float, float] = (0.08, 1.0)

    def __post_init__(self) -> None:
        low, high = self.shorter
        if not _SCALE <= low <= high:
            raise UsageError(f"`shorter` (={self.shorter}) must be two rising numbers of at least {_SCALE}")
        small, large = self.area
        if not 0 < small <= large <= 1:
            raise UsageError(f"`area` (={self.area}) must be two rising shares above 0 and up to 1")

    def __str__(self) -> str:
        if self.kind == "middle":
            return "the middle of the image"
        if self.kind == "area":
            return f"a window of {self.area[0]:.0%} to {self.area[1]:.0%} of the area"
        low, high = self.shorter
        where = " of the central square" if self.central else ""
        return f"shorter side {low if low == high else f'{low} to {high}'}, a window{where}"


def drawn_window(how: Framing, preprocess: Preprocess, width: int, height: int, draws: Draws) -> Box:
    """The part of an image of `width` x `height` pixels that the one sample of `draws` shows."""
    if how.kind == "area":
        return _area_window(how, preprocess, width, height, draws)
    side = math.floor(float(draws.uniform(_SIDE, how.shorter[0], how.shorter[1] + 1)[0]))
    return _window(how, preprocess, width, height, side, *draws.uniform(_PLACE, shape=(2,))[0].tolist())


def _window(
    how: Framing, preprocess: Preprocess, width: int, height: int, side: int, across: float, down: float
) -> Box:
    """The window of the crop's size in the image resized to `side`, at a share of the room there is for it."""
    short = min(width, height)
    zoom = side / _SCALE * (preprocess.resize or short) / short  # resized pixels to a pixel of the image
    high, wide = (min(cells / zoom, side) for cells, side in zip(preprocess.crop, (height, width), strict=True))
    room_x, room_y = (min(short, width), min(short, height)) if how.central else (width, height)
    left = (width - room_x) / 2 + across * (room_x - wide)
    top = (height - room_y) / 2 + down * (room_y - high)
    return left, top, left + wide, top + high


def _area_window(how: Framing, preprocess: Preprocess, width: int, height: int, draws: Draws) -> Box:
    """Try ten times: a fraction and ratio that do not fit into the image are drawn again.

    After that the middle is taken (the paper does not say).
    """
    for share, skew, across, down in draws.uniform(_AREA, shape=(10, 4))[0].tolist():
        area = (how.area[0] + share * (how.area[1] - how.area[0])) * width * height
        ratio = (3 / 4) ** (1 - 2 * skew)
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            left, top = across * (width - w), down * (height - h)
            return left, top, left + w, top + h
    return _window(how, preprocess, width, height, _SCALE, 0.5, 0.5)


def framed(
    picture: np.ndarray | Image.Image, how: Framing, preprocess: Preprocess, draws: Draws | None = None
) -> np.ndarray:
    """The part of an image that a net is shown: uint8 [height, width, channels], of `preprocess.crop`.

    `picture` is uint8 [h, w] or [h, w, 3], or a Pillow image. `draws`, of one sample, chooses the part; without, or
    with the framing "middle", it is what measuring sees. The window is cut out and resized in one step, with
    antialiasing.
    """
    if draws is None or how.kind == "middle":
        return preprocess.crops(picture)[0]
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.convert("L" if preprocess.channels == 1 else "RGB")
    left, top, right, bottom = drawn_window(how, preprocess, *image.size, draws)
    box = (max(left, 0.0), max(top, 0.0), min(right, image.width), min(bottom, image.height))
    height, width = preprocess.crop
    pixels = np.asarray(image.resize((width, height), RESAMPLE[preprocess.resample], box=box))
    return pixels if pixels.ndim == 3 else pixels[..., None]
