"""A net written as the lecture's pattern, "[(CONV-RELU)*N-POOL]*M-(FC-RELU)*K-FC-SOFTMAX", with widths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from casecnn.errors import UsageError
from casecnn.layers import (
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool,
    MeanPool,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from casecnn.layers.layer import Activation
from casecnn.layers.shapes import Pair
from casecnn.nets.declaration import Declaration

WORDS = ("CONV", "RELU", "TANH", "SIGMOID", "POOL", "MAXPOOL", "MEANPOOL", "LRN", "BN", "DROPOUT", "FC", "SOFTMAX")
POOLS = {"POOL": MaxPool, "MAXPOOL": MaxPool, "MEANPOOL": MeanPool}
NONLINEAR: dict[str, tuple[Activation, type[Layer]]] = {
    "RELU": ("relu", ReLU),
    "TANH": ("tanh", Tanh),
    "SIGMOID": ("sigmoid", Sigmoid),
}
MOST = 2000
"""Layers that a pattern may have, repetitions written out."""


def is_pattern(name: str) -> bool:
    """Whether a net's name is a pattern: it has a bracket, or words of it joined by hyphens."""
    return any(c in name for c in "[(*") or bool(re.match(r"\s*(conv|fc)\s*-", name, re.IGNORECASE))


def words(pattern: str) -> list[str]:
    """The pattern's words with every repetition written out; UsageError, with the place, where it cannot be read.

    >>> words("[(CONV-RELU)*2-POOL]*2-FC")
    ['CONV', 'RELU', 'CONV', 'RELU', 'POOL', 'CONV', 'RELU', 'CONV', 'RELU', 'POOL', 'FC']
    """
    found = [(match.group(), match.start()) for match in re.finditer(r"[A-Za-z]+|[0-9]+|\S", pattern)]
    position = 0

    def wrong(rule: str) -> UsageError:
        where = "at its end"
        if position < len(found):
            where = f"at '{found[position][0]}' (character {found[position][1] + 1})"
        return UsageError(f"pattern '{pattern}': {where} {rule}")

    def take(what: str) -> bool:
        nonlocal position
        if position < len(found) and found[position][0] == what:
            position += 1
            return True
        return False

    def sequence() -> list[str]:
        parts = item()
        while take("-") or take(","):
            parts += item()
        return parts

    def item() -> list[str]:
        nonlocal position
        if take("("):
            part = closed(")")
        elif take("["):
            part = closed("]")
        else:
            word = found[position][0].upper() if position < len(found) else ""
            if word not in WORDS:
                raise wrong(f"there must be one of {', '.join(WORDS)}, or a bracket that opens")
            part = [word]
            position += 1
        if position < len(found) and found[position][0] == "?":
            raise wrong("there must be a decision: leave out the layer, or the question mark")
        if not take("*"):
            return part
        number = found[position][0] if position < len(found) else ""
        if not (number.isascii() and number.isdigit()):
            raise wrong("there must be a number of repetitions")
        if len(number) > 6 or len(part) * int(number) > MOST:
            raise wrong(f"there must be at most {MOST} layers, written out")
        position += 1
        return part * int(number)

    def closed(bracket: str) -> list[str]:
        part = sequence()
        if not take(bracket):
            raise wrong(f"there must be '-' or '{bracket}'")
        return part

    if len(pattern) > MOST:
        raise UsageError(f"pattern: it has {len(pattern)} characters; write repetitions as (CONV-RELU)*3")
    try:
        read = sequence()
    except RecursionError:
        raise UsageError("pattern: too many brackets inside each other") from None
    if position < len(found):
        raise wrong("there must be '-' or the end")
    if len(read) > MOST:
        raise UsageError(f"pattern '{pattern}': there must be at most {MOST} layers, written out")
    if not read:
        raise UsageError(f"pattern '{pattern}': no layers are left")
    return read


@dataclass(frozen=True, kw_only=True)
class Pattern(Declaration):
    """CONV is 3x3, padded to keep its size; POOL is 2x2 max with stride 2; the last FC has the classes.

    ``widths`` are the filters of the CONVs and then the units of the FCs but the last: one for each of them, or one for
    all the CONVs between two POOLs. Left out, filters double from 64 at each POOL up to 512, and an FC has 512 units.
    """

    pattern: str
    widths: tuple[int, ...] = ()
    classes: int = 10
    size: int | Pair = 32

    def layers(self, classes: int) -> tuple[Layer, ...]:
        """The layers for this number of classes; UsageError where the widths are not as many as the layers need."""
        return tuple(self.named(words(self.pattern), classes))

    def filters(self, read: Sequence[str]) -> Iterator[int]:
        """The width of each CONV, then of each FC but the last."""
        block, blocks = 0, []
        for word in read:
            if word == "CONV":
                blocks.append(block)
            elif word in POOLS and blocks and blocks[-1] == block:
                block += 1
        convs, hidden = len(blocks), max(read.count("FC") - 1, 0)
        stages = len(set(blocks))
        if not self.widths:
            yield from (min(64 * 2**number, 512) for number in blocks)
            yield from (512,) * hidden
        elif len(self.widths) == convs + hidden:
            yield from self.widths
        elif len(self.widths) == stages + hidden:
            yield from (self.widths[number] for number in blocks)
            yield from self.widths[stages:]
        else:
            need = f"{convs + hidden} (one for each CONV and each FC but the last)"
            if stages != convs:
                need += f" or {stages + hidden} (one for the CONVs before each POOL, one for each FC but the last)"
            raise UsageError(f"pattern '{self.pattern}': widths (={len(self.widths)} numbers) must be {need}")

    def named(self, read: Sequence[str], classes: int) -> Iterator[Layer]:
        """The words as layers: conv1_1, conv1_2, pool1, …, fc1, …; a non-linearity is part of the layer before it."""
        widths, last_fc = list(self.filters(read)), max((i for i, word in enumerate(read) if word == "FC"), default=-1)
        block, conv, fc, flat = 1, 0, 0, False
        for number, word in enumerate(read):
            following = read[number + 1] if number + 1 < len(read) else ""
            activation = NONLINEAR[following][0] if following in NONLINEAR else None
            if word == "CONV":
                conv += 1
                yield Conv(f"conv{block}_{conv}", widths.pop(0), 3, padding=1, activation=activation)
            elif word in POOLS:
                yield POOLS[word](f"pool{block}" if conv else f"pool{block}_{number}", 2, rounding="floor")
                block, conv = (block + 1, 0) if conv else (block, 0)
            elif word == "FC":
                fc += 1
                if not flat:
                    yield Flatten("flatten")
                flat = True
                units = classes if number == last_fc else widths.pop(0)
                yield Linear(f"fc{fc}", units, activation=activation)
            elif word == "BN":
                yield BatchNorm(f"norm{number + 1}", activation=activation)
            elif word == "LRN":
                yield LocalResponseNorm(f"lrn{number + 1}")
            elif word == "DROPOUT":
                yield Dropout(f"drop{number + 1}")
            elif word == "SOFTMAX":
                yield Softmax("softmax" if number + 1 == len(read) else f"softmax{number + 1}")
            elif number == 0 or read[number - 1] not in ("CONV", "FC", "BN"):
                yield NONLINEAR[word][1](f"{word.lower()}{number + 1}")


def pattern_row(pattern: str, widths: Sequence[int] = ()) -> Pattern:
    """The row that a pattern declares, with its widths. Raises UsageError where the pattern cannot be read."""
    for width in widths:
        if width < 1:
            raise UsageError(f"pattern: width (={width}) must be at least 1")
    words(pattern)
    return Pattern(
        name=pattern,
        pattern=pattern,
        widths=tuple(widths),
        summary="a pattern of one's own",
        paper="the lectures' pattern",
    )
