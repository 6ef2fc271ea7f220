"""A picture of a net for a slide: every volume a box, its face the map's size, its thickness the channels.

Sizes are drawn on a curved scale, so that 7x7 can be seen beside 224x224. Layers that repeat are drawn once with their
number; residual blocks have an arc, branches a stripe each, auxiliary heads stand above. The colours are of the palette
of Okabe and Ito (2008), which the colour-blind tell apart. Only this module loads matplotlib for nets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casecnn.errors import UsageError
from casecnn.files import atomic_write
from casecnn.layers import AuxiliaryHead, Branches, Conv, Layer, Linear, Net, Repeat, Residual
from casecnn.layers.composite import start
from casecnn.layers.layer import trace_chain
from casecnn.layers.shapes import Shape, pair, shape_text
from casecnn.vision.tables.table import step

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES, DPI = (16.0, 9.0), 120  # 1920 x 1080 pixels
INK, GREY = "#1d1d1f", "#6b6b70"
COLOURS = {
    "input": "#c9c9ce",
    "convolution": "#56b4e9",
    "pool": "#d55e00",
    "fully connected": "#009e73",
    "branches": "#cc79a7",
    "residual block": "#0072b2",
    "other": "#e69f00",
}
KINDS = {"Conv": "convolution", "TableConv": "convolution", "Linear": "fully connected", "Residual": "residual block"}
QUIET = {"ReLU", "Tanh", "Sigmoid", "ScaledTanh", "Flatten", "Softmax", "Dropout", "BatchNorm", "PositionBias"}
"""Layers that get no box of their own."""
NOTED = {"LocalResponseNorm": "LRN", "Dropout": "dropout", "PositionBias": "bias a point"}
"""What is added to the box before, in words."""
MOST, CROWDED = 12, 14
"""Boxes in a row; more boxes than that and equal neighbours are drawn as one."""


@dataclass(frozen=True)
class Unit:
    """One box: a volume and the words under it. ``stripes`` are shares of the thickness, of branches."""

    kind: str
    name: str
    words: tuple[str, ...]
    volume: Shape
    times: int = 1
    stripes: tuple[int, ...] = ()
    head: tuple[str, ...] = ()


def save_diagram(net: Net, path: str | os.PathLike[str]) -> None:
    """Writes the picture as PNG (1920 x 1080 pixels) or SVG, as the file's ending says; whole or not at all.

    The same net gives the same file. Raises UsageError for another ending, InputError where it cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in (".png", ".svg"):
        raise UsageError(f"`diagram` (={os.fspath(path)}) must end in .png or .svg")
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "casecnn", "text.parse_math": False}):
        figure = diagram(net)
        with atomic_write(path) as stream:
            metadata: Any = {"Date": None} if ending == ".svg" else None
            figure.savefig(stream, format=ending[1:], dpi=DPI, metadata=metadata)


def units(net: Net) -> list[Unit]:
    """The boxes of a net, the input first; where there are many, equal neighbours are one box with a number."""
    found = [Unit("input", "input", (), net.input), *walk(net.layers, net.input)]
    if len(found) <= CROWDED:
        return found
    merged: list[Unit] = []
    for unit in found:
        last = merged[-1] if merged else None
        if last and (last.kind, last.words, last.volume, last.head) == (unit.kind, unit.words, unit.volume, ()):
            first = last.name.split(" \u2013 ")[0]
            merged[-1] = replace(last, name=f"{first} \u2013 {unit.name}", times=last.times + 1)
        else:
            merged.append(unit)
    return merged


def walk(layers: Sequence[Layer], shape: Shape) -> Iterator[Unit]:
    """The boxes of layers one after the other; what has no box is noted on the box before."""
    made: list[Unit] = []
    for layer in layers:
        out = trace_chain((layer,), shape, start(shape)).shape
        if isinstance(layer, AuxiliaryHead):
            if made:
                made[-1] = replace(made[-1], head=(layer.name, *head_words(layer)))
        elif isinstance(layer, Repeat):
            made += repeated(layer, shape)
        elif layer.kind in QUIET or layer.kind == "LocalResponseNorm":
            if made and layer.kind in NOTED:
                made[-1] = replace(made[-1], words=(*made[-1].words, f"+ {NOTED[layer.kind]}"))
        else:
            made.append(unit_of(layer, shape, out))
        shape = out
    return iter(made)


def unit_of(layer: Layer, shape: Shape, out: Shape) -> Unit:
    """One layer's box."""
    if isinstance(layer, Branches):
        ends = [trace_chain(branch, shape, start(shape)).shape[0] for branch in layer.branches]
        words = tuple(dict.fromkeys(short(inner, shape) for branch in layer.branches for inner in branch[-2:-1]))
        if len(out) == 3:
            sums = [" + ".join(map(str, ends[place : place + 2])) for place in range(0, len(ends), 2)]
            words = (*(f"{part} +" for part in sums[:-1]), sums[-1])
        else:
            words = (*words, "max over time")
        return Unit("branches", layer.name, words, out, stripes=tuple(ends))
    if isinstance(layer, Residual):
        words = tuple(short(inner, shape) for inner in layer.body if isinstance(inner, Conv))
        return Unit("residual block", layer.name, words, out)
    kind = KINDS.get(layer.kind, "pool" if "Pool" in layer.kind or layer.kind == "Subsampling" else "other")
    return Unit(kind, layer.name, (short(layer, shape),), out)


def repeated(layer: Repeat, shape: Shape) -> list[Unit]:
    """A stage as one box with the number of its blocks, or the boxes of its layers where a block has more than one."""
    out = trace_chain((layer,), shape, start(shape)).shape
    block = layer.layers[0]
    stride = trace_chain(layer.chains[0], shape, start(shape)).field.jump[0]
    halved = (f"first /{stride}",) if stride > 1 else ()
    if isinstance(block, Residual):
        unit = unit_of(block, shape, out)
        return [replace(unit, name=layer.name, words=(*unit.words, *halved), times=layer.times)]
    words = tuple(short(inner, shape) for inner in layer.layers if isinstance(inner, Conv))
    return [Unit("convolution", layer.name, (*words, *halved), out, times=layer.times)]


def short(layer: Any, shape: Shape) -> str:
    """A layer in a few letters: "11x11, 96 /4"."""
    if isinstance(layer, Linear):
        return f"{layer.units:,} units"
    if hasattr(layer, "kernel"):
        text = shape_text(pair(layer.kernel))
        if isinstance(layer, Conv):
            text += f", {layer.channels}" + (f" in {layer.groups} groups" if layer.groups > 1 else "")
        elif layer.kind == "TableConv":
            text += f", {len(layer.table)}, table"
        elif layer.kind in ("MaxPool", "MeanPool"):
            text += " max" if layer.kind == "MaxPool" else " mean"
        stride = step(layer)
        return text if stride == (1, 1) else f"{text} /{stride[0]}"
    return {"GlobalMeanPool": "mean of each map", "RadialBasis": "distances"}.get(layer.kind, layer.kind)


def head_words(head: AuxiliaryHead) -> tuple[str, ...]:
    """The layers of an auxiliary head that have weights."""
    return tuple(short(inner, ()) for inner in head.layers if isinstance(inner, Conv | Linear))


def diagram(net: Net) -> Figure:
    """The picture as a matplotlib figure, without pyplot: no window is opened and no state is left behind."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI, facecolor="white")
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
    return figure


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
