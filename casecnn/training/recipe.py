"""A training recipe: every number that shapes the trained weights, as one frozen value kept in log and checkpoint."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from casecnn.checks import one_of, positive, whole, within
from casecnn.errors import InputError, UsageError

OPTIMIZERS = ("sgd", "adadelta", "adamw", "muon")
SCHEDULES = ("constant", "step", "plateau", "cosine", "linear")
PRECISIONS = ("auto", "float32", "bfloat16")

# What a field left at None becomes, by optimiser (an optimiser that does not read a field leaves it at None).
_DEFAULTS: dict[str, dict[str, float | bool]] = {
    "sgd": {"momentum": 0.9, "nesterov": False},  # AlexNet section 5, VGG 3.1, ResNet 3.4: momentum 0.9, heavy ball
    "adadelta": {"eps": 1e-6},  # Zeiler 2012, section 4.1
    "adamw": {"eps": 1e-8},  # Kingma and Ba 2015, algorithm 1
    "muon": {"momentum": 0.95, "nesterov": True, "eps": 1e-8},  # Jordan et al. 2024; eps is that of its AdamW part
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: optimiser, rates, schedule, batch, averaging, constraints and precision.

    Steps are optimiser updates. Raises `UsageError`, one line, for a value out of its range. What a recipe does not
    hold: the net, the data and how often to log, evaluate or write a checkpoint; those belong to the call of `train`.
    """

    optimizer: Literal["sgd", "adadelta", "adamw", "muon"]
    lr: float  # peak learning rate; Kim's Adadelta 1.0, AlexNet's SGD 0.01, AdamW about 2e-3, Muon about 0.02
    steps: int  # updates in all; the papers count iterations, and linear and cosine need the end in advance
    batch_size: int = 64  # samples a process and step; under torchrun the whole batch is this times the processes
    momentum: float | None = None  # sgd: 0.9 (AlexNet, VGG, ResNet); muon: 0.95 (Jordan et al. 2024)
    nesterov: bool | None = None  # sgd: False, as in the papers; muon: True (Jordan et al. 2024)
    rho: float = 0.95  # adadelta's decay of its running averages (Zeiler 2012 and Kim 2014)
    eps: float | None = None  # adadelta: 1e-6 (Zeiler 2012); adamw and muon's AdamW part: 1e-8
    betas: tuple[float, float] = (0.9, 0.999)  # adamw, and muon's AdamW part (Kingma and Ba 2015)
    adam_lr: float = 2e-3  # muon only: the AdamW rate of the first and last layer, biases and normalisation
    weight_decay: float = 0.0  # L2 term of the gradient (sgd, adadelta); decoupled (adamw, muon); AlexNet 5e-4
    decay_biases: bool = False  # biases and normalisation stay free of decay (He et al. 2019, section 3.1)
    schedule: Literal["constant", "step", "plateau", "cosine", "linear"] = "constant"
    milestones: tuple[int, ...] = ()  # step: updates after which the rate is multiplied by gamma (ResNet: 32k, 48k)
    gamma: float = 0.1  # step and plateau: "divided by 10" (AlexNet, VGG, ResNet)
    patience: int = 3  # plateau: evaluations without a new best before the rate drops
    warmup_steps: int = 0  # linear from lr/warmup_steps up to lr, before any schedule (Goyal et al. 2017, section 2.2)
    clip_norm: float | None = None  # bound of the 2-norm of all gradients together; None: no clipping
    ema_decay: float | None = None  # decay of the average of the weights, e.g. 0.999; None: no average
    max_norm: float | None = None  # bound of each row's 2-norm in max_norm_parameters; Kim 2014: 3
    max_norm_parameters: tuple[str, ...] = ()  # names as in named_parameters(); Kim: the last layer's weight
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: bfloat16 autocast where the device gains by it
    channels_last: bool | Literal["auto"] = "auto"  # auto: where convolutions are faster in that layout
    seed: int = 0  # of dropout and whatever else draws from torch's generators inside the loss

    def __post_init__(self) -> None:
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        for name, value in _DEFAULTS[self.optimizer].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        for name in ("betas", "milestones", "max_norm_parameters"):  # lists come from JSON and from checkpoints
            value = getattr(self, name)
            if not isinstance(value, (tuple, list)):
                raise UsageError(f"`{name}` (={value!r}) must be a tuple")
            object.__setattr__(self, name, tuple(value))
        one_of("schedule", self.schedule, SCHEDULES)
        one_of("precision", self.precision, PRECISIONS)
        one_of("channels_last", self.channels_last, (True, False, "auto"))
        for name, least in (("steps", 1), ("batch_size", 1), ("patience", 1), ("warmup_steps", 0), ("seed", 0)):
            whole(name, getattr(self, name), least)
        for name in ("lr", "adam_lr", "gamma", "eps", "clip_norm", "max_norm"):
            if getattr(self, name) is not None:
                positive(name, getattr(self, name))
        within("weight_decay", self.weight_decay, 0.0, math.inf)
        for name in ("momentum", "rho", "ema_decay"):
            if getattr(self, name) is not None:
                within(name, getattr(self, name), 0.0, 1.0)
        if len(self.betas) != 2:
            raise UsageError(f"`betas` (={self.betas}) must be two numbers")
        for beta in self.betas:
            within("betas", beta, 0.0, 1.0)
        if self.optimizer == "sgd" and self.nesterov and not self.momentum:
            raise UsageError("`nesterov` (=True) needs `momentum` above 0; set `momentum`, for instance to 0.9")
        for milestone in self.milestones:
            whole("milestones", milestone, 1)
        if list(self.milestones) != sorted(set(self.milestones)):
            raise UsageError(f"`milestones` (={self.milestones}) must rise strictly; sort them and drop the doubles")
        if (self.schedule == "step") != bool(self.milestones):
            raise UsageError(
                f"`milestones` (={self.milestones}) must be given with `schedule` 'step' and with no other schedule"
            )
        if self.warmup_steps >= self.steps and self.warmup_steps > 0:
            raise UsageError(f"`warmup_steps` (={self.warmup_steps}) must be less than `steps` (={self.steps})")
        if (self.max_norm is None) != (not self.max_norm_parameters):
            raise UsageError("`max_norm` and `max_norm_parameters` must be given together; give both or neither")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers, strings and lists, fit for JSON and for a checkpoint."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """Return the recipe that `to_dict` described; fields that are absent take their defaults.

        Raises `InputError` for a field that this version does not know, `UsageError` for a value out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"the recipe has the unknown field `{unknown[0]}`; it comes from another version")
        missing = [name for name in ("optimizer", "lr", "steps") if name not in values]
        if missing:
            raise InputError(f"the recipe lacks the field `{missing[0]}`; add it")
        return cls(**values)
