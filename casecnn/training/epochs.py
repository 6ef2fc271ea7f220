"""Batches from data in memory: a fresh seeded permutation every epoch, shared out among processes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import default_collate

from casecnn.checks import one_of, whole
from casecnn.errors import UsageError
from casecnn.seeds import derive_seed

Augment = Callable[[tuple[Tensor, ...], torch.Generator], tuple[Tensor, ...]]


class EpochSource:
    """A batch source over `data`: equally long tensors, or a sequence (`__len__`, `__getitem__`) of sample tuples.

    With `world` processes, step s takes world·batch_size samples, of which process r gets the r-th run of batch_size:
    two processes with 32 see what one with 64 sees. `last` says what happens where the samples of an epoch do not fill
    the last batch: "stream" completes it from the next epoch (each sample exactly once an epoch, all batches full);
    "drop" leaves the rest of the permutation out; "keep" gives a smaller batch (one process only: means over unequal
    shares would weigh samples unequally). `augment(batch, generator)` sees this process's samples and a generator
    seeded by (seed, step, rank). A pure function of the seed and its arguments; safe to call from several threads.
    Raises `UsageError` for tensors of unequal length, no samples, or fewer than a batch with "drop".
    """

    def __init__(
        self,
        data: Sequence[Any],
        batch_size: int,
        *,
        seed: int = 0,
        last: Literal["stream", "drop", "keep"] = "stream",
        augment: Augment | None = None,
    ) -> None:
        self.tensors = isinstance(data, (tuple, list)) and len(data) > 0 and all(isinstance(t, Tensor) for t in data)
        lengths = {len(tensor) for tensor in data} if self.tensors else {len(data)}
        if len(lengths) > 1:
            raise UsageError(f"the tensors of `data` must be equally long, they have {sorted(lengths)} samples")
        if 0 in lengths:
            raise UsageError("`data` holds no samples; give at least one")
        whole("batch_size", batch_size, 1)
        one_of("last", last, ("stream", "drop", "keep"))
        self.data, self.batch_size, self.seed, self.last, self.augment = data, batch_size, seed, last, augment
        self.samples = lengths.pop()
        self._orders: dict[int, Tensor] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_orders": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def steps(self, epochs: float, world: int = 1) -> int:
        """Return the number of steps that `epochs` passes over the data take, at least 1, the last one rounded up."""
        whole = self.batch_size * world
        per_epoch = {
            "stream": self.samples / whole,
            "drop": float(self.samples // whole),
            "keep": float(math.ceil(self.samples / whole)),
        }[self.last]
        return max(1, math.ceil(epochs * per_epoch))

    def indices(self, step: int, rank: int = 0, world: int = 1) -> Tensor:
        """Return the int64 sample numbers of a step's share."""
        whole = self.batch_size * world
        first = step * whole + rank * self.batch_size
        if self.last == "stream":
            parts, need = [], self.batch_size
            while need:
                epoch, offset = divmod(first, self.samples)
                part = self._order(epoch)[offset : offset + need]
                parts.append(part)
                first, need = first + len(part), need - len(part)
            return torch.cat(parts)
        if self.last == "keep" and world > 1:
            raise UsageError("`last` 'keep' works with one process only; choose 'stream' or 'drop'")
        per_epoch = self.samples // whole if self.last == "drop" else math.ceil(self.samples / whole)
        if per_epoch == 0:
            raise UsageError(
                f"`batch_size` times processes (={whole}) must be at most the number of samples ({self.samples}) "
                "with `last` 'drop'; choose a smaller batch, or 'stream'"
            )
        epoch, inside = divmod(step, per_epoch)
        first = inside * whole + rank * self.batch_size
        return self._order(epoch)[first : first + self.batch_size]

    def __call__(self, step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, ...]:
        chosen = self.indices(step, rank, world)
        if self.tensors:
            batch = tuple(tensor[chosen] for tensor in self.data)
        else:
            collated = default_collate([self.data[i] for i in chosen.tolist()])
            batch = tuple(collated) if isinstance(collated, (tuple, list)) else (collated,)
        if self.augment is None:
            return batch
        return self.augment(batch, torch.Generator().manual_seed(derive_seed(self.seed, 1, step, rank)))

    def _order(self, epoch: int) -> Tensor:
        with self._lock:
            if epoch not in self._orders:
                generator = torch.Generator().manual_seed(derive_seed(self.seed, 0, epoch))
                self._orders[epoch] = torch.randperm(self.samples, generator=generator)
                while len(self._orders) > 3:  # workers stand in two neighbouring epochs at most
                    del self._orders[next(iter(self._orders))]
            return self._orders[epoch]
