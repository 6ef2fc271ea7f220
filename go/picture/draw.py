"""Scenes as PNG, painted by pillow at several times the size and scaled down, and the choice between PNG and SVG."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from casecnn.errors import UsageError
from casecnn.files import atomic_write
from casecnn.go.picture.scene import Box, Diagram, Disc, Gradient, Line, Ring, Scene, Text, scene

if TYPE_CHECKING:
    from PIL import Image, ImageFont

PIXELS = 1000
SUPERSAMPLING = 3


def save_picture(diagram: Diagram, path: str | os.PathLike[str], *, pixels: int = PIXELS) -> None:
    """Writes a diagram as PNG (`pixels` wide) or SVG, as the file's ending says.

    The file is written whole or not at all. Raises UsageError for another ending and InputError where the file cannot
    be written.
    """
    ending = picture_format(path)
    if ending == ".svg":
        from casecnn.go.picture.svg import svg

        content = svg(scene(diagram))
        with atomic_write(path, "w") as stream:
            stream.write(content)
    else:
        image = png(scene(diagram), pixels)
        with atomic_write(path) as stream:
            image.save(stream, "PNG")


def picture_format(path: str | os.PathLike[str]) -> str:
    """The ending of a picture's name, `.png` or `.svg`; UsageError for any other."""
    ending = Path(path).suffix.lower()
    if ending not in (".png", ".svg"):
        raise UsageError(f"`image` (={os.fspath(path)}) must end in .png or .svg")
    return ending


def png(scene: Scene, pixels: int = PIXELS) -> Image.Image:
    """The scene as an RGB image, `pixels` wide."""
    from PIL import Image, ImageDraw

    scale = pixels * SUPERSAMPLING / scene.width
    width, height = pixels, round(pixels * scene.height / scene.width)
    image = Image.new("RGB", (width * SUPERSAMPLING, height * SUPERSAMPLING), "#ffffff")
    for shape in scene.shapes:
        draw = ImageDraw.Draw(image, "RGBA")
        if isinstance(shape, Box):
            corners = (shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
            draw.rectangle([scale * c for c in corners], fill=_rgba(shape.colour, shape.opacity))
        elif isinstance(shape, Line):
            half = shape.width / 2  # lines are upright or level, so a line is a box
            left, right = sorted((shape.x1, shape.x2))
            upper, lower = sorted((shape.y1, shape.y2))
            corners = (left - half, upper - half, right + half, lower + half)
            x1, y1, x2, y2 = (round(scale * c) for c in corners)
            draw.rectangle([x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)], fill=_rgba(shape.colour, shape.opacity))
        elif isinstance(shape, Ring):
            outer = scale * (shape.radius + shape.width / 2)
            x, y = scale * shape.x, scale * shape.y
            box = [x - outer, y - outer, x + outer, y + outer]
            colour = _rgba(shape.colour, shape.opacity)
            draw.ellipse(box, outline=colour, width=max(1, round(scale * shape.width)))
        elif isinstance(shape, Disc):
            sprite = _sprite(shape.fill, round(scale * shape.radius, 2), shape.opacity)
            corner = (round(scale * shape.x - sprite.width / 2), round(scale * shape.y - sprite.height / 2))
            image.paste(sprite, corner, sprite)
        else:
            _write(draw, shape, scale)
    return image.resize((width, height), Image.Resampling.LANCZOS)


@cache
def _sprite(fill: str | Gradient, radius: float, opacity: float) -> Image.Image:
    from PIL import Image

    n = 2 * int(np.ceil(radius)) + 2
    y, x = (np.mgrid[:n, :n] - (n - 1) / 2) / radius
    pixels = np.empty((n, n, 4))
    if isinstance(fill, str):
        pixels[:] = _rgba(fill, 1.0)
    else:
        offset = np.hypot(x - fill.x, y - fill.y) / fill.radius
        stops = np.array([_rgba(stop.colour, stop.opacity) for stop in fill.stops], dtype=float)
        for channel in range(4):
            pixels[..., channel] = np.interp(offset, [stop.offset for stop in fill.stops], stops[:, channel])
    inside = np.clip((1 - np.hypot(x, y)) * radius + 0.5, 0, 1)
    pixels[..., 3] *= inside * opacity
    return Image.fromarray(np.rint(pixels).astype(np.uint8), "RGBA")


def _write(draw, text: Text, scale: float) -> None:
    font = _font(round(scale * text.size))
    anchor = {"start": "l", "middle": "m", "end": "r"}[text.anchor] + "s"
    left, top, right, bottom = font.getbbox("H", anchor="ls")
    place = (scale * text.x, scale * text.y - top / 2)
    stroke = scale * text.size * 0.022 if text.bold else 0
    draw.text(place, text.text, fill=text.colour, font=font, anchor=anchor, stroke_width=stroke)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)  # the font that pillow carries
    assert isinstance(font, ImageFont.FreeTypeFont)  # as it is for any pillow with FreeType
    return font


def _rgba(colour: str, opacity: float) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), round(255 * opacity)
