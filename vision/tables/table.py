"""The table of a net: every layer with what it costs, totals, and what is published beside them; text or data."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from casecnn.errors import UsageError
from casecnn.layers import Net, Row
from casecnn.layers.shapes import pair, shape_text, sides
from casecnn.nets.declaration import Declaration
from casecnn.vision.tables.error_rates import error_rates
from casecnn.vision.tables.grid import in_columns, in_latex, in_markdown
from casecnn.vision.tables.published import UNITS, Figure, figures
from casecnn.vision.tables.words import (
    counted,
    filter_text,
    layer_text,
    megabytes,
    pad_text,
    plain,
    shortened,
    step,
    wrapped,
)

BYTES = 4
"""Of one activation: float32."""

COLUMNS = (
    "layer", "filter", "stride", "pad", "output", "parameters", "no biases", "MACs", "FLOPs", "forward MB",
    "training MB", "field",
)  # fmt: skip
LEFT = ("layer", "filter")
NARROW = ("layer", "filter", "stride", "pad", "output", "parameters", "MACs", "forward MB", "field")
"""The columns of a narrow table."""
_DROPPED = ("forward MB", "field", "pad")  # one after the other, where a terminal is narrower still


@dataclass(frozen=True)
class Comparison:
    """A published figure beside ours: ``agrees``, or the ``reason`` why it does not."""

    figure: Figure
    ours: int
    agrees: bool
    reason: str

    def __str__(self) -> str:
        figure = self.figure
        value = f"{int(figure.printed):,}" if figure.unit == "" else f"{figure.printed} {figure.unit}"
        place = f"{figure.part}: " if figure.part else ""
        end = "" if self.agrees else f": {self.reason}"
        mark = "\u2713" if self.agrees else "\u2717"
        return f"{mark} {place}{value} {figure.quantity} ({figure.source}); ours {self.ours:,}{end}"


@dataclass(frozen=True)
class NetTable:
    """A net, the row of the catalogue that it comes from, and the batch that memory is counted for."""

    net: Net
    row: Declaration
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UsageError(f"`batch` (={self.batch}) must be at least 1")

    @property
    def layers(self) -> tuple[Row, ...]:
        """The layers of the net that predicts."""
        return tuple(row for row in self.net.rows if not row.auxiliary)

    @property
    def heads(self) -> tuple[Row, ...]:
        """The layers of the auxiliary heads."""
        return tuple(row for row in self.net.rows if row.auxiliary)

    @property
    def forward_bytes(self) -> int:
        """Activation memory at inference for the batch and its input, float32 (see `casecnn.layers.net.Memory`)."""
        return self.net.memory(BYTES).forward_bytes * self.batch

    @property
    def training_bytes(self) -> int:
        """Activation memory in training for the batch: outputs kept and their gradients."""
        return self.net.memory(BYTES).training_bytes * self.batch

    def comparisons(self) -> tuple[Comparison, ...]:
        """What is published of this net beside ours; nothing where input or classes are not the published ones."""
        if self.net != self.row.net():
            return ()
        return tuple(
            Comparison(figure, figure.ours(self.net), figure.agrees(self.net), figure.verdict(self.net))
            for figure in figures(self.net.name)
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs. MACs and FLOPs are of one input, bytes of the batch."""
        net = self.net
        return {
            "net": net.name,
            "input": list(net.input),
            "batch": self.batch,
            "layers": [self.layer_dict(row) for row in self.layers],
            "totals": {
                "parameters": net.parameters,
                "parameters_without_biases": net.weights,
                "macs": net.macs,
                "flops": net.flops,
                "activation_bytes": self.forward_bytes,
            },
            "training_activation_bytes": self.training_bytes,
            "receptive_field": list(net.receptive_field),
            "auxiliary": {
                "parameters": net.auxiliary_parameters,
                "macs": net.auxiliary_macs,
                "layers": [self.layer_dict(row) for row in self.heads],
            },
            "paper": self.row.paper,
            "differs": list(self.row.differs),
            "published": [
                {
                    "quantity": each.figure.quantity,
                    "layer": each.figure.part or None,
                    "printed": f"{each.figure.printed} {each.figure.unit}".strip(),
                    "value": float(each.figure.printed) * UNITS[each.figure.unit],
                    "source": each.figure.source,
                    "ours": each.ours,
                    "agrees": each.agrees,
                    "reason": each.reason or None,
                }
                for each in self.comparisons()
            ],
            "errors": [vars(rate) for rate in error_rates(self.net.name)] if self.net == self.row.net() else [],
        }

    def layer_dict(self, row: Row) -> dict[str, Any]:
        """One layer for programs; kernel, stride and padding are None where a layer has none."""
        layer: Any = row.layer
        kernel = getattr(layer, "kernel", None)
        padding = getattr(layer, "padding", None)
        return {
            "name": row.name,
            "kind": row.kind,
            "kernel": None if kernel is None else list(pair(kernel)),
            "stride": None if kernel is None else list(step(layer)),
            "padding": padding if padding is None or isinstance(padding, str) else [list(s) for s in sides(padding)],
            "groups": getattr(layer, "groups", None),
            "activation": getattr(layer, "activation", None),
            **counted(row),
            "activation_bytes": row.forward_elements * BYTES * self.batch,
            "training_activation_bytes": 2 * row.training_elements * BYTES * self.batch,
            "receptive_field": list(row.receptive_field),
        }

    def cells(self, row: Row) -> tuple[str, ...]:
        """One layer as the texts of `COLUMNS`."""
        layer: Any = row.layer
        windows = hasattr(layer, "kernel")
        return (
            row.name,
            filter_text(row),
            "x".join(map(str, sorted(set(step(layer))))) if windows else "",
            pad_text(row) if windows else "",
            shape_text(row.output_shape),
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.weights:,}" if row.weights else "",
            f"{row.macs:,}" if row.macs else "",
            f"{row.flops:,}" if row.flops else "",
            megabytes(row.forward_elements * BYTES * self.batch),
            megabytes(2 * row.training_elements * BYTES * self.batch),
            "x".join(map(str, dict.fromkeys(row.receptive_field))),
        )

    def total(self) -> tuple[str, ...]:
        """The last line of the table, the input's memory included."""
        net = self.net
        counts = (f"{net.parameters:,}", f"{net.weights:,}", f"{net.macs:,}", f"{net.flops:,}")
        memory = (megabytes(self.forward_bytes), megabytes(self.training_bytes))
        field = "x".join(map(str, dict.fromkeys(net.receptive_field)))
        return ("total", "", "", "", shape_text(net.output_shape), *counts, *memory, field)

    def grid(self) -> list[tuple[str, ...]]:
        """The input, every layer, the total, as texts."""
        size = megabytes(prod(self.net.input) * BYTES * self.batch)
        first = ("input", "", "", "", shape_text(self.net.input), "", "", "", "", size, size, "")
        return [first, *map(self.cells, self.layers), self.total()]

    def headline(self) -> str:
        """The net's name, what it is, and where it is published."""
        return f"{self.net.name}: {self.row.summary} ({self.row.paper})"

    def notes(self) -> list[str]:
        """What the table cannot hold: what is counted, heads, differences from the paper, published figures."""
        batch = f"a batch of {self.batch}" if self.batch > 1 else "one input"
        lines = [
            "MACs (multiply-adds) and FLOPs (two each) are of one input, in convolutions and linear layers. "
            f"Memory is of {batch} in float32; training holds outputs and gradients."
        ]
        if self.heads:
            names = dict.fromkeys(row.name.split(".")[0] for row in self.heads)
            lines.append(
                f"Not in the total: auxiliary heads {', '.join(names)}, for training, with "
                f"{self.net.auxiliary_parameters:,} parameters (together "
                f"{self.net.parameters + self.net.auxiliary_parameters:,}) and {self.net.auxiliary_macs:,} MACs."
            )
        lines += [f"Differs: {what}." for what in self.row.differs]
        compared = self.comparisons()
        lines += [f"Published: {each}" for each in compared]
        if not compared and figures(self.net.name):
            as_published = self.row.net()
            lines.append(
                f"Published figures are of {shape_text(as_published.input)} to {shape_text(as_published.output_shape)}."
            )
        elif not compared:
            lines.append("Published: no totals.")
        if self.net == self.row.net():
            lines += [f"Error: {rate}." for rate in error_rates(self.net.name)]
        return lines

    def text(self) -> str:
        """For people, in columns."""
        return self._printed(COLUMNS, self.grid())

    def narrow(self, width: int = 100) -> str:
        """For people with a narrow terminal: shorter names, counts in K, M and G, and only the columns that fit."""
        for left in range(len(_DROPPED) + 1):
            columns = [name for name in NARROW if name not in _DROPPED[:left]]
            rows = [tuple(self._short(row, name) for name in columns) for row in self.grid()]
            text = self._printed(["params" if name == "parameters" else name for name in columns], rows)
            if max(map(len, text.split("\n\n")[1].splitlines())) <= width:
                break
        return "\n".join(part for line in text.splitlines() for part in wrapped(line, width).splitlines() or [""])

    def _short(self, row: tuple[str, ...], column: str) -> str:
        cell = row[COLUMNS.index(column)]
        if column == "layer":
            return layer_text(cell)
        return shortened(cell) if column in ("parameters", "MACs") else cell

    def _printed(self, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
        lines = in_columns(columns, rows, LEFT).splitlines()
        lines.insert(-1, lines[1])
        return "\n".join((self.headline(), "", *lines, "", *self.notes()))

    def markdown(self) -> str:
        """For a document."""
        table = in_markdown(COLUMNS, self.grid(), LEFT)
        return "\n".join((f"**{self.headline()}**", "", table, "", *(f"- {note}" for note in self.notes())))

    def latex(self) -> str:
        """For a slide or a paper: the columns of a narrow table, with their whole numbers (package booktabs)."""
        picked = [COLUMNS.index(name) for name in NARROW]
        rows = [tuple(row[i] for i in picked) for row in self.grid()]
        return f"% {self.headline()}\n{in_latex(NARROW, rows, LEFT, total=True)}"

    def comma_separated(self) -> str:
        """For a spreadsheet: plain numbers, a line for each layer and the total."""
        stream = io.StringIO()
        names = (
            "name", "kind", "kernel", "stride", "padding", "output_shape", "parameters", "parameters_without_biases",
            "macs", "flops", "activation_bytes", "training_activation_bytes", "receptive_field",
        )  # fmt: skip
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for row in self.layers:
            values = self.layer_dict(row) | {"padding": pad_text(row) if hasattr(row.layer, "kernel") else None}
            writer.writerow([plain(values[name]) for name in names])
        total = self.as_dict()["totals"] | {
            "name": "total",
            "output_shape": list(self.net.output_shape),
            "training_activation_bytes": self.training_bytes,
            "receptive_field": list(self.net.receptive_field),
        }
        writer.writerow([plain(total.get(name)) for name in names])
        return stream.getvalue().removesuffix("\n")


def terminal_width(text: str) -> int | None:
    """Return the width, from 80, of a terminal that a table is too wide for; None where output goes elsewhere."""
    rows = text.split("\n\n")[1].splitlines()
    columns = shutil.get_terminal_size().columns
    return max(80, columns) if sys.stdout.isatty() and columns < max(map(len, rows)) else None
