"""The training loop of every domain: mixed precision, checkpoints, exact resume, evaluation, log, several processes.

What happens at a step is a function of the recipe, the source and the number of the step: the batch is
source(step, rank, world), and torch's generators are seeded anew from (seed, rank, step). So a checkpoint needs no
generator's state, and a run that was killed and resumed ends, on the CPU, with the same bits as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from casecnn.checks import positive, whole
from casecnn.console import progress as progress_bar
from casecnn.errors import UsageError
from casecnn.heap import keep_freed_memory
from casecnn.interruption import InterruptionGuard
from casecnn.training.distributed import ProcessLost, processes
from casecnn.training.prefetch import Prefetcher, Source
from casecnn.training.recipe import Recipe
from casecnn.training.run import CHECKPOINT as CHECKPOINT
from casecnn.training.run import LOG as LOG
from casecnn.training.run import Loss as Loss
from casecnn.training.run import Run
from casecnn.training.run import TrainResult as TrainResult
from casecnn.training.validation import Evaluate, Validation

_NOTICE = "stopping after this step, with a checkpoint; once more to stop at once"


def train(
    model: nn.Module,
    source: Source,
    recipe: Recipe,
    *,
    loss: Loss,
    output: str | Path,
    evaluate: Evaluate | None = None,
    evaluate_every: int | None = None,
    metric: str = "loss",
    better: Literal["lower", "higher"] = "lower",
    ties: Literal["first", "last"] = "first",
    workers: int = 1,
    worker_kind: Literal["thread", "process"] = "thread",
    ahead: int | None = None,
    overlap: bool = True,
    log_every: int = 100,
    stop_below: float | None = None,
    stop_after: int | None = None,
    checkpoint_minutes: float = 5.0,
    resume: bool = True,
    device: str | torch.device = "auto",
    log: Callable[[dict[str, Any]], None] | None = None,
    progress: bool = True,
    metadata: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Train `model` in place for `recipe.steps` updates and return its weights.

    source(step, rank, world) gives the tensors of a step, counted from 0, with `recipe.batch_size` samples (more or
    fewer is not noticed); `workers` threads or processes (`worker_kind`) run it up to `ahead` steps in advance.
    loss(model, batch) returns a scalar to minimise, the mean over the batch, and figures to log (numbers or tensors of
    one element, which nobody waits for); it calls `model(...)`, which under `torchrun` is a DistributedDataParallel, in
    training mode, under autocast where the precision is bfloat16, with the batch on the device. Without `overlap` the
    model stays as it is under `torchrun`, and gradients are averaged over the processes after the loss: for a loss that
    calls backward itself, any number of times.
    evaluate(model) runs every `evaluate_every` steps and after the last one, in process 0 while the others wait, on the
    averaged weights if there are any, in evaluation mode, without gradients, in the same precision; of what it
    returns, `metric` picks the best weights and drives a "plateau" schedule, and `better` says in which direction;
    where figures are equal, `ties` says whether the first or the last of them counts as the best.

    The folder `output` (made if missing) gets `log.jsonl` (a row every `log_every` steps and one an evaluation) and
    `checkpoint.pt`, written every `checkpoint_minutes`, at the end, and on Ctrl-C or SIGTERM. With `resume` a run whose
    checkpoint is there goes on from it (a finished one returns at once); without, it starts anew and replaces both.
    `log` also receives each row. A run ends early, as if `recipe.steps` were reached, once the mean loss of a row is
    below `stop_below`: there is nothing left to learn; and after `stop_after` evaluations in a row without a new best.
    `metadata` (JSON values) goes into log and checkpoint. At the end `model` is on the device, in training mode, with
    the weights of the result in the memory layout of the training. torch's own generators are left as they were.

    Raises `UsageError` for arguments that do not fit together; `InputError` for a checkpoint that is damaged, of
    another recipe or another net, for an output folder that cannot be written, and when the weights are no longer
    finite (the last good checkpoint stays); `ProcessLost` (an `InputError`), once process 0 has written the checkpoint,
    when another process of the run is gone; `Interrupted` after Ctrl-C or SIGTERM, once the checkpoint is written.
    Whatever source, loss and evaluate raise passes through. Does not compile the net, accumulate gradients over steps,
    or share batch statistics between processes; a checkpoint that fails half-way is a warning, the one at the end an
    error.
    """
    whole("log_every", log_every, 1)
    positive("checkpoint_minutes", checkpoint_minutes)
    validation = Validation(evaluate, evaluate_every, metric, better, ties)
    if recipe.schedule == "plateau" and (evaluate is None or evaluate_every is None):
        raise UsageError("`schedule` (='plateau') needs `evaluate` and `evaluate_every`; give both")
    note = json.dumps(dict(metadata or {}), ensure_ascii=False)
    folder = Path(output)
    with processes(device) as group, _private_generators(group.device):
        if group.device.type == "cpu":
            keep_freed_memory()
        run = Run(model, recipe, group, folder, validation, note, overlap)
        run.prepare(resume)
        with (
            InterruptionGuard(_NOTICE if group.first else "") as guard,
            closing(run.open_log(log, workers=workers, worker_kind=worker_kind)) as logger,
        ):
            if run.step < run.last_step:
                with (
                    Prefetcher(
                        source,
                        run.step,
                        recipe.steps,
                        rank=group.rank,
                        world=group.world,
                        workers=workers,
                        kind=worker_kind,
                        ahead=ahead,
                        pin=group.device.type == "cuda",
                    ) as batches,
                    progress_bar(
                        recipe.steps, "step", shown=progress and group.first, keep=True, initial=run.step
                    ) as bar,
                ):
                    try:
                        run.loop(
                            batches,
                            loss,
                            guard,
                            bar,
                            logger,
                            log_every,
                            checkpoint_minutes * 60,
                            stop_below,
                            stop_after,
                        )
                    except ProcessLost as error:
                        raise run.lost() from error
            return run.result()


def _private_generators(device: torch.device) -> Any:
    return torch.random.fork_rng(devices=[device.index] if device.type == "cuda" else [])
