"""The list of all nets: name, input, size, what it is."""

from __future__ import annotations

from typing import Any

from casecnn.layers.shapes import shape_text
from casecnn.nets.catalogue import CATALOGUE


def listing() -> list[dict[str, Any]]:
    """A row for each net of the catalogue, in its order, for programs."""
    rows = []
    for name, row in CATALOGUE.items():
        net = row.net()
        rows.append(
            {
                "name": name,
                "input": list(net.input),
                "outputs": net.output_shape[0],
                "parameters": net.parameters,
                "macs": net.macs,
                "summary": row.summary,
                "paper": row.paper,
                "differs": list(row.differs),
            }
        )
    return rows


def listing_text(rows: list[dict[str, Any]]) -> str:
    """The same for people, in columns."""
    cells = [("net", "input", "outputs", "parameters", "MACs", "")]
    for row in rows:
        counts = (f"{row['outputs']:,}", f"{row['parameters']:,}", f"{row['macs']:,}")
        cells.append((row["name"], shape_text(row["input"]), *counts, row["summary"]))
    widths = [max(len(row[i]) for row in cells) for i in range(5)]
    return "\n".join(
        "  ".join(
            (
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:5], widths[1:], strict=True)),
                row[5],
            )
        ).rstrip()
        for row in cells
    )
