"""A drawing of a net for a slide: every volume a box, its face the map's size, its thickness the channels.

Sizes are drawn on a curved scale, so that 7x7 can be seen beside 224x224. Layers that repeat are drawn once with their
number; residual blocks have an arc, branches a stripe each, auxiliary heads stand above. The colours are of the palette
of Okabe and Ito (2008), which the colour-blind tell apart.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from casecnn.layers import Net
from casecnn.layers.shapes import shape_text
from casecnn.vision.figure import GREY, INK, check_figure, new_figure, save_figure
from casecnn.vision.tables.boxes import MOST, Unit, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES, DPI = (16.0, 9.0), 120  # 1920 x 1080 pixels
COLOURS = {
    "input": "#c9c9ce",
    "convolution": "#56b4e9",
    "pool": "#d55e00",
    "fully connected": "#009e73",
    "branches": "#cc79a7",
    "residual block": "#0072b2",
    "other": "#e69f00",
}


def save_diagram(net: Net, path: str | os.PathLike[str]) -> None:
    """Write the drawing as PNG (1920 x 1080 pixels), SVG or PDF, as the file's ending says; whole or not at all.

    The same net gives the same file. Raises UsageError for another ending, InputError where it cannot be written.
    """
    check_figure("diagram", path)
    with new_figure(*INCHES, dpi=DPI, facecolor="white") as figure:
        draw(figure, net)
        save_figure(figure, path, "diagram", DPI)


def diagram(net: Net) -> Figure:
    """Return the drawing as a matplotlib figure."""
    with new_figure(*INCHES, dpi=DPI, facecolor="white") as figure:
        draw(figure, net)
    return figure


def draw(figure: Figure, net: Net) -> None:
    """Draw a net into a matplotlib figure of `INCHES`."""
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, INCHES[0]), ylim=(0, INCHES[1]))
    axes.axis("off")
    axes.text(0.6, 8.35, fitted(net.name, 60), fontsize=30, fontweight="bold", color=INK, va="center")
    macs = f"{net.macs / 1e9:.2f} G" if net.macs >= 1e8 else f"{net.macs / 1e6:.2f} M"
    told = f"{shape_text(net.input)} to {shape_text(net.output_shape)}   {net.parameters:,} parameters   {macs} MACs"
    axes.text(0.6, 7.78, told, fontsize=16, color=GREY, va="center")
    boxes = units(net)
    count = ceil(len(boxes) / MOST)
    rows = [boxes[i * len(boxes) // count : (i + 1) * len(boxes) // count] for i in range(count)]
    room = 6.6 / count
    largest = max(unit.volume[1] for unit in boxes if len(unit.volume) == 3) if len(net.input) == 3 else 1
    letters = min(map(size_of_words, rows))
    for number, row in enumerate(rows):
        last = number == count - 1
        draw_row(axes, row, top=7.4 - number * room, room=room, largest=largest, letters=letters, last=last)
    legend(axes, boxes)


def fitted(text: str, letters: int) -> str:
    """A text that is not longer than so many letters."""
    return text if len(text) <= letters else text[: letters - 1] + "\u2026"


def slot_of(row: Sequence[Unit]) -> float:
    """How wide the place of one box is, in inches."""
    return min((INCHES[0] - 1.0) / len(row), 2.1)


def size_of_words(row: Sequence[Unit]) -> float:
    """The largest letters, in points, with which the words of a row stand beside each other."""
    longest = max(9, *(len(text) for unit in row for text in (unit.name, *unit.words)))
    return min(12.0, 102 * slot_of(row) / longest)


def draw_row(
    axes: Axes, row: Sequence[Unit], top: float, room: float, largest: int, letters: float, last: bool
) -> None:
    """One row of boxes with the words under them."""
    slot = slot_of(row)
    left = (INCHES[0] - slot * len(row)) / 2
    lines = max(2 + len(unit.words) for unit in row)
    line = letters / 72 * 1.38
    floor = top - room + line * lines + 0.25
    tall = min(top - floor - 0.75, 4.6)
    middle = floor + tall / 2 + 0.1
    for number, unit in enumerate(row):
        x = left + slot * (number + 0.5)
        edge = draw_box(axes, unit, x, middle, tall, slot, largest)
        if number + 1 < len(row) or not last:
            arrow = {"arrowstyle": "-|>", "color": GREY, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (x + slot * 0.5 + 0.02, middle), (x + edge + 0.03, middle), arrowprops=arrow)
        words = [unit.name, *unit.words, shape_text(unit.volume)]
        for place, text in enumerate(words):
            axes.text(
                x, floor - 0.12 - line * (place + 0.5), text, ha="center", va="center", fontsize=letters,
                fontweight="bold" if place == 0 else "normal", color=GREY if place == len(words) - 1 else INK,
            )  # fmt: skip


def draw_box(axes: Axes, unit: Unit, x: float, y: float, tall: float, slot: float, largest: int) -> float:
    """A box around (x, y); returns how far it reaches to the right of x."""
    from matplotlib.patches import FancyArrowPatch

    if len(unit.volume) == 3:
        channels, height, _ = unit.volume
        size = tall * max(0.09, 0.8 * (height / largest) ** 0.55)
        depth = size * 0.28
        thick = min(0.06 + 0.5 * (channels / 1024) ** 0.5, 0.5) * slot
    else:
        size, depth = tall * max(0.12, min(0.8 * (unit.volume[0] / 4096) ** 0.35, 0.85)), 0.06
        thick = 0.1 * slot
    depth = min(depth, max(slot * 0.7 - thick, 0.05))
    behind = min(unit.times, 4) - 1
    shift = min(0.07 * slot, 0.1)
    wide = thick + depth + behind * shift
    left = x - wide / 2
    for copy in range(behind, -1, -1):
        box(axes, left + copy * shift, y - size / 2 - depth / 4 + copy * shift * 0.6, thick, size, depth, unit)
    reach = y + size / 2 + depth / 4 + behind * shift * 0.6
    if unit.kind == "residual block":
        bow: Any = {
            "connectionstyle": "arc3,rad=-0.55",
            "arrowstyle": "-|>",
            "mutation_scale": 12,
            "color": INK,
            "lw": 1.4,
        }
        axes.add_patch(FancyArrowPatch((left - 0.06 * slot, reach + 0.02), (left + wide + 0.02, reach + 0.02), **bow))
        reach += 0.28 * wide + 0.06
    if unit.times > 1:
        axes.text(x, reach + 0.12, f"\u00d7{unit.times}", ha="center", va="center", fontsize=14, fontweight="bold")
        reach += 0.25
    if unit.head:
        arrow = {"arrowstyle": "-|>", "color": COLOURS["fully connected"], "lw": 1.4}
        axes.annotate("", (x, reach + 0.42), (x, reach + 0.05), arrowprops=arrow)
        axes.text(
            x, reach + 0.47, "\n".join(unit.head), ha="center", va="bottom", fontsize=9, linespacing=1.1,
            color=COLOURS["fully connected"], fontweight="bold",
        )  # fmt: skip
    return wide / 2


def box(axes: Axes, x: float, y: float, thick: float, size: float, depth: float, unit: Unit) -> None:
    """A cuboid in oblique projection, its front in stripes where it has branches."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Polygon

    colour = to_rgb(COLOURS[unit.kind])

    def face(points: Sequence[tuple[float, float]], light: float) -> None:
        shade = tuple(min(1.0, part * light) for part in colour)
        axes.add_patch(Polygon(points, closed=True, facecolor=shade, edgecolor="white", lw=0.7))

    front, roof, back = y + size, y + size + depth * 0.6, y + depth * 0.6
    face([(x, front), (x + depth, roof), (x + depth + thick, roof), (x + thick, front)], 1.18)
    face([(x + thick, y), (x + thick + depth, back), (x + thick + depth, roof), (x + thick, front)], 0.8)
    total, at = sum(unit.stripes), x
    for number, share in enumerate(unit.stripes or (1,)):
        end = at + thick * (share / total if total else 1)
        face([(at, y), (end, y), (end, front), (at, front)], 1.0 if number % 2 == 0 else 1.12)
        at = end


def legend(axes: Axes, boxes: Sequence[Unit]) -> None:
    """What the colours mean, of those that are used."""
    from matplotlib.patches import Rectangle

    x = 0.6
    for kind, colour in COLOURS.items():
        if any(unit.kind == kind for unit in boxes):
            axes.add_patch(Rectangle((x, 0.28), 0.24, 0.24, facecolor=colour, edgecolor="none"))
            axes.text(x + 0.34, 0.4, kind, fontsize=12, va="center", color=INK)
            x += 0.8 + 0.1 * len(kind)
