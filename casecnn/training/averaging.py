"""An exponential moving average of a net's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.training.embedding_average import RowAverage, sparse_tables


class WeightAverage:
    """The exponential moving average of the trained parameters and the floating-point buffers of `model`.

    After update t (t = 1, 2, ...) average <- d·average + (1 - d)·weight with d = min(decay, (1+t)/(10+t)): the warm-up
    makes a short run's average forget the random start; it covers about the last tenth of the updates until `decay`
    takes over. Buffers of whole numbers stay the live ones. The average starts as a copy of the model's values. Tables
    with sparse gradients are averaged lazily (RowAverage), for which `update` needs their gradients.
    Sources: Polyak and Juditsky 1992; the warm-up is that of `tf.train.ExponentialMovingAverage(num_updates=...)`.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        tables = sparse_tables(model)
        floating = [*_floating(model)]
        self._live = [(name, value) for name, value in floating if id(value) not in tables]
        self._values = [value.detach().clone() for _, value in self._live]
        self._rows = {name: RowAverage(tables[id(value)]) for name, value in floating if id(value) in tables}

    @torch.no_grad()
    def update(self) -> None:
        """Take the model's present values into the average."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        if self._live:
            torch._foreach_lerp_(self._values, [value.detach() for _, value in self._live], 1.0 - decay)
        for table in self._rows.values():
            table.update(decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the context the model holds the averaged values; afterwards its own again, bit for bit."""
        values = [value for _, value in self._live] + [rows.table for rows in self._rows.values()]
        own = [value.detach().clone() for value in values]
        self.copy_to_model()
        try:
            yield
        finally:
            _copy(values, own)

    def copy_to_model(self) -> None:
        """Overwrite the model's values with the averaged ones."""
        _copy([value for _, value in self._live], self._values)
        _copy([rows.table for rows in self._rows.values()], [rows.settled() for rows in self._rows.values()])

    def state_dict(self) -> dict[str, Any]:
        """Return the number of updates and the averaged values by name (not copied)."""
        values = {name: value for (name, _), value in zip(self._live, self._values, strict=True)}
        return {
            "updates": self.updates,
            "values": values | {name: rows.settled() for name, rows in self._rows.items()},
            "rows": {name: rows.state_dict() for name, rows in self._rows.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; raises `KeyError` where a name is missing."""
        self.updates = state["updates"]
        _copy(self._values, [state["values"][name] for name, _ in self._live])
        for name, rows in self._rows.items():
            rows.load_state_dict(state["rows"][name])


def _floating(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:  # a frozen one is its own average
            yield name, parameter
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point():
            yield name, buffer


@torch.no_grad()
def _copy(targets: list[Tensor], sources: list[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
