"""Augmentation: images distorted at random, by name, the same way in every run with the same seed.

Geometry (scale, squeeze, rotation, shear, warp) is one bilinear resampling, however many of its parts are asked for, so
that an image is blurred once at most. Then crop and mirror move whole pixels, then colours change.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields, replace

import numpy as np

from casecnn.choose import unknown
from casecnn.errors import UsageError
from casecnn.vision.pipeline.draws import Draws
from casecnn.vision.pipeline.resampling import bilinear

# What a name without a number means.
USUAL = {
    "mirror": 0.5,
    "crop": 4,  # He et al. 2016, section 4.2
    "scale": 0.1,
    "squeeze": 0.1,
    "rotation": 15.0,
    "shear": 10.0,
    "warp": 1.0,
    "colour": 20.0,
    "pca": 0.1,  # Krizhevsky et al. 2012, section 4.1
}
_PURPOSE = {name: number for number, name in enumerate(USUAL, 1)}
_CHUNK = 1 << 17  # pixels resampled at a time: what fits into a core's cache
_GRID = 4  # control points of the warp along a side, apart from those outside


@dataclass(frozen=True)
class ColourBasis:
    """The principal axes of a data set's colours, values from 0 to 1: variances [3] in falling order, axes [3, 3].

    `vectors[i]` is the unit vector that belongs to `values[i]`; its largest component is positive.
    """

    values: tuple[float, ...]
    vectors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Augmentation:
    """Which distortions, and how strong; 0 leaves one out. Numbers are drawn anew for every image.

    Raises `UsageError` for a number out of its range; "pca" without a basis is refused when it is applied.
    """

    mirror: float = 0.0  # probability that left and right change places
    crop: int = 0  # pixels of black added on each side, before a window of the old size is cut out anywhere
    scale: float = 0.0  # enlarged by a factor between 1 - scale and 1 + scale
    squeeze: float = 0.0  # wider by a factor f and lower by the same, or the reverse; f up to 1 + squeeze
    rotation: float = 0.0  # turned by up to so many degrees either way
    shear: float = 0.0  # slanted sideways by up to so many degrees either way
    warp: float = 0.0  # local warp: a grid of 4x4 points moves by normal steps of so many pixels, smoothly between
    colour: float = 0.0  # each colour channel lighter or darker by up to so many of 256 levels
    pca: float = 0.0  # colours along the data's own axes: Krizhevsky 2012, section 4.1; 0.1 in the paper
    basis: ColourBasis | None = None  # the axes for pca, from `colour_basis`

    def __post_init__(self) -> None:
        bounds = {"mirror": 1, "crop": 1024, "scale": 0.9, "squeeze": 9, "rotation": 180, "shear": 80}
        for name in USUAL:
            value, most = getattr(self, name), bounds.get(name, 255)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                raise UsageError(f"`augment`: {name} (={value}) must be a number from 0 to {most:g}")
        if self.crop != int(self.crop):
            raise UsageError(f"`augment`: crop (={self.crop}) must be a whole number of pixels")
        object.__setattr__(self, "crop", int(self.crop))

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in USUAL)

    def __str__(self) -> str:
        return ",".join(f"{name}={getattr(self, name):g}" for name in USUAL if getattr(self, name)) or "none"

    def with_basis(self, basis: ColourBasis | None) -> Augmentation:
        """The same distortions with the colour axes of a data set."""
        return replace(self, basis=basis)


def parse_augmentation(text: str) -> Augmentation:
    """From "mirror,crop=4,rotation=10" to an `Augmentation`; a name alone has its usual strength; "none" is none.

    Raises `UsageError` for a name that does not exist, with the nearest ones, and for what is not a number.
    """
    chosen: dict[str, float] = {}
    for part in filter(None, re.split(r"[,\s]+", text.strip())):
        name, given, number = part.partition("=")
        if part == "none":
            continue
        if name not in USUAL:
            raise unknown("augmentation", name, [*USUAL, "none"])
        if name in chosen:
            raise UsageError(f"`augment` names '{name}' twice; name it once")
        try:
            chosen[name] = float(number) if given else USUAL[name]
        except ValueError:
            raise UsageError(f"`augment`: {name} (={number}) must be a number, such as {name}={USUAL[name]}") from None
    return Augmentation(**chosen)  # type: ignore[arg-type]


def augment(images: np.ndarray, how: Augmentation, draws: Draws) -> np.ndarray:
    """Distort a batch: uint8 [n, height, width, channels], to a new array of the same shape.

    The result is uint8 where only whole pixels moved, else float32 from 0 to 255, not rounded. What comes in from
    outside an image is black. Image i depends on `images[i]` and `draws[i]` alone.
    """
    if len(draws) != len(images):
        raise ValueError(f"{len(images)} images need as many draws, not {len(draws)}")
    if any((how.scale, how.squeeze, how.rotation, how.shear, how.warp)):
        images = resampled(images, how, draws)
    if how.crop or how.mirror:
        images = moved(images, how, draws)
    if how.colour or how.pca:
        images = recoloured(images, how, draws)
    return images


def moved(images: np.ndarray, how: Augmentation, draws: Draws) -> np.ndarray:
    """Crop and mirror: pixels change places and keep their values; [n, height, width, channels]."""
    height, width = images.shape[1:3]
    pad = how.crop
    framed = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0))) if pad else images
    corners = draws.uniform(_PURPOSE["crop"], 0, 2 * pad + 1, (2,)).astype(int)
    mirrored = draws.uniform(_PURPOSE["mirror"]) < how.mirror
    out = np.empty_like(images)
    for i, ((top, left), mirror) in enumerate(zip(corners.tolist(), mirrored.tolist(), strict=True)):
        window = framed[i, top : top + height, left : left + width]
        out[i] = window[:, ::-1] if mirror else window
    return out


def resampled(images: np.ndarray, how: Augmentation, draws: Draws) -> np.ndarray:
    """Scale, squeeze, rotation, shear and warp about the centre, in one step: to float32 of the same shape."""
    n, height, width, _ = images.shape
    inverse = np.linalg.inv(transforms(how, draws)).astype(np.float32)
    rows = np.arange(height, dtype=np.float32) - (height - 1) / 2
    columns = np.arange(width, dtype=np.float32) - (width - 1) / 2
    out = np.empty(images.shape, np.float32)
    step = max(1, _CHUNK // (height * width))
    for first in range(0, n, step):
        part = slice(first, first + step)
        m = inverse[part, :, :, None, None]
        y = m[:, 0, 0] * rows[:, None] + m[:, 0, 1] * columns + np.float32((height - 1) / 2)
        x = m[:, 1, 0] * rows[:, None] + m[:, 1, 1] * columns + np.float32((width - 1) / 2)
        if how.warp:
            shift = displacement(how.warp, draws[part], height, width)
            y, x = y + shift[:, 0], x + shift[:, 1]
        out[part] = bilinear(images[part], y, x)
    return out


def transforms(how: Augmentation, draws: Draws) -> np.ndarray:
    """The linear maps from places in the image to places in its distortion, (down, right) from the centre: [n, 2, 2].

    Slanted first, then squeezed and enlarged, then turned (anticlockwise as one sees it).
    """

    def between(name: str, limit: float) -> np.ndarray:
        return draws.uniform(_PURPOSE[name], -limit, limit)

    zoom = 1 + between("scale", how.scale)
    squeeze = np.exp(between("squeeze", math.log1p(how.squeeze)))
    angle = np.radians(between("rotation", how.rotation))
    slant = np.tan(np.radians(between("shear", how.shear)))
    zero, one = np.zeros_like(zoom), np.ones_like(zoom)
    slanted = np.array([[one, zero], [slant, one]])
    stretched = np.array([[zoom / squeeze, zero], [zero, zoom * squeeze]])
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.einsum("abn,bcn,cdn->nad", turned, stretched, slanted)


def displacement(warp: float, draws: Draws, height: int, width: int) -> np.ndarray:
    """The local warp's steps (down, right) at every pixel, float32 [n, 2, height, width].

    Control points move by independent normal steps; between them lies the uniform cubic B-spline, so that an image
    bends smoothly and never tears at small steps.
    """
    points = draws.normal(_PURPOSE["warp"], warp, (2, _GRID + 2, _GRID + 2)).astype(np.float32)
    down, right = _spline(height), _spline(width)
    return down @ points @ right.T


def _spline(size: int) -> np.ndarray:
    """How much each control point counts at each pixel of a side, float32 [size, control points]; rows sum to 1."""
    place = (np.arange(size) + 0.5) / size * (_GRID - 1) + 1  # in control points; one lies beyond each end
    distance = np.abs(place[:, None] - np.arange(_GRID + 2))
    near, far = 2 / 3 - distance**2 * (1 - distance / 2), np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def recoloured(images: np.ndarray, how: Augmentation, draws: Draws) -> np.ndarray:
    """Colour shift and PCA colour: one step for a whole image and channel, to float32 cut to 0..255.

    PCA colour adds sum_i a_i values_i vectors_i, a_i normal with standard deviation `pca`, to every pixel of an image
    (Krizhevsky 2012, section 4.1), colours and variances taken on the scale from 0 to 1.
    """
    channels = images.shape[3]
    shift = draws.uniform(_PURPOSE["colour"], -how.colour, how.colour, (channels,))
    if how.pca:
        if how.basis is None:
            raise UsageError("`augment`: pca needs the colour axes of the training data; take them with `colour_basis`")
        if channels != 3:
            raise UsageError(f"`augment`: pca needs images with 3 colours, these have {channels}; leave it out")
        amounts = draws.normal(_PURPOSE["pca"], how.pca, (3,)) * np.array(how.basis.values)
        shift = shift + 255 * amounts @ np.array(how.basis.vectors)
    return np.clip(images + shift[:, None, None, :].astype(np.float32), 0, 255, dtype=np.float32)


def colour_basis(images: np.ndarray) -> ColourBasis:
    """The principal axes of the colours of all pixels: uint8 [n, height, width, 3].

    The covariance of red, green and blue over every pixel of every image, on the scale from 0 to 1 (population form).
    """
    if images.ndim != 4 or images.shape[3] != 3:
        raise UsageError(f"`augment`: pca needs images with 3 colours, these are {images.shape}; leave it out")
    count, total, square = 0, np.zeros(3), np.zeros((3, 3))
    for first in range(0, len(images), 256):
        pixels = images[first : first + 256].reshape(-1, 3).astype(np.float64) / 255
        count += len(pixels)
        total += pixels.sum(0)
        square += pixels.T @ pixels
    mean = total / count
    values, vectors = np.linalg.eigh(square / count - np.outer(mean, mean))
    rows = vectors.T[::-1]
    rows = rows * np.sign(rows[np.arange(3), np.abs(rows).argmax(1)])[:, None]
    return ColourBasis(tuple(values[::-1].tolist()), tuple(tuple(row) for row in rows.tolist()))


assert list(USUAL) == [field.name for field in fields(Augmentation)][:-1]
