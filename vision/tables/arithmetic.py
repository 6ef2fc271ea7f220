"""The lecturer's questions about a layer, answered with the sum: output volume, parameters, multiply-adds, memory.

Sizes are written as the lectures do, height x width x channels: ``227x227x3``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from casecnn.errors import InputError, UsageError
from casecnn.layers import Conv, Flatten, Layer, Linear, MaxPool, MeanPool, Net, Row, ShapeError
from casecnn.layers.shapes import Pair, Shape, Span, pair, sides, window_sum
from casecnn.vision.tables.grid import tex
from casecnn.vision.tables.steps import Worked, worked
from casecnn.vision.tables.words import counted, megabytes, step

BYTES = 4
POOLS = {"pool": MaxPool, "maxpool": MaxPool, "meanpool": MeanPool}
EXAMPLE = "conv 11x11x96 /4 pool 3x3 /2 fc 4096"


@dataclass(frozen=True)
class Step:
    """One layer's answer: ``sums`` are lines of arithmetic, ``row`` the same as numbers."""

    title: str
    row: Row
    sums: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For programs; shapes are (channels, height, width)."""
        row = self.row
        return {
            "layer": self.title,
            **counted(row),
            "activation_bytes": prod(row.output_shape) * BYTES,
            "receptive_field": list(row.receptive_field),
            "sums": list(self.sums),
        }


@dataclass(frozen=True)
class Answer:
    """The layers' answers in order, and the net that they make together."""

    net: Net
    steps: tuple[Step, ...]

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        net = self.net
        return {
            "input": list(net.input),
            "layers": [step.as_dict() for step in self.steps],
            "totals": {
                "parameters": net.parameters,
                "parameters_without_biases": net.weights,
                "macs": net.macs,
                "flops": net.flops,
            },
        }

    def text(self) -> str:
        """For people: every sum on a line; totals where there is more than one layer."""
        lines = []
        for number, each in enumerate(self.steps):
            lines += [""] * (number > 0) + [each.title, *(f"  {line}" for line in each.sums)]
        if len(self.steps) > 1:
            macs = [f"{each.row.macs:,}" for each in self.steps if each.row.macs]
            net = self.net
            lines += ["", "together"]
            lines.append(f"  parameters: {net.weights:,} weights + {net.biases:,} biases = {net.parameters:,}")
            lines.append(f"  multiply-adds: {' + '.join(macs) or '0'} = {net.macs:,}; FLOPs {net.flops:,}")
        return "\n".join(lines)

    def latex(self) -> str:
        """For a worksheet: a description list of the layers, each with its sums."""
        items = [rf"\item[{tex(each.title)}] " + r" \\ ".join(map(tex, each.sums)) for each in self.steps]
        return "\n".join([r"\begin{description}", *items, r"\end{description}"])


def work_out(shape: Shape, layers: Sequence[Layer], seed: int = 0) -> Worked:
    """Work out the one layer that there is with numbers, gradients too; UsageError for none or several."""
    answered = answer(shape, layers)
    if len(answered.steps) != 1:
        raise UsageError(f"`work_out` works out one layer, not {len(answered.steps)}; give one conv, pool or meanpool")
    step_ = answered.steps[0]
    return worked(shape, step_.row.layer, step_.title, seed)


def volume(text: str) -> Shape:
    """``227x227x3`` as (3, 227, 227), ``4096`` as (4096,); UsageError for anything else."""
    if not re.fullmatch(r"[1-9]\d{0,5}(x[1-9]\d{0,5}x[1-9]\d{0,5})?", text):
        raise UsageError(f"`input` (={text}) must be height x width x channels such as 227x227x3, or a vector's length")
    numbers = tuple(map(int, text.split("x")))
    return numbers if len(numbers) == 1 else (numbers[2], numbers[0], numbers[1])


def parse(tokens: Sequence[str]) -> tuple[Layer, ...]:
    """The layers of ``conv 11x11x96 /4 pool 3x3 /2 fc 4096``; UsageError, naming the word, where that cannot be read.

    ``conv`` takes height x width x filters, ``pool`` (max) and ``meanpool`` height x width, ``fc`` units; ``/4`` or
    ``/2x1`` is the stride, ``pad 2``, ``pad 2x0``, ``pad same`` and ``pad valid`` the padding, ``groups 2`` splits a
    conv, ``floor`` and ``ceil`` say what becomes of a remainder. A pool's stride is its size where none is given.
    """
    words = [word for token in tokens for word in token.lower().split()]
    layers: list[Layer] = []
    position = 0

    def following(what: str) -> str:
        nonlocal position
        position += 1
        if position >= len(words):
            raise UsageError(f"after '{words[position - 1]}' there must be {what}, as in '{EXAMPLE}'")
        return words[position]

    if not words:
        raise UsageError(f"there must be at least one layer, as in '{EXAMPLE}'")
    while position < len(words):
        word = words[position]
        name = f"layer{len(layers) + 1}"
        if word == "conv":
            height, width, channels = numbers(following("height x width x filters"), 3, "height x width x filters")
            layers.append(Conv(name, channels, (height, width)))
        elif word in POOLS:
            height, width = numbers(following("height x width"), 2, "height x width")
            layers.append(POOLS[word](name, (height, width)))
        elif word == "fc":
            if not any(isinstance(layer, Linear) for layer in layers):
                layers.append(Flatten("flatten"))
            (units,) = numbers(following("a number of units"), 1, "a number of units")
            layers.append(Linear(name, units))
        elif layers and not isinstance(layers[-1], Linear):
            layers[-1] = option(layers[-1], word, following)
        else:
            raise UsageError(f"'{word}' must be conv, pool, meanpool or fc, as in '{EXAMPLE}'")
        position += 1
    return tuple(layers)


def option(layer: Any, word: str, following: Any) -> Layer:
    """The layer with one more option."""
    if word.startswith("/"):
        return replace(layer, stride=twice(word[1:] or following("a stride"), "stride"))
    if word == "stride":
        return replace(layer, stride=twice(following("a stride"), "stride"))
    if word == "pad":
        cells = following("cells, same or valid")
        return replace(layer, padding=cells if cells in ("same", "valid") else twice(cells, "padding", least=0))
    if word in ("floor", "ceil"):
        return replace(layer, rounding=word)
    if word == "groups" and isinstance(layer, Conv):
        (groups,) = numbers(following("a number of groups"), 1, "a number of groups")
        return replace(layer, groups=groups)
    known = "/STRIDE, pad, floor, ceil, groups, or the next layer (conv, pool, meanpool, fc)"
    raise UsageError(f"'{word}' must be {known}, as in '{EXAMPLE}'")


def numbers(word: str, count: int, what: str, least: int = 1) -> tuple[int, ...]:
    """``11x11x96`` as three numbers."""
    parts = word.split("x")
    if len(parts) != count or not all(re.fullmatch(r"\d{1,6}", part) and int(part) >= least for part in parts):
        raise UsageError(f"'{word}' must be {what}, whole numbers of at least {least}")
    return tuple(map(int, parts))


def twice(word: str, what: str, least: int = 0) -> Pair:
    """``2`` or ``2x1`` as a pair (vertical, horizontal)."""
    least = least if what == "padding" else 1
    found = numbers(word, word.count("x") + 1 if word.count("x") < 2 else 2, f"the {what}, a number or two", least)
    return (found[0], found[0]) if len(found) == 1 else (found[0], found[1])


def answer(shape: Shape, layers: Sequence[Layer]) -> Answer:
    """What the layers make of an input (C, H, W) or (n,), step by step.

    Raises InputError, which shows the sum, where a layer does not fit: the sum that is not whole is not rounded unless
    the layer says so.
    """
    if len(shape) == 1:
        layers = [layer for layer in layers if not isinstance(layer, Flatten)]
    try:
        net = Net("arithmetic", shape, tuple(layers))
    except ShapeError as error:
        text = re.sub(r"net `arithmetic`, layer `(layer)?(\w+)`: ", lambda found: f"layer {found[2]}: ", str(error))
        raise InputError(text) from None
    steps = [Step(title(row), row, tuple(sums(row))) for row in net.rows if not isinstance(row.layer, Flatten)]
    return Answer(net, tuple(steps))


def title(row: Row) -> str:
    """The question: "conv 11x11x96 /4 on 227x227x3"."""
    layer: Any = row.layer
    if isinstance(layer, Linear):
        return f"fc {layer.units} on {size(row.input_shape)}"
    kernel = times(pair(layer.kernel))
    if isinstance(layer, Conv):
        text = f"conv {kernel}x{layer.channels}" + (f", {layer.groups} groups" if layer.groups > 1 else "")
    else:
        text = f"{'max' if isinstance(layer, MaxPool) else 'mean'} pool {kernel}"
    stride = times(dict.fromkeys(step(layer)))
    padding = layer.padding
    pad = padding if isinstance(padding, str) else times(dict.fromkeys(before for before, _ in sides(padding)))
    return f"{text}, stride {stride}, pad {pad}, on {size(row.input_shape)}"


def sums(row: Row) -> list[str]:
    """The lines of arithmetic of one layer."""
    layer: Any = row.layer
    out, lines = row.output_shape, []
    if not isinstance(layer, Linear):
        rows, columns = layer.spans(*row.input_shape[1:])
        across = windows_sum(layer, row.input_shape[2], 1, columns)
        down = windows_sum(layer, row.input_shape[1], 0, rows)
        if down.replace("rows", "columns") == across:
            lines.append(f"output: {across}")
        else:
            lines += [f"output height: {down}", f"output width: {across}"]
        lines.append(f"volume: {size(out)} = {prod(out):,} values")
    lines += costs(row)
    values = prod(out)
    lines.append(
        f"memory: {values:,} x {BYTES} bytes = {megabytes(values * BYTES)} MB forward, "
        f"{megabytes(2 * values * BYTES)} MB with its gradient"
    )
    lines.append(f"receptive field: {times(row.receptive_field)} cells of the input")
    return lines


def windows_sum(layer: Any, cells: int, axis: int, windows: Span) -> str:
    """How many windows there are along one axis, with the sum, and what a remainder becomes."""
    kernel, stride = pair(layer.kernel)[axis], step(layer)[axis]
    if layer.padding == "same":
        count = windows.windows
        needed = (count - 1) * stride + kernel - cells
        split = f"{windows.before} before, {windows.after} after" if needed > 0 else "none"
        rounded = f"{cells}/{stride} rounded up = {count}" if cells % stride else f"{cells}/{stride} = {count}"
        return f"SAME: {rounded}; padding ({count}-1)*{stride}+{kernel}-{cells} = {needed}: {split}"
    sum_ = window_sum(cells, kernel, stride, (windows.before, windows.after))
    lost = dropped(windows, "columns" if axis else "rows")
    if layer.padding == "valid":
        return f"VALID: {sum_}, rounded down = {windows.windows}{lost}" if windows.dropped else f"VALID: {sum_}"
    if windows.overhang:
        return f"{sum_}, rounded up = {windows.windows}, the last window hangs over by {windows.overhang}"
    return f"{sum_}, rounded down = {windows.windows}{lost}" if windows.dropped else sum_


def dropped(windows: Span, cells: str) -> str:
    """Say which cells no window sees: first of the padding, then of the input."""
    padding = min(windows.dropped, windows.after)
    inside = windows.dropped - padding
    if not inside:
        return f", no window sees the last {cells if padding > 1 else cells[:-1]} of the padding"
    last = f"the last {inside}" if inside > 1 else "the last"
    return f", no window sees {last} of the {cells}" + (" and the padding after it" if padding else "")


def costs(row: Row) -> list[str]:
    """Parameters and multiply-adds with their products."""
    layer: Any = row.layer
    if not row.parameters:
        return ["parameters: 0; a pool works over each map on its own and learns nothing"]
    if isinstance(layer, Linear):
        product, positions = f"{row.input_shape[0]}*{layer.units}", ""
    else:
        product = "*".join(map(str, (*pair(layer.kernel), row.input_shape[0], layer.channels)))
        if layer.groups > 1:
            product += f"/{layer.groups}"
        positions = f"{row.output_shape[1]}*{row.output_shape[2]} positions * "
    weights = f"{product} = {row.weights:,} weights"
    made = f"{row.weights:,} weights = " if positions else ""
    biases = f"{row.biases:,} bias{'es' * (row.biases != 1)}"
    return [
        f"parameters: {weights} (not counting biases) + {biases} = {row.parameters:,}",
        f"multiply-adds: {positions}{made}{row.macs:,}; FLOPs 2*{row.macs:,} = {row.flops:,}",
    ]


def size(shape: Shape) -> str:
    """(96, 55, 55) as "55x55x96"."""
    return times((*shape[1:], shape[0]))


def times(values: Any) -> str:
    """Numbers joined by x."""
    return "x".join(map(str, values))
