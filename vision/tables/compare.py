"""Two nets or more beside each other: what one has more of, and how many times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from casecnn.checks import whole
from casecnn.layers import Net
from casecnn.layers.shapes import shape_text
from casecnn.nets.catalogue import declaration
from casecnn.vision.tables.error_rates import VALIDATION, error_rates
from casecnn.vision.tables.words import megabytes

COLUMNS = ("net", "input", "weight layers", "parameters", "MACs", "forward MB", "training MB", "top-5 %, published")
LEFT = ("net",)


def depth(net: Net) -> int:
    """Return the number of layers with weights from input to output, as the papers count: convolutions and linear ones.

    Of branches the longest counts; a projection beside a block does not.
    """
    longest: dict[str, int] = {}
    count = 0
    for row in net.rows:
        if row.auxiliary or not row.macs:
            continue
        parts = row.name.split(".")
        if "shortcut" in parts:
            continue
        if len(parts) == 2 and parts[0].startswith(("inception", "windows")):
            longest[parts[0]] = 2 if parts[0].startswith("inception") else 1
        else:
            count += 1
    return count + sum(longest.values())


def facts(name: str) -> dict[str, Any]:
    """Return the figures of a net of the catalogue, or of a pattern."""
    net = declaration(name).net()
    memory = net.memory()
    best = [rate.top5 for rate in error_rates(net.name) if rate.data == VALIDATION and rate.top5 is not None]
    return {
        "net": net.name, "input": list(net.input), "weight_layers": depth(net), "parameters": net.parameters,
        "macs": net.macs, "forward_bytes": memory.forward_bytes, "training_bytes": memory.training_bytes,
        "top5_percent": min(best, default=None),
    }  # fmt: skip


def compared(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the figures of each net; UsageError for fewer than two."""
    whole("nets", len(names), 2)
    return [facts(name) for name in names]


def cells(found: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the figures as the texts of `COLUMNS`."""
    return [
        (
            row["net"], shape_text(tuple(row["input"])), str(row["weight_layers"]), f"{row['parameters']:,}",
            f"{row['macs']:,}", megabytes(row["forward_bytes"]), megabytes(row["training_bytes"]),
            "" if row["top5_percent"] is None else f"{row['top5_percent']:g}",
        )
        for row in found
    ]  # fmt: skip


def sentences(found: Sequence[dict[str, Any]]) -> list[str]:
    """Say of each net what it has against the first: `googlenet against vgg16: 20 times fewer parameters, ...`."""
    first, *others = found
    lines = []
    for other in others:
        parts = [
            times(other[key], first[key], word)
            for key, word in (("parameters", "parameters"), ("macs", "multiply-adds"), ("forward_bytes", "memory"))
        ]
        layers = other["weight_layers"] - first["weight_layers"]
        if layers:
            parts.append(f"{abs(layers)} layers {'more' if layers > 0 else 'fewer'}")
        lines.append(f"{other['net']} against {first['net']}: {', '.join(parts)}")
    return lines


def times(one: int, other: int, what: str) -> str:
    """Return the ratio in words: "12 times fewer parameters", "as many parameters as"."""
    less = "less" if what == "memory" else "fewer"
    ratio = max(one, other) / max(min(one, other), 1)
    if ratio < 1.005:
        return f"as {'much' if what == 'memory' else 'many'} {what}"
    shown = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1.05 else f"{ratio:.2f}"
    return f"{shown} times {'more' if one > other else less} {what}"
