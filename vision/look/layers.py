"""Layers by the names that people see: those of the table, and those under the boxes of the drawing."""

from __future__ import annotations

import re

from casecnn.choose import closest, either
from casecnn.errors import UsageError
from casecnn.layers.net import Net
from casecnn.vision.tables.words import layer_text


def find_layer(net: Net, name: str) -> str:
    """Return the dotted name of a layer of the net that predicts.

    ``conv4_x``, a stage of the drawing, is the output of its last block; ``conv3_1 – conv3_3``, boxes drawn as one, is
    the last of them. Raises UsageError, with the nearest names, where there is none, and for auxiliary heads.
    """
    wanted = re.split(r"\s*[\u2013:]\s*|\s+-\s+", name.strip())[-1]
    rows = [row for row in net.rows if not row.auxiliary]
    names = {layer_text(row.name).lower(): row.name for row in rows} | {row.name.lower(): row.name for row in rows}
    if wanted.lower() in names:
        return names[wanted.lower()]
    inside = [row.name for row in rows if row.name.lower().startswith(f"{wanted.lower()}.")]
    if inside:
        return inside[-1]
    if any(row.name == wanted for row in net.rows):
        raise UsageError(f"layer `{wanted}` is part of an auxiliary head, which works in training only")
    stages = dict.fromkeys(row.name.split(".")[0] for row in rows)
    close = closest(wanted, [*stages, *names])
    hint = f"did you mean {either(close)}?" if close else f"its layers are {either(list(stages))}"
    raise UsageError(f"net `{net.name}` has no layer `{wanted}`; {hint}")
