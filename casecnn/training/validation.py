"""When to evaluate a net in training, and which of its evaluations is the best so far."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from casecnn.checks import one_of, whole
from casecnn.errors import UsageError

Evaluate = Callable[[nn.Module], Mapping[str, Any]]


@dataclass(frozen=True)
class Best:
    """The best evaluation of a run: after how many steps, its figure, all it reported, and the weights (on the CPU)."""

    step: int
    figure: float
    metrics: dict[str, Any]
    weights: dict[str, Tensor]


class Validation:
    """Calls `evaluate` (None: never) every `every` steps and at the last one, and keeps the best weights.

    `metric` is the name of the figure that is compared, `better` the direction; NaN is never the best. Of evaluations
    with the same best figure `ties` says which counts, the first or the last.
    """

    def __init__(
        self,
        evaluate: Evaluate | None,
        every: int | None,
        metric: str,
        better: Literal["lower", "higher"],
        ties: Literal["first", "last"] = "first",
    ) -> None:
        if every is not None:
            whole("evaluate_every", every, 1)
        one_of("better", better, ("lower", "higher"))
        one_of("ties", ties, ("first", "last"))
        self.evaluate, self.every, self.metric, self.better, self.ties = evaluate, every, metric, better, ties
        self.best: dict[str, Any] | None = None  # the fields of Best

    def due(self, step: int, last: int) -> bool:
        """Say whether the net is to be evaluated after `step` of `last` steps."""
        return self.evaluate is not None and (step == last or (self.every is not None and step % self.every == 0))

    def run(self, model: nn.Module, step: int) -> tuple[float, dict[str, Any]]:
        """Evaluate `model` (in evaluation mode, without gradients); return the figure and a row for the log.

        The model is in training mode afterwards. Raises `UsageError` where `metric` is not among what is evaluated.
        """
        assert self.evaluate is not None
        begin = time.perf_counter()
        model.eval()
        with torch.no_grad():
            metrics = json.loads(json.dumps(dict(self.evaluate(model)), default=float))
        model.train()
        if self.metric not in metrics:
            raise UsageError(f"`metric` (={self.metric}) must be one of what is evaluated: {', '.join(metrics)}")
        figure = float(metrics[self.metric])
        best = not math.isnan(figure) and (
            self.best is None
            or self._sign * figure > self._sign * self.best["figure"]
            or (self.ties == "last" and figure == self.best["figure"])
        )
        if best:
            self.best = {"step": step, "figure": figure, "metrics": metrics, "weights": portable_weights(model)}
        seconds = round(time.perf_counter() - begin, 2)
        return figure, {"event": "evaluation", "step": step, "validation": metrics, "best": best, "seconds": seconds}

    def stale(self, step: int) -> int:
        """Say how many evaluations in a row, up to `step`, have brought no new best."""
        return 0 if self.best is None or self.every is None else (step - self.best["step"]) // self.every

    @property
    def settings(self) -> dict[str, Any]:
        """What the log says of it."""
        if self.evaluate is None:
            return {"evaluate_every": None, "metric": None, "better": None}
        return {"evaluate_every": self.every, "metric": self.metric, "better": self.better}

    @property
    def _sign(self) -> float:
        return 1.0 if self.better == "higher" else -1.0


def portable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the model's state dict, contiguous and on the CPU."""
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }
