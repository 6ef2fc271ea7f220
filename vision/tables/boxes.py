"""A net as the boxes of its drawing: which layers get one, which are drawn once with their number, and their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from casecnn.layers import AuxiliaryHead, Branches, Conv, Layer, Linear, Net, Repeat, Residual
from casecnn.layers.composite import start
from casecnn.layers.layer import trace_chain
from casecnn.layers.shapes import Shape, pair, shape_text
from casecnn.vision.tables.words import step

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
