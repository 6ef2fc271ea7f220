"""From an image to a net's input: resize, crop, scale; each family's convention as one line of data.

Sizes and corners are rounded as in torchvision 0.28, so that its published error rates can be met.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from casecnn.errors import InputError, UsageError
from casecnn.layers.shapes import Pair, pair
from casecnn.vision.pipeline.image_file import MAX_PIXELS, ImageError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes the input of a net. Raises `UsageError` for a value that makes no sense.

    `crop` is the input's height and width. First the image is scaled so that its shorter side has `resize` pixels
    (None: as it is), with `resample` and antialiasing; then, where `square` is given, only the central square of so
    many pixels counts; then the crops are cut out. An image smaller than the crop stands in the middle of black.
    Values, 0 to 1, minus `mean`, over `std`, a number each for every channel: one channel is grey (ITU-R 601).
    """

    crop: Pair
    resize: int | None = None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: str = "bilinear"
    square: int | None = None

    def __post_init__(self) -> None:
        def rule(holds: bool, text: str) -> None:
            if not holds:
                raise UsageError(f"preprocessing: {text}")

        rule(min(self.crop) >= 1, f"crop (={self.crop}) must be at least 1x1")
        rule(self.resize is None or self.resize >= 1, f"resize (={self.resize}) must be at least 1")
        rule(self.square is None or self.square >= 1, f"square (={self.square}) must be at least 1")
        rule(self.resample in RESAMPLE, f"resample (={self.resample!r}) must be {' or '.join(RESAMPLE)}")
        rule(len(self.mean) in (1, 3) and len(self.std) == len(self.mean), "mean and std must have 1 or 3 numbers each")
        rule(all(value > 0 for value in self.std), f"std (={self.std}) must be above 0")

    @property
    def channels(self) -> int:
        """Channels of the net's input: 1 (grey) or 3 (RGB)."""
        return len(self.mean)

    def __str__(self) -> str:
        """One line that `parse_preprocess` reads back equal; weights are saved with it."""
        numbers = (" ".join(f"{value:.9g}" for value in values) for values in (self.mean, self.std))
        parts = [f"resize {self.resize} {self.resample}"] if self.resize is not None else []
        parts += [f"square {self.square}"] if self.square is not None else []
        return ", ".join(
            [*parts, f"crop {self.crop[0]}x{self.crop[1]}", *map("{} {}".format, ("mean", "std"), numbers)]
        )

    def crops(self, picture: Image.Image | np.ndarray, count: int = 1) -> np.ndarray:
        """The crops of an image: uint8 [count, height, width, channels].

        `picture` is a Pillow image or uint8 [height, width] or [height, width, 3]. `count` is 1, the centre, or 10:
        the four corners and the centre, then the same of the mirrored image (Krizhevsky 2012, section 4.1).
        Raises `ImageError` for an image so long that scaling its shorter side would fill the memory.
        """
        if count not in (1, 10):
            raise UsageError(f"`crops` (={count}) must be 1 or 10")
        pixels = self._scaled(picture)
        height, width = self.crop
        if self.square is not None:
            pixels = _centre(pixels, min(self.square, pixels.shape[0]), min(self.square, pixels.shape[1]))
        pixels = _padded(pixels, height, width)
        if count == 1:
            return _centre(pixels, height, width)[None]
        bottom, right = pixels.shape[0] - height, pixels.shape[1] - width
        views = []
        for view in (pixels, pixels[:, ::-1]):
            views += [view[y : y + height, x : x + width] for y in (0, bottom) for x in (0, right)]
            views.append(_centre(view, height, width))
        return np.stack(views)

    def _scaled(self, picture: Image.Image | np.ndarray) -> np.ndarray:
        """The image in the net's number of channels, resized: uint8 [height, width, channels]."""
        if isinstance(picture, Image.Image):
            image = picture
        else:
            if self.resize in (None, min(picture.shape[:2])) and picture.ndim == (2 if self.channels == 1 else 3):
                return picture if picture.ndim == 3 else picture[..., None]
            image = Image.fromarray(picture)
        wanted = "L" if self.channels == 1 else "RGB"
        image = image if image.mode == wanted else image.convert(wanted)
        width, height = image.size
        if self.resize is not None and min(width, height) != self.resize:
            short = min(width, height)
            size = int(self.resize * width / short), int(self.resize * height / short)
            if size[0] * size[1] > MAX_PIXELS:
                why = f"is too long: {width:,} x {height:,} pixels become more than {MAX_PIXELS:,} when scaled"
                raise ImageError("image", "too large", why)
            image = image.resize(size, RESAMPLE[self.resample])
        pixels = np.asarray(image)
        return pixels if pixels.ndim == 3 else pixels[..., None]


def _centre(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The central window; where it cannot be, half a pixel goes to the even side (Python's rounding)."""
    top, left = round((pixels.shape[0] - height) / 2), round((pixels.shape[1] - width) / 2)
    return pixels[top : top + height, left : left + width]


def _padded(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The image in the middle of black where it is smaller than the crop."""
    tall, wide = max(height - pixels.shape[0], 0), max(width - pixels.shape[1], 0)
    if not tall and not wide:
        return pixels
    return np.pad(pixels, ((tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2), (0, 0)))


def parse_preprocess(text: str, source: str = "preprocessing") -> Preprocess:
    """Reads the line that `str(Preprocess)` writes; `source` is what errors call it.

    >>> parse_preprocess("resize 256 bilinear, crop 224x224, mean 0.5 0.5 0.5, std 0.5 0.5 0.5").crop
    (224, 224)
    """
    fields = {}
    for part in text.split(","):
        key, *values = part.split() or [""]
        if key in fields or key not in ("resize", "square", "crop", "mean", "std"):
            raise InputError(f"{source}: '{part.strip()}' must be resize, square, crop, mean or std, each once")
        fields[key] = values
    try:
        size = re.fullmatch(r"(\d+)x(\d+)", fields["crop"][0])
        if size is None:
            raise ValueError("crop must be HEIGHTxWIDTH")
        made = Preprocess(
            (int(size[1]), int(size[2])),
            mean=tuple(map(float, fields["mean"])),
            std=tuple(map(float, fields["std"])),
            square=int(fields["square"][0]) if "square" in fields else None,
        )
        if "resize" in fields:
            side, *how = fields["resize"]
            made = replace(made, resize=int(side), resample=how[0] if how else "bilinear")
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(f"{source}: '{text}' cannot be understood: {error}") from error
    return made


CONVENTIONS = {
    "torchvision": Preprocess((224, 224), 256),
    "torchvision-v2": Preprocess((224, 224), 232),
    "torchvision-googlenet": Preprocess((224, 224), 256, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "krizhevsky": Preprocess((227, 227), 256, square=256),
    "imagenet-10-crop": Preprocess((224, 224), 256, square=256),
    "mnist": Preprocess((32, 32), 28, (0.1 / 1.275,), (1 / 1.275,)),
    "cifar": Preprocess((32, 32), 32, (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
}
"""How the families see images. torchvision: its presets' shorter side 256 (232 for the second weights); GoogLeNet
there normalises its input once more inside the net, which comes to mean and std 0.5. Krizhevsky: 227 of the central
256x256. imagenet-10-crop: the papers' ten crops of 224 out of 256x256. MNIST: LeCun 1998, II.A: background -0.1, ink
1.175, 28x28 in the middle of 32x32. CIFAR: mean and std of the 50,000 training images."""


def convention(shape: tuple[int, ...]) -> Preprocess:
    """What a net with this input (C, H, W) is given where its weights do not say: as for ImageNet, CIFAR-10 or MNIST.

    The shorter side is scaled to 8/7 of the crop (256 for 224), for inputs below 64 to the crop itself.
    """
    channels, *sides = shape
    height, width = pair((sides[0], sides[1]))
    if channels not in (1, 3):
        raise UsageError(f"a net with {channels} input channels takes no images; it must have 1 or 3")
    if min(height, width) < 64:
        known = CONVENTIONS["mnist" if channels == 1 else "cifar"]
        side = min(height, width)
        return replace(known, crop=(height, width), resize=side * 28 // 32 if channels == 1 else side)
    side = round(min(height, width) * 8 / 7)
    side = 256 if min(height, width) == 227 else side
    made = Preprocess((height, width), side)
    return made if channels == 3 else replace(made, mean=(0.449,), std=(0.226,))
