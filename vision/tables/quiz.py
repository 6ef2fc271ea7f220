"""A worksheet: questions of the lectures' kind, drawn by a seed, with their answers worked out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from casecnn.layers import Conv, Flatten, Layer, Linear, MaxPool
from casecnn.nets.catalogue import get_net
from casecnn.vision.tables.arithmetic import answer, size
from casecnn.vision.tables.compare import times
from casecnn.vision.tables.grid import tex


@dataclass(frozen=True)
class Question:
    """A question, the answer in a few words, and the sums that lead to it."""

    question: str
    answer: str
    working: tuple[str, ...]


def _sums(shape: tuple[int, ...], *layers: Layer, last: int = -1) -> tuple[str, ...]:
    return answer(shape, layers).steps[last].sums


def _volume(draw: random.Random) -> Question:
    """Ask for the output of a convolution that fits."""
    while True:
        side, kernel = draw.choice((28, 32, 55, 64, 112, 224, 227)), draw.choice((3, 5, 7, 11))
        stride, pad, depth = draw.choice((1, 2, 4)), draw.choice((0, 1, 2, 3)), draw.choice((1, 3, 16, 64))
        if pad < kernel and (side + 2 * pad - kernel) % stride == 0:
            break
    filters = draw.choice((16, 32, 64, 96, 128))
    layer = Conv("layer1", filters, kernel, stride, pad)
    out = layer.output_shape((depth, side, side))
    return Question(
        f"A convolution has {filters} filters of {kernel}x{kernel}, stride {stride} and padding {pad}. Its input is "
        f"{side}x{side}x{depth}. What is the size of its output?",
        size(out),
        _sums((depth, side, side), layer)[:2],
    )


def _parameters(draw: random.Random) -> Question:
    """Ask for the parameters of a convolution."""
    depth, filters, kernel = draw.choice((3, 16, 64, 192)), draw.choice((16, 32, 96, 256)), draw.choice((1, 3, 5, 11))
    layer = Conv("layer1", filters, kernel, padding=kernel // 2)
    working = _sums((depth, 32, 32), layer)
    count = (kernel * kernel * depth + 1) * filters
    return Question(
        f"How many parameters, biases among them, has a convolution with {filters} filters of {kernel}x{kernel} on an "
        f"input of {depth} channels?",
        f"{count:,}",
        tuple(line for line in working if line.startswith("parameters")),
    )


def _work(draw: random.Random) -> Question:
    """Ask for the multiply-adds of a convolution that keeps its size."""
    depth, filters, kernel = draw.choice((32, 64, 192, 256)), draw.choice((32, 64, 128)), draw.choice((1, 3, 5))
    side = draw.choice((14, 28, 56))
    working = _sums((depth, side, side), Conv("layer1", filters, kernel, padding="same"))
    return Question(
        f"How many multiply-adds does a {kernel}x{kernel} convolution with {filters} filters take on "
        f"{side}x{side}x{depth}, with SAME padding and stride 1?",
        f"{side * side * kernel * kernel * depth * filters:,}",
        tuple(line for line in working if line.startswith(("output", "multiply-adds"))),
    )


def _bottleneck(draw: random.Random) -> Question:
    """Ask what a 1x1 reduction before a 5x5 convolution saves."""
    depth, reduced, filters = draw.choice((192, 256, 480)), draw.choice((16, 24, 32)), draw.choice((32, 48, 64))
    side = draw.choice((14, 28))
    shape = (depth, side, side)
    direct = answer(shape, [Conv("layer1", filters, 5, padding="same")]).net.macs
    both = answer(shape, [Conv("layer1", reduced, 1), Conv("layer2", filters, 5, padding="same")])
    parts = [step.row.macs for step in both.steps]
    return Question(
        f"On {side}x{side}x{depth}, {filters} filters of 5x5 (SAME) are computed directly, or after {reduced} filters "
        "of 1x1. How many times fewer multiply-adds does the second way take?",
        f"{direct / both.net.macs:.1f} times",
        (f"directly: {side}*{side}*5*5*{depth}*{filters} = {direct:,}",
         f"with the 1x1: {side}*{side}*{depth}*{reduced} + {side}*{side}*5*5*{reduced}*{filters} = {parts[0]:,} + "
         f"{parts[1]:,} = {both.net.macs:,}",
         f"{direct:,} / {both.net.macs:,} = {direct / both.net.macs:.1f}"),
    )  # fmt: skip


def _pool(draw: random.Random) -> Question:
    """Ask for the output of an overlapping or plain pooling."""
    side, (kernel, stride) = draw.choice((13, 27, 55, 111)), draw.choice(((3, 2), (5, 2), (3, 1)))
    depth = draw.choice((96, 256))
    layer = MaxPool("layer1", kernel, stride)
    out = layer.output_shape((depth, side, side))
    return Question(
        f"A max pooling of {kernel}x{kernel} with stride {stride} sees {side}x{side}x{depth}. What is its output, and "
        "how many parameters has it?",
        f"{size(out)}, 0 parameters",
        _sums((depth, side, side), layer)[:3],
    )


def _field(draw: random.Random) -> Question:
    """Ask for the receptive field of stacked convolutions."""
    count, stride = draw.choice((2, 3, 4)), draw.choice((1, 2))
    layers = [Conv(f"layer{n}", 8, 3, stride if n == 1 else 1, 1, rounding="floor") for n in range(1, count + 1)]
    strides = "all with stride 1" if stride == 1 else f"the first with stride {stride}, the others with stride 1"
    field = answer((3, 64, 64), layers).net.receptive_field[0]
    sums, seen, jump = [], 1, 1
    for n, layer in enumerate(layers, 1):
        seen += 2 * jump
        sums.append(f"layer {n}: {seen - 2 * jump} + (3-1)*{jump} = {seen}")
        jump *= layer.stride if isinstance(layer.stride, int) else layer.stride[0]
    return Question(
        f"{count} convolutions of 3x3 follow each other, {strides}. How "
        "large is the window of the input that one element of the last output sees?",
        f"{field}x{field}",
        tuple(sums),
    )


def _stack(draw: random.Random) -> Question:
    """Ask whether small filters in a row cost less than a large one."""
    channels, (count, large) = draw.choice((64, 128, 256)), draw.choice(((2, 5), (3, 7)))
    small, big = count * 9 * channels**2, large**2 * channels**2
    return Question(
        f"{count} convolutions of 3x3 see as much as one of {large}x{large}. With {channels} channels throughout and "
        "no biases, how many weights has each way?",
        f"{small:,} against {big:,}",
        (f"{count} * 3*3*{channels}*{channels} = {small:,}", f"{large}*{large}*{channels}*{channels} = {big:,}",
         f"{100 * (1 - small / big):.0f} % fewer, and {count} non-linearities in place of one"),
    )  # fmt: skip


def _dense(draw: random.Random) -> Question:
    """Ask for the parameters of a fully connected layer after a volume."""
    side, depth, units = draw.choice((5, 6, 7)), draw.choice((16, 256, 512)), draw.choice((120, 1000, 4096))
    working = _sums((depth, side, side), Flatten("flatten"), Linear("layer1", units))
    return Question(
        f"A fully connected layer of {units} units follows a volume of {side}x{side}x{depth}. How many parameters "
        "has it?",
        f"{(side * side * depth + 1) * units:,}",
        tuple(line for line in working if line.startswith("parameters")),
    )


def _nets(draw: random.Random) -> Question:
    """Ask how two nets compare."""
    one, other = (get_net(name) for name in draw.sample(("alexnet", "vgg16", "googlenet", "resnet50", "resnet152"), 2))
    return Question(
        f"{other.name} has {other.parameters:,} parameters and {other.macs:,} multiply-adds, {one.name} "
        f"{one.parameters:,} and {one.macs:,}. How do they compare?",
        f"{other.name}: {times(other.parameters, one.parameters, 'parameters')}, "
        f"{times(other.macs, one.macs, 'multiply-adds')}",
        (f"parameters: {other.parameters:,} / {one.parameters:,} = {other.parameters / one.parameters:.3g}",
         f"multiply-adds: {other.macs:,} / {one.macs:,} = {other.macs / one.macs:.3g}"),
    )  # fmt: skip


KINDS: tuple[Callable[[random.Random], Question], ...] = (
    _volume, _parameters, _pool, _work, _dense, _field, _bottleneck, _stack, _nets,
)  # fmt: skip
"""The kinds of questions, the easier ones first."""


def questions(count: int, seed: int = 0) -> list[Question]:
    """Draw questions, all kinds in turn, none twice; the same seed gives the same worksheet."""
    draw = random.Random(seed)
    found: list[Question] = []
    place = 0
    while len(found) < count:
        made = KINDS[place % len(KINDS)](draw)
        if made not in found or place > 50 * count:
            found.append(made)
            place += 1
        else:
            place += len(KINDS)
    return found


def markdown(found: Sequence[Question], answers: bool = True) -> str:
    """Return the worksheet as Markdown: the questions, then the answers with their sums."""
    lines = ["# Questions", "", *(f"{n}. {q.question}" for n, q in enumerate(found, 1))]
    if answers:
        lines += ["", "# Answers", ""]
        for n, q in enumerate(found, 1):
            lines += [f"{n}. **{q.answer}**", "", *(f"       {line}" for line in q.working), ""]
    return "\n".join(lines).rstrip()


def latex(found: Sequence[Question], answers: bool = True) -> str:
    """Return the worksheet as LaTeX, to be put into a document."""
    lines = [
        r"\section*{Questions}",
        r"\begin{enumerate}",
        *(rf"\item {tex(q.question)}" for q in found),
        r"\end{enumerate}",
    ]
    if answers:
        lines += [r"\section*{Answers}", r"\begin{enumerate}"]
        for q in found:
            sums = r" \\ ".join(tex(line) for line in q.working)
            lines.append(rf"\item \textbf{{{tex(q.answer)}}} \\ {{\small {sums}}}")
        lines.append(r"\end{enumerate}")
    return "\n".join(lines)
