"""The state of a training run, all that a checkpoint holds, and how to make a step of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.console import warn
from casecnn.errors import InputError
from casecnn.files import write_error
from casecnn.interruption import Interrupted, InterruptionGuard
from casecnn.seeds import derive_seed
from casecnn.torch_net.memory import BatchTooLarge, largest_that_fits, too_large
from casecnn.torch_net.precision import choose_channels_last, dtype_for
from casecnn.training.averaging import WeightAverage
from casecnn.training.checkpoint import check_same_run, load_checkpoint, save_checkpoint
from casecnn.training.distributed import Processes, ProcessLost
from casecnn.training.log import RunLog, surroundings
from casecnn.training.meter import Meter
from casecnn.training.optimizers import build_optimizers, constrained, limit_rows, set_rate
from casecnn.training.prefetch import Batch, Prefetcher
from casecnn.training.recipe import Recipe
from casecnn.training.schedule import Schedule
from casecnn.training.validation import Best, Validation, portable_weights

Loss = Callable[[nn.Module, Batch], tuple[Tensor, Mapping[str, "float | Tensor"]]]

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


@dataclass(frozen=True)
class TrainResult:
    """The end of a run: `weights` are the averaged ones where the recipe has `ema_decay`, on the CPU, contiguous."""

    step: int
    weights: dict[str, Tensor]
    best: Best | None  # None without `evaluate`
    elapsed: float  # seconds of training over all its parts, evaluations included
    checkpoint: Path
    log: Path
    first: bool = True  # whether this is process 0 of the run: the one to write files of its own


class Run:
    """The state of a run: all that a checkpoint holds, and how to make a step of it."""

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        group: Processes,
        folder: Path,
        validation: Validation,
        note: str,
        overlap: bool,
    ) -> None:
        self.recipe, self.group, self.folder, self.validation, self.note = recipe, group, folder, validation, note
        self.overlap = overlap
        self.path = folder / CHECKPOINT
        self.dtype = dtype_for(recipe.precision, group.device, model)
        self.channels_last = choose_channels_last(recipe.channels_last, group.device, self.dtype)
        self.model = model.to(group.device)
        if self.channels_last:
            self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizers = build_optimizers(model, recipe)
        self.limited = constrained(model, recipe)
        self.schedule = Schedule(recipe, higher_is_better=validation.better == "higher")
        self.average: WeightAverage | None = None
        self.net: nn.Module = model
        self.step = 0
        self.last_step = recipe.steps
        self.resumed = False
        self.before = 0.0  # seconds of earlier parts of this run
        self.begin = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, those of earlier parts of the run included."""
        return self.before + time.perf_counter() - self.begin

    def prepare(self, resume: bool) -> None:
        """Make the folder, take over the checkpoint if there is one to resume, and join the processes' nets."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.group.first:
                for leftover in self.folder.glob(f".{self.path.stem}.*.tmp{self.path.suffix}"):
                    leftover.unlink()  # of a process that was killed while it wrote
                if not resume:
                    self.path.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(self.folder, error) from error
        content = load_checkpoint(self.path) if resume and self.path.exists() else None
        if content is not None:
            self._check(content)
            self.model.load_state_dict(content["model"])
        self.net = self.group.wrap(self.model) if self.overlap else self.model
        if self.recipe.ema_decay is not None:
            self.average = WeightAverage(self.model, self.recipe.ema_decay)
        if content is not None:
            self._take_over(content)
        self.model.train()

    def open_log(self, function: Callable[[dict[str, Any]], None] | None, **settings: Any) -> RunLog:
        """Open the log and write its first row, or the row that says that the run was resumed."""
        if not self.group.first:
            return RunLog(None)
        logger = RunLog(self.folder / LOG, self.step if self.resumed else None, function)
        if self.resumed and self.step >= self.last_step:
            return logger
        logger.write(
            {
                "event": "resume" if self.resumed else "start",
                "step": self.step,
                "recipe": self.recipe.to_dict(),
                "precision": str(self.dtype).removeprefix("torch."),
                "channels_last": self.channels_last,
                "processes": self.group.world,
                "parameters": sum(p.numel() for p in self.parameters),
                **settings,
                **self.validation.settings,
                "metadata": json.loads(self.note),
                **surroundings(self.group.device),
            }
        )
        return logger

    def loop(
        self,
        batches: Prefetcher,
        loss: Loss,
        guard: InterruptionGuard,
        bar: Any,
        logger: RunLog,
        log_every: int,
        checkpoint_seconds: float,
        stop_below: float | None = None,
        stop_after: int | None = None,
    ) -> None:
        """Make all steps that are left, with log, evaluations and checkpoints on the way."""
        meter = Meter()
        saved = time.monotonic()
        while self.step < self.last_step:
            factor = self.schedule.factor(self.step)
            batch = next(batches)
            try:
                meter.add(*self._update(batch, loss, factor))
            except torch.OutOfMemoryError as error:
                raise self._too_large(batch, loss) from error
            except RuntimeError as error:
                if self._is_alone(guard):
                    raise ProcessLost("another process of the run has ended") from error
                raise
            bar.update()
            last = self.step == self.last_step
            if last or self.step % log_every == 0:
                means, rate, share = meter.read(batches.waited)
                means = dict(zip(means, self.group.mean([*means.values()]), strict=True))
                logger.write(
                    {
                        "step": self.step,
                        **means,
                        "lr": self.recipe.lr * factor,
                        "samples_per_second": round(rate * self.group.world, 2),
                        "wait_share": round(share, 4),
                        "elapsed": round(self.elapsed, 2),
                    }
                )
                bar.set_postfix(loss=f"{means['loss']:.4g}", lr=f"{self.recipe.lr * factor:.3g}", refresh=False)
                if not math.isfinite(means["loss"]):
                    raise InputError(self._diverged(f"the loss became {means['loss']}"))
                if stop_below is not None and means["loss"] < stop_below:
                    last, self.last_step = True, self.step
            begin = time.perf_counter()
            if self.validation.due(self.step, self.last_step):
                self._evaluate(logger)
                if stop_after and self.group.from_first(float(self.validation.stale(self.step) >= stop_after)):
                    last, self.last_step = True, self.step
            if last:
                self.group.settle()
                self._save(final=True)
            elif self.group.any_wants_to_stop(guard.number is not None):
                self._stop(guard, logger)
            elif time.monotonic() - saved >= checkpoint_seconds:
                self._save(final=False)
                saved = time.monotonic()
            meter.pause(time.perf_counter() - begin)
        logger.write({"event": "end", "step": self.step, "elapsed": round(self.elapsed, 2)})

    def result(self) -> TrainResult:
        """Leave the weights of the result in the model and return them."""
        if self.average is not None:
            self.average.copy_to_model()
        best = self.group.copy_from_first(self.validation.best)
        best = Best(**best) if best is not None else None
        return TrainResult(
            self.step, portable_weights(self.model), best, self.elapsed, self.path, self.folder / LOG, self.group.first
        )

    def _update(self, batch: Batch, loss: Loss, factor: float) -> tuple[dict[str, float | Tensor], int]:
        """Do one update of the weights; return the figures to log and how many samples took part."""
        set_rate(self.optimizers, factor)
        seed = derive_seed(self.recipe.seed, self.group.rank, self.step)
        if self.group.device.type == "cpu":
            torch.default_generator.manual_seed(seed)  # torch.manual_seed takes 0.3 ms to look for other devices
        else:
            torch.manual_seed(seed)
        placed = tuple(self._place(tensor) for tensor in batch)
        with self._precision():
            value, metrics = loss(self.net, placed)
        value.backward()
        if not self.overlap:
            self.group.average_gradients(self.parameters)
        figures: dict[str, float | Tensor] = {"loss": value, **metrics} | {"loss": value}  # first, and ours
        if self.recipe.clip_norm is not None:
            figures["grad_norm"] = nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        for weight in self.limited:
            assert self.recipe.max_norm is not None
            limit_rows(weight, self.recipe.max_norm)
        if self.average is not None:
            self.average.update()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return figures, len(batch[0])

    def _place(self, tensor: Tensor) -> Tensor:
        tensor = tensor.to(self.group.device, non_blocking=True)
        if self.channels_last and tensor.ndim == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.group.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def _evaluate(self, logger: RunLog) -> None:
        figure = 0.0
        if self.group.first:
            with self._precision(), self.average.applied() if self.average is not None else nullcontext():
                figure, row = self.validation.run(self.model, self.step)
            logger.write(row)
        self.schedule.observe(self.group.from_first(figure))

    def _too_large(self, batch: Batch, loss: Loss) -> BatchTooLarge:
        """The error for a batch that the device's memory does not hold, with the size that it would."""

        def attempt(size: int) -> None:
            for optimizer in self.optimizers:
                optimizer.zero_grad(set_to_none=True)
            placed = tuple(self._place(tensor[:size]) for tensor in batch)
            with self._precision():
                value, _ = loss(self.net, placed)
            value.backward()

        size = len(batch[0])
        fits = largest_that_fits(attempt, size) if self.group.world == 1 and self.overlap else 0
        return too_large(size, fits, self.group.device, searched=self.group.world == 1 and self.overlap)

    def _is_alone(self, guard: InterruptionGuard) -> bool:
        """Say whether an error in the middle of a step is that of a run whose other processes are gone.

        Gradients that travel during backward meet a closed connection there; `torchrun` tells the others within
        seconds, by SIGTERM, that one of them has ended.
        """
        patience = time.monotonic() + (10.0 if self.group.world > 1 else 0.0)
        while guard.number is None and time.monotonic() < patience:
            time.sleep(0.05)
        return self.group.world > 1 and guard.number is not None

    def lost(self) -> ProcessLost:
        """Write the checkpoint of the last whole step, in process 0, and return the error that says so."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self._save(final=True)
        where = f"the state is in '{self.path}'" if self.group.first else f"'{self.path}' holds the last state written"
        return ProcessLost(
            f"another process of the run ended after step {self.step}; {where}: start the same command again to go on"
        )

    def _stop(self, guard: InterruptionGuard, logger: RunLog) -> None:
        self.group.settle()
        self._save(final=True)
        self.group.from_first(0.0)  # nobody leaves, and so ends the others, before the checkpoint is there
        logger.write({"event": "interrupted", "step": self.step, "elapsed": round(self.elapsed, 2)})
        raise Interrupted(
            f"stopped after step {self.step} of {self.recipe.steps}; the state is in '{self.path}': "
            "start the same command again to go on",
            *([guard.number] if guard.number is not None else []),
        )

    def _save(self, final: bool) -> None:
        """Write the checkpoint in process 0; unless `final`, a failure is a warning and the next one tries again."""
        if not self.group.first:
            return
        try:
            if not all(bool(torch.isfinite(p).all()) for p in self.parameters):
                raise InputError(self._diverged("the weights are no longer finite"))
            content = {
                "step": self.step,
                "last_step": self.last_step,
                "recipe": self.recipe.to_dict(),
                "processes": self.group.world,
                "model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "schedule": self.schedule.state_dict(),
                "average": None if self.average is None else self.average.state_dict(),
                "best": self.validation.best,
                "elapsed": self.elapsed,
                "metadata": self.note,
            }
            save_checkpoint(self.path, content)
        except InputError as error:
            if final:
                raise
            warn(f"no checkpoint at step {self.step}: {error}")

    def _diverged(self, what: str) -> str:
        kept = f"; '{self.path}' holds the last good state" if self.path.exists() else ""
        return f"{what} by step {self.step}: lower `lr`, or set `clip_norm` or `warmup_steps`{kept}"

    def _check(self, content: dict[str, Any]) -> None:
        """Raise `InputError` where the checkpoint is of another recipe or another net."""
        check_same_run(self.path, content, self.recipe, self.group.world)
        stored = {name: tuple(value.shape) for name, value in content["model"].items()}
        own = {name: tuple(value.shape) for name, value in self.model.state_dict().items()}
        for name in [*own, *stored]:
            if stored.get(name) != own.get(name):
                raise InputError(
                    f"checkpoint '{self.path}' is of another net: its `{name}` has shape {stored.get(name)}, "
                    f"this net's {own.get(name)}; give the same net, or another output folder"
                )

    def _take_over(self, content: dict[str, Any]) -> None:
        for optimizer, state in zip(self.optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.schedule.load_state_dict(content["schedule"])
        if self.average is not None:
            self.average.load_state_dict(content["average"])
        self.validation.best = content["best"] if self.group.first else None
        self.step = content["step"]
        self.last_step = content.get("last_step", self.recipe.steps)
        self.before = content["elapsed"]
        self.resumed = True
