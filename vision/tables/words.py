"""Layers, sizes and counts in a few letters, as tables and drawings show them."""

from __future__ import annotations

import textwrap
from typing import Any

from casecnn.layers import BatchNorm, Row
from casecnn.layers.shapes import pair, shape_text, sides

SHORT = {
    "LocalResponseNorm": "LRN",
    "GlobalMeanPool": "mean of all",
    "MaxOverTime": "max over time",
    "Branches": "concatenate",
    "Residual": "sum",
    "RadialBasis": "distances",
    "PositionBias": "bias a position",
}


def step(layer: Any) -> tuple[int, int]:
    """The stride of a layer with windows as (vertical, horizontal)."""
    if hasattr(layer, "step"):
        return layer.step
    return pair(getattr(layer, "stride", layer.kernel))


def layer_text(name: str) -> str:
    """A layer's dotted name without the parts of a residual block: its sum is called as the block is."""
    return name.replace(".block", "").replace(".body", "")


def filter_text(row: Row) -> str:
    """A layer in a few letters: "11x11 conv, 96", "3x3 max pool", "FC 4096"."""
    layer: Any = row.layer
    activation = getattr(layer, "activation", None)
    end = f" + {activation.replace('_', ' ')}" if activation else ""
    if row.kind in ("Conv", "TableConv"):
        groups = f", {layer.groups} groups" if getattr(layer, "groups", 1) > 1 else ""
        table = ", table" if row.kind == "TableConv" else ""
        return f"{shape_text(pair(layer.kernel))} conv, {row.output_shape[0]}{groups}{table}{end}"
    if row.kind in ("MaxPool", "MeanPool", "Subsampling"):
        kind = {"MaxPool": "max pool", "MeanPool": "mean pool", "Subsampling": "subsampling"}[row.kind]
        return f"{shape_text(pair(layer.kernel))} {kind}{end}"
    if row.kind == "AdaptiveMeanPool":
        return f"mean pool to {layer.size}x{layer.size}"
    if row.kind == "Linear":
        return f"FC {layer.units}{end}"
    if isinstance(layer, BatchNorm):
        return f"BN{end}"
    if row.kind == "Dropout":
        return f"dropout {100 * layer.p:g} %"
    return SHORT.get(row.kind, row.kind if row.kind == "ReLU" else row.kind.lower()) + end


def pad_text(row: Row) -> str:
    """The padding of a layer with windows: "2", "same", "1,2 0,0" where sides differ; how a remainder is rounded."""
    layer: Any = row.layer
    padding = getattr(layer, "padding", 0)
    if isinstance(padding, str):
        return padding
    cells = {side for pairs in sides(padding) for side in pairs}
    text = str(cells.pop()) if len(cells) == 1 else " ".join(",".join(map(str, pairs)) for pairs in sides(padding))
    spans = layer.spans(row.input_shape[1], row.input_shape[2])
    exact = not any(span.dropped or span.overhang for span in spans)
    return text if exact else f"{text} {layer.rounding}"


def megabytes(count: int) -> str:
    """Bytes in millions, nothing for none."""
    return f"{count / 1e6:,.3f}" if count else ""


def shortened(count: str) -> str:
    """Return a count with thousands separated as a short one: "2,359,296" is "2.36 M"."""
    number = int(count.replace(",", "") or 0)
    for unit, size in (("G", 10**9), ("M", 10**6), ("K", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}" if number < 999.5 * size else f"{number / size:.0f} {unit}"
    return count


def wrapped(line: str, width: int) -> str:
    """Break a line of prose at `width` letters; lines of a table, which are indented or ruled, stay as they are."""
    if len(line) <= width or "  " in line:
        return line
    return "\n".join(textwrap.wrap(line, width, subsequent_indent="  "))


def counted(row: Row) -> dict[str, Any]:
    """Return the shapes and counts of a layer for programs; shapes are (channels, height, width)."""
    return {
        "input_shape": list(row.input_shape),
        "output_shape": list(row.output_shape),
        "parameters": row.parameters,
        "parameters_without_biases": row.weights,
        "macs": row.macs,
        "flops": row.flops,
    }


def plain(value: Any) -> Any:
    """A list as 3x224x224, None as nothing."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    return "" if value is None else value
