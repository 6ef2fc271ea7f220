"""Scenes as SVG: plain shapes, two kinds of gradients and generic fonts, so that any viewer or editor shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from xml.sax.saxutils import escape

from casecnn.go.picture.scene import Box, Disc, Gradient, Line, Ring, Scene, Shape, Text

FONTS = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif"
HALF_CAPITAL = 0.36  # half the height of a capital letter, in font sizes


def svg(scene: Scene) -> str:
    """The scene as a complete SVG 1.1 document."""
    fills = dict.fromkeys(shape.fill for shape in scene.shapes if isinstance(shape, Disc))
    gradients = [fill for fill in fills if isinstance(fill, Gradient)]
    names = {gradient: f"gradient{i}" for i, gradient in enumerate(gradients)}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(scene.width)} {number(scene.height)}"'
        f' width="{number(scene.width)}" height="{number(scene.height)}" role="img" font-family="{FONTS}">',
        f"<title>{characters(scene.title)}</title>",
        "<defs>",
        *(line for gradient, name in names.items() for line in _gradient(gradient, name)),
        "</defs>",
        *(_element(shape, names) for shape in scene.shapes),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _gradient(gradient: Gradient, name: str) -> Iterator[str]:
    x, y, radius = (number(0.5 + gradient.x / 2), number(0.5 + gradient.y / 2), number(gradient.radius / 2))
    yield f'<radialGradient id="{name}" cx="{x}" cy="{y}" r="{radius}">'
    for stop in gradient.stops:
        opacity = "" if stop.opacity == 1 else f' stop-opacity="{number(stop.opacity)}"'
        yield f'<stop offset="{number(stop.offset)}" stop-color="{stop.colour}"{opacity}/>'
    yield "</radialGradient>"


def _element(shape: Shape, names: dict[Gradient, str]) -> str:
    if isinstance(shape, Box):
        place = _attributes(x=shape.x, y=shape.y, width=shape.width, height=shape.height)
        return f'<rect {place} fill="{shape.colour}"{_opacity(shape.opacity)}/>'
    if isinstance(shape, Line):
        place = _attributes(x1=shape.x1, y1=shape.y1, x2=shape.x2, y2=shape.y2)
        return (
            f'<line {place} stroke="{shape.colour}" stroke-width="{number(shape.width)}" stroke-linecap="square"'
            f"{_opacity(shape.opacity)}/>"
        )
    if isinstance(shape, Disc):
        fill = shape.fill if isinstance(shape.fill, str) else f"url(#{names[shape.fill]})"
        return f'<circle {_attributes(cx=shape.x, cy=shape.y, r=shape.radius)} fill="{fill}"{_opacity(shape.opacity)}/>'
    if isinstance(shape, Ring):
        place = _attributes(cx=shape.x, cy=shape.y, r=shape.radius)
        stroke = f'fill="none" stroke="{shape.colour}" stroke-width="{number(shape.width)}"'
        return f"<circle {place} {stroke}{_opacity(shape.opacity)}/>"
    assert isinstance(shape, Text)
    place = _attributes(x=shape.x, y=shape.y + HALF_CAPITAL * shape.size)
    weight = ' font-weight="bold"' if shape.bold else ""
    style = f'font-size="{number(shape.size)}" text-anchor="{shape.anchor}" fill="{shape.colour}"{weight}'
    return f"<text {place} {style}>{characters(shape.text)}</text>"


def _attributes(**values: float) -> str:
    return " ".join(f'{name}="{number(value)}"' for name, value in values.items())


def _opacity(opacity: float) -> str:
    return "" if opacity == 1 else f' opacity="{number(opacity)}"'


def number(value: float) -> str:
    """A coordinate with at most two decimals (colours' offsets and opacities need no more).

    >>> number(3.0), number(0.125), number(-0.001)
    ('3', '0.12', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def characters(text: str) -> str:
    """Text for an XML document: markup escaped, characters that XML does not allow left out."""
    return escape("".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Cn")))
