"""The moving average of a table of which a step changes few rows: lazy, and yet exact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from casecnn.kernels.row_updates import average_rows, suits


class RowAverage:
    """The exponential moving average of a matrix with sparse gradients, at the cost of the rows in use.

    A row that does not change is drawn towards its value by the factor d1·d2·...·dk in k updates with the decays d. The
    sum of their logarithms is kept, and with each row its state when the row was last used; so a row is brought up to
    date when it changes next, or when the average is asked for. Call `update` while the gradient is still there.
    """

    def __init__(self, table: Tensor) -> None:
        self.table = table
        self.value = table.detach().clone()
        self.last = table.detach().clone()  # of each row, what it was at its last use, and still is
        self.seen = torch.zeros(len(table), dtype=torch.float64, device=table.device)
        self.log = 0.0  # of the product of all decays so far

    @torch.no_grad()
    def update(self, decay: float) -> None:
        """Take the table's present values into the average; only rows of its gradient may have changed."""
        before, self.log = self.log, self.log + math.log(max(decay, 1e-300))
        if self.table.grad is None:
            return
        rows = self.table.grad.coalesce().indices()[0]
        left = torch.exp(before - self.seen[rows]).to(self.value.dtype)
        self.seen[rows] = self.log
        if suits(self.table):
            average_rows(
                self.table.detach().numpy(),
                rows.numpy(),
                left.numpy(),
                self.value.numpy(),
                self.last.numpy(),
                np.float32(1.0 - decay),
            )
            return
        last, new = self.last[rows], self.table[rows]
        self.value[rows] = last.lerp(self.value[rows], left.unsqueeze(1)).lerp_(new, 1.0 - decay)
        self.last[rows] = new

    @torch.no_grad()
    def settled(self) -> Tensor:
        """The average, every row up to date; the state stays as it is."""
        left = torch.exp(self.log - self.seen).to(self.value.dtype).unsqueeze(1)
        return self.last.lerp(self.value, left)

    def state_dict(self) -> dict[str, Any]:
        """The state as tensors and numbers (not copied); the table's own values belong to it."""
        return {"value": self.value, "seen": self.seen, "log": self.log}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, for the table as it is now."""
        self.value.copy_(state["value"])
        self.seen.copy_(state["seen"])
        self.log = state["log"]
        self.last.copy_(self.table)


def sparse_tables(model: nn.Module) -> dict[int, Tensor]:
    """The weights that get sparse gradients, by `id`: those of each `nn.Embedding` with `sparse=True`."""
    return {id(m.weight): m.weight for m in model.modules() if isinstance(m, nn.Embedding) and m.sparse}
