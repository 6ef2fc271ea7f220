"""A folder with one net's weights and their record, as in a package."""

from __future__ import annotations

from pathlib import Path

import torch

from casecnn.weights import state_dict as weights
from casecnn.weights.record import Figure

TENSORS = {"conv1.weight": torch.arange(6.0).reshape(2, 3), "conv1.bias": torch.tensor([0.5, -0.25])}
FIELDS = {
    "net": "policy_net",
    "arguments": {"k": 48, "layers": 13},
    "parameters": 8,
    "macs": 6,
    "preprocessing": "48 feature planes",
    "labels": "row * 19 + column",
    "figures": {"top1": Figure(0.47, "one half of a month", "casecnn go eval")},
    "data": "games of 2016",
    "command": "casecnn go train",
    "commit": "0" * 40,
    "licence": "MIT",
}
NAME = "policy-k48.tygem9d-v1"


def package(folder: Path) -> Path:
    """Writes the net and its record into the folder, and returns it."""
    weights.save(folder / f"{NAME}.safetensors", TENSORS, {"net": "policy_net"})
    weights.record_file(folder / f"{NAME}.safetensors", **FIELDS)
    return folder
