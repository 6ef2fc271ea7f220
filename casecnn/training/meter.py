"""Running means of what a training step reports, without waiting for the device at every step."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Sums figures over the steps since the last `read`; tensors stay on their device until then."""

    def __init__(self) -> None:
        self._reset()

    def add(self, figures: Mapping[str, float | Tensor], samples: int) -> None:
        """Add one step's figures (numbers or one-element tensors, the same names every step) and its sample count."""
        self._steps += 1
        self._samples += samples
        for name, value in figures.items():
            if isinstance(value, Tensor):
                value = value.detach().float().reshape(())
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def pause(self, seconds: float) -> None:
        """Leave `seconds` (an evaluation, a checkpoint) out of the rate."""
        self._paused += seconds

    def read(self, waited: float) -> tuple[dict[str, float], float, float]:
        """Return the means, the samples a second, and the share of the time that was spent waiting; start anew.

        `waited`: seconds waited for data since the prefetcher began; the share is of the time since the last `read`.
        """
        tensors = {name: value for name, value in self._sums.items() if isinstance(value, Tensor)}
        values = dict(zip(tensors, torch.stack([*tensors.values()]).tolist(), strict=True)) if tensors else {}
        steps = max(self._steps, 1)
        means = {name: float(values.get(name, value)) / steps for name, value in self._sums.items()}
        seconds = max(time.perf_counter() - self._begin - self._paused, 1e-9)
        rate, share = self._samples / seconds, min(1.0, (waited - self._waited) / seconds)
        self._reset(waited)
        return means, rate, share

    def _reset(self, waited: float = 0.0) -> None:
        self._steps = self._samples = 0
        self._sums: dict[str, float | Tensor] = {}
        self._begin = time.perf_counter()
        self._paused = 0.0
        self._waited = waited
