"""Nets, or parts of them, beside each other as columns of boxes from top to bottom, as in figure 3 of He 2016.

A residual block has its shortcut beside it: a line where it is the input itself, with "zeros" where channels are padded
(option A), a box where it projects (B, C). Branches stand side by side.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from casecnn.errors import UsageError
from casecnn.layers import AuxiliaryHead, BatchNorm, Branches, Layer, Net, Repeat, Residual
from casecnn.layers.composite import start
from casecnn.layers.layer import trace_chain
from casecnn.layers.shapes import Shape, shape_text
from casecnn.nets.catalogue import get_net
from casecnn.vision.figure import GREY, INK, check_figure, new_figure, save_figure
from casecnn.vision.tables.boxes import KINDS, short
from casecnn.vision.tables.diagram import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, HIGH, GAP = 1.9, 0.30, 0.17  # of a box and the space below it, in inches
QUIET = {"Flatten", "Softmax", "Dropout", "ReLU"}


@dataclass(frozen=True)
class Part:
    """What is drawn as one column: its title, its layers, and the shape of what enters."""

    title: str
    layers: tuple[Layer, ...]
    shape: Shape


def part_of(what: str) -> Part:
    """Return a net, or a part of one: `resnet34`, `googlenet:inception3a`, `resnet34-a:conv3_x.1.block`.

    Raises UsageError for a name that the net does not have.
    """
    name, _, layer = what.partition(":")
    net = get_net(name)
    if not layer:
        return Part(net.name, net.without_heads().layers, net.input)
    found = _inside(net.layers, net.input, layer.split("."))
    if found is None:
        stages = ", ".join(each.name for each in net.layers if isinstance(each, (Repeat, Branches, Residual)))
        raise UsageError(f"net `{net.name}` has no part '{layer}'; it has {stages or 'single layers only'}")
    layers, shape = found
    return Part(f"{net.name}: {layer}", layers, shape)


def _inside(layers: Sequence[Layer], shape: Shape, path: Sequence[str]) -> tuple[tuple[Layer, ...], Shape] | None:
    for layer in layers:
        if layer.name == path[0]:
            if not path[1:]:
                return (layer,), shape
            if isinstance(layer, Repeat) and path[1].isdecimal() and 1 <= int(path[1]) <= layer.times:
                for chain in layer.chains[: int(path[1]) - 1]:
                    shape = trace_chain(chain, shape, start(shape)).shape
                chain = layer.chains[int(path[1]) - 1]
                return (chain, shape) if not path[2:] else _inside(chain, shape, path[2:])
            return None
        shape = layer.output_shape(shape)
    return None


def draw_columns(names: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Draw nets or parts of them (see `part_of`) beside each other; .png, .svg or .pdf."""
    check_figure("image", path)
    parts = [part_of(name) for name in names]
    sizes = [_size(part.layers, part.shape) for part in parts]
    wide = sum(size[0] for size in sizes) + 0.9 * (len(parts) + 1)
    high = max(size[1] for size in sizes) + 1.5
    with new_figure(wide, high, facecolor="white") as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, wide), ylim=(high, 0))
        axes.axis("off")
        x = 0.9
        for part, (width, _) in zip(parts, sizes, strict=True):
            middle = x + width / 2
            axes.text(middle, 0.4, part.title, fontsize=12, weight="bold", ha="center", va="center", color=INK)
            axes.text(middle, 0.75, shape_text(part.shape), fontsize=9, ha="center", va="center", color=GREY)
            y = _draw(axes, part.layers, part.shape, middle, 0.95)
            out = trace_chain(part.layers, part.shape, start(part.shape)).shape
            axes.text(middle, y + 0.2, shape_text(out), fontsize=9, ha="center", va="center", color=GREY)
            x += width + 0.9
        dpi = int(min(150, 9000 / max(high, wide)))
        save_figure(figure, path, "image", dpi)


def _size(layers: Sequence[Layer], shape: Shape) -> tuple[float, float]:
    """Width and height of a column in inches."""
    wide, high = WIDE, 0.0
    for layer, entering in _shown(layers, shape):
        if isinstance(layer, Residual):
            inner = _size(layer.body, entering)
            wide = max(wide, inner[0] + (2.9 if layer.projection(entering) else 1.6))
            high += inner[1] + 0.42
        elif isinstance(layer, Branches):
            sizes = [_size(branch, entering) for branch in layer.branches]
            wide = max(wide, sum(size[0] for size in sizes) + 0.2 * (len(sizes) - 1))
            high += max(size[1] for size in sizes) + 0.9
        else:
            high += HIGH + GAP
    return wide, high


def _draw(axes: Axes, layers: Sequence[Layer], shape: Shape, x: float, y: float) -> float:
    """Draw layers from `y` down around `x`; return where the last arrow ends."""
    for inner, entering in _shown(layers, shape):
        if isinstance(inner, Residual):
            y = _residual(axes, inner, entering, x, y)
        elif isinstance(inner, Branches):
            y = _branches(axes, inner, entering, x, y)
        else:
            kind = KINDS.get(inner.kind, "pool" if "Pool" in inner.kind or inner.kind == "Subsampling" else "other")
            _arrow(axes, x, y, x, y + GAP)
            _box(axes, x, y + GAP, _words(inner, entering), COLOURS[kind])
            y += GAP + HIGH
    return y


def _shown(layers: Sequence[Layer], shape: Shape) -> list[tuple[Layer, Shape]]:
    """The layers that get a box, repetitions written out, each with the shape of what enters it."""
    found: list[tuple[Layer, Shape]] = []
    for layer in layers:
        if isinstance(layer, Repeat):
            inner = shape
            for chain in layer.chains:
                for one in chain:
                    if one.kind not in QUIET and not isinstance(one, BatchNorm):
                        found.append((one, inner))
                    inner = one.output_shape(inner)
        elif not isinstance(layer, (AuxiliaryHead, BatchNorm)) and layer.kind not in QUIET:
            found.append((layer, shape))
        shape = layer.output_shape(shape)
    return found


def _words(layer: Any, shape: Shape) -> str:
    text = short(layer, shape)
    return f"{text.split(',')[0]} conv,{text.partition(',')[2]}" if layer.kind in ("Conv", "TableConv") else text


def _residual(axes: Axes, layer: Residual, shape: Shape, x: float, y: float) -> float:
    from matplotlib.patches import Circle

    chain = layer.projection(shape)
    right = x + WIDE / 2 + (0.15 + 0.31 * WIDE if chain else 0.35)
    bottom = _draw(axes, layer.body, shape, x, y)
    sum_at = bottom + 0.24
    out = layer.output_shape(shape)
    words = "" if out == shape else "zeros" if not chain else ""
    top = y + 0.07
    axes.plot([x, right, right], [top, top, sum_at], color=INK, lw=1.2, ls="-" if out == shape else "--")
    _arrow(axes, right, sum_at, x + 0.09, sum_at)
    if chain:
        _box(axes, right, (y + bottom) / 2 - HIGH / 2 + 0.05, _words(chain[0], shape), COLOURS["convolution"], 0.62)
    elif words:
        axes.text(right + 0.08, (top + sum_at) / 2, f"pad with\n{words}", fontsize=8, color=GREY, va="center")
    _arrow(axes, x, bottom, x, sum_at - 0.09)
    axes.add_patch(Circle((x, sum_at), 0.09, facecolor="white", edgecolor=INK, lw=1.2, zorder=3))
    axes.text(x, sum_at, "+", ha="center", va="center", fontsize=10, zorder=4)
    return sum_at + 0.09


def _branches(axes: Axes, layer: Branches, shape: Shape, x: float, y: float) -> float:
    sizes = [_size(branch, shape) for branch in layer.branches]
    total = sum(size[0] for size in sizes) + 0.2 * (len(sizes) - 1)
    fork, left, ends = y + 0.18, x - total / 2, []
    for branch, (width, _) in zip(layer.branches, sizes, strict=True):
        middle = left + width / 2
        axes.plot([x, x, middle], [y, fork, fork], color=INK, lw=1.1)
        ends.append((middle, _draw(axes, branch, shape, middle, fork)))
        left += width + 0.2
    join = max(end for _, end in ends) + 0.2
    for middle, end in ends:
        axes.plot([middle, middle, x], [end, join, join], color=INK, lw=1.1)
    _arrow(axes, x, join, x, join + GAP)
    _box(axes, x, join + GAP, f"concatenate, {layer.output_shape(shape)[0]}", COLOURS["branches"])
    return join + GAP + HIGH


def _arrow(axes: Axes, x: float, y: float, to_x: float, to_y: float) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    axes.annotate("", (to_x, to_y), (x, y), arrowprops=style)


def _box(axes: Axes, x: float, y: float, text: str, colour: str, share: float = 1.0) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch

    light = tuple(0.42 * part + 0.58 for part in to_rgb(colour))
    wide = WIDE * share
    shape = FancyBboxPatch((x - wide / 2, y), wide, HIGH, boxstyle="round,pad=0,rounding_size=0.05", facecolor=light,
                           edgecolor="none", zorder=2)  # fmt: skip
    axes.add_patch(shape)
    size = min(9.0, 9.0 * 24 * share / max(len(text), 1))
    axes.text(x, y + HIGH / 2, text, ha="center", va="center", fontsize=size, color=INK, zorder=3)


def counts(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what nets or parts of them cost, for programs."""
    found = []
    for part in map(part_of, names):
        net = Net("part", part.shape, part.layers)
        found.append({"part": part.title, "input": list(part.shape), "output": list(net.output_shape),
                      "parameters": net.parameters, "macs": net.macs})  # fmt: skip
    return found
