"""Adadelta, fast on the CPU: for all of a net's weights, and for tables of which a step uses few rows (lazily)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from casecnn.kernels.row_updates import adadelta_rows, suits

FIRST, WHOLE = np.zeros(1, np.int64), np.ones(1, np.float32)


class DenseAdadelta(torch.optim.Adadelta):
    """`torch.optim.Adadelta`, state and all; float32 weights on the CPU are updated in one pass over the memory.

    That takes little more than a third of the time. Weight decay and whatever else torch's class can do are left to it.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Make one step; returns what `closure` returns, if it is given."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        if not all(self._suits(weight, group) for group in self.param_groups for weight in group["params"]):
            super().step()
            return value
        for group in self.param_groups:
            factors = [np.float32(group[name]) for name in ("lr", "rho", "eps")]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["step"] = torch.zeros(())
                    state["square_avg"] = torch.zeros_like(weight)
                    state["acc_delta"] = torch.zeros_like(weight)
                state["step"] += 1
                row = [t.view(1, -1).numpy() for t in (weight, weight.grad, state["square_avg"], state["acc_delta"])]
                adadelta_rows(row[0], FIRST, row[1], WHOLE, row[2], row[3], *factors)
        return value

    def _suits(self, weight: Tensor, group: dict[str, Any]) -> bool:
        if group["weight_decay"] or group["maximize"] or group["differentiable"]:
            return False
        return suits(weight, *(() if weight.grad is None else (weight.grad,)), *self.state.get(weight, {}).values())


class RowAdadelta(torch.optim.Optimizer):
    """Adadelta (Zeiler 2012, algorithm 1) for matrices whose gradients are sparse: only the rows in use are touched.

    Where a gradient is zero, Adadelta's step is zero and its two running averages shrink by `rho`, nothing else. So a
    row that was left out for k steps is brought up to date by the factor rho^k when its next gradient comes, and the
    weights are those of the dense algorithm, up to rounding. A step costs as much as the rows that it touches.

    A parameter that has no gradient at all in a step does not count the step, as with torch's optimisers. Raises
    RuntimeError for a gradient that is not sparse. No weight decay: that would touch every row.
    """

    def __init__(self, params: Any, lr: float = 1.0, rho: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for kept in self.state.values():  # torch loads every state in the format of its parameter
            kept["seen"] = kept["seen"].to(torch.int64)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make one step; returns what `closure` returns, if it is given."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is None:
                    continue
                if not table.grad.is_sparse:
                    raise RuntimeError("RowAdadelta takes sparse gradients only; use torch.optim.Adadelta for others")
                gradient = table.grad.coalesce()
                self._update(table, gradient.indices()[0], gradient.values(), group)
        return value

    def _update(self, table: Tensor, rows: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[table]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.int64)
            state["seen"] = torch.zeros(len(table), dtype=torch.int64, device=table.device)  # a row's last step
            state["square_avg"] = torch.zeros_like(table)
            state["acc_delta"] = torch.zeros_like(table)
        state["step"] += 1
        step, rho, eps = int(state["step"]), group["rho"], group["eps"]
        missed = torch.pow(rho, (step - 1 - state["seen"][rows]).to(gradient.dtype))
        state["seen"][rows] = step
        if suits(table, gradient):
            adadelta_rows(
                table.numpy(),
                rows.numpy(),
                gradient.numpy(),
                missed.numpy(),
                state["square_avg"].numpy(),
                state["acc_delta"].numpy(),
                np.float32(group["lr"]),
                np.float32(rho),
                np.float32(eps),
            )
            return
        missed = missed.unsqueeze(1)
        square = state["square_avg"][rows].mul_(missed * rho).addcmul_(gradient, gradient, value=1 - rho)
        moved = state["acc_delta"][rows].mul_(missed)
        delta = moved.add(eps).div_(square.add(eps)).sqrt_().mul_(gradient)
        state["square_avg"][rows] = square
        state["acc_delta"][rows] = moved.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        table.index_add_(0, rows, delta, alpha=-group["lr"])
