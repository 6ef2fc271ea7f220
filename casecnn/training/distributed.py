"""The processes of one training run, as `torchrun` starts them; a run without `torchrun` is one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from casecnn.errors import InputError, UsageError
from casecnn.torch_net.precision import choose_device

_TIMEOUT = timedelta(hours=12)  # others wait while process 0 evaluates


class ProcessLost(InputError):
    """Another process of the run has ended before its time."""


@contextmanager
def together() -> Iterator[None]:
    """Raise `ProcessLost` where processes exchange something within the context and one of them is no longer there."""
    try:
        yield
    except RuntimeError as error:  # gloo has no class of its own for a connection that was closed
        raise ProcessLost("another process of the run has ended") from error


def own_rank() -> int:
    """Return this process's place among those of the run; 0 where it is the only one."""
    return dist.get_rank() if dist.is_initialized() else 0


def share(value: Any) -> Any:
    """Return process 0's value of any kind that pickles; all must call it, the others with None."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return value
    values = [value]
    with together():
        dist.broadcast_object_list(values, 0)
    return values[0]


def gather(value: Any) -> list[Any]:
    """Return every process's value of any kind that pickles, in the order of the ranks; all must call it.

    Without other processes the list holds ``value`` alone.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    with together():
        dist.all_gather_object(values, value)
    return values


class Processes:
    """This process's place among `world` ones: `rank`, `device`, and the few things they agree on.

    Gradients go over the default group (gloo on the CPU, nccl on GPUs; `wrap`). Figures and the wish to stop go over a
    gloo group, so that no GPU has to be waited for.
    """

    def __init__(self, rank: int, world: int, device: torch.device) -> None:
        self.rank = rank
        self.world = world
        self.device = device
        self._control = dist.new_group(backend="gloo", timeout=_TIMEOUT) if world > 1 else None
        self._pending: tuple[dist.Work, torch.Tensor] | None = None

    @property
    def first(self) -> bool:
        """Whether this is process 0, the one that logs, evaluates and writes."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return `model`, or with more than one process its DistributedDataParallel.

        One bucket of up to 1 GiB: on one machine a single large all-reduce beats many small ones. Every parameter must
        take part in every step. Buffers (running means) follow process 0.
        """
        if self.world == 1:
            return model
        return nn.parallel.DistributedDataParallel(
            model,
            device_ids=[self.device.index] if self.device.type == "cuda" else None,
            bucket_cap_mb=1024,
            gradient_as_bucket_view=True,
            find_unused_parameters=False,
            static_graph=True,
        )

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each parameter's gradient by the mean over the processes; one that has none counts as zeros.

        For nets that are not wrapped. All must call it, with the same parameters in the same order.
        """
        if self.world == 1:
            return
        trained = list(parameters)
        flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in trained])
        with together():
            dist.all_reduce(flat)
        for parameter, mean in zip(trained, (flat / self.world).split([p.numel() for p in trained]), strict=True):
            parameter.grad = mean.view_as(parameter)

    def wait(self) -> None:
        """Wait until every process is here."""
        self.mean([0.0])

    def mean(self, values: list[float]) -> list[float]:
        """Return the mean over the processes of each value; all must call it, with as many values."""
        if self.world == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        with together():
            dist.all_reduce(tensor, group=self._control)
        return (tensor / self.world).tolist()

    def from_first(self, value: float) -> float:
        """Return process 0's value; the others wait until it is there."""
        if self.world == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64)
        with together():
            dist.broadcast(tensor, 0, group=self._control)
        return tensor.item()

    def copy_from_first(self, value: Any) -> Any:
        """Return a copy of process 0's value of any kind that pickles; all must call it."""
        if self.world == 1:
            return value
        values = [value]
        with together():
            dist.broadcast_object_list(values, 0, group=self._control)
        return values[0]

    def any_wants_to_stop(self, wish: bool) -> bool:
        """Say whether a process wanted to stop when the step before was done (with one process: wants to now).

        The question travels while the net computes, hence the delay of a step. All must call it after every step.
        """
        if self.world == 1:
            return wish
        answer = self.settle()
        flag = torch.tensor([int(wish)])
        work = dist.all_reduce(flag, dist.ReduceOp.MAX, group=self._control, async_op=True)
        assert work is not None
        self._pending = work, flag
        return answer

    def settle(self) -> bool:
        """Wait for the last question of `any_wants_to_stop` and return its answer; do so before the end."""
        if self._pending is None:
            return False
        work, flag = self._pending
        self._pending = None
        with together():
            work.wait()
        return bool(flag.item())


@contextmanager
def processes(device: str | torch.device = "auto") -> Iterator[Processes]:
    """Join the processes that `torchrun` announces in RANK, WORLD_SIZE and LOCAL_RANK; leave them at the end.

    Under `torchrun` "auto" and "cuda" become this process's own GPU. A process group that exists already is used and
    left as it is. Raises `UsageError` where a process has no GPU of its own.
    """
    world = dist.get_world_size() if dist.is_initialized() else int(os.environ.get("WORLD_SIZE", "1"))
    chosen = choose_device(device)
    if world == 1:
        if chosen.type == "cuda" and chosen.index is None:
            chosen = torch.device("cuda", torch.cuda.current_device())
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        local = int(os.environ.get("LOCAL_RANK", "0")) if chosen.index is None else chosen.index
        if local >= torch.cuda.device_count():
            raise UsageError(
                f"process {local} of this machine has no GPU of its own: there are {torch.cuda.device_count()}; "
                "start fewer processes"
            )
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
    started = not dist.is_initialized()
    if started:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), world, chosen)
    finally:
        if started:
            dist.destroy_process_group()
