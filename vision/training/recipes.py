"""The papers' recipes as frozen presets: what each trained with, and what is not as there, said openly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from casecnn.checks import positive
from casecnn.choose import pick, table
from casecnn.errors import UsageError
from casecnn.nets.catalogue import get_net
from casecnn.training.recipe import Recipe
from casecnn.vision.pipeline.augment import Augmentation
from casecnn.vision.pipeline.framing import Framing

OTHER_RATES = {"muon": 0.02, "adamw": 2e-3}
"""The usual peak rates of optimisers that the papers did not have."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How a paper trained. A step is one update of the weights; a run's length is in `steps` or in `epochs`.

    `milestones` are shares of the run, so that a shorter one drops its rate in the same places. `deviations` are the
    points that differ from the paper, a sentence each. Dropout belongs to the nets, not to the recipe.
    """

    name: str
    source: str
    summary: str
    batch_size: int
    lr: float
    momentum: float = 0.9
    weight_decay: float
    schedule: Literal["constant", "step", "plateau", "cosine", "linear"]
    epochs: float | None = None
    steps: int | None = None
    milestones: tuple[float, ...] = ()
    gamma: float = 0.1
    patience: int = 3
    warmup: float = 0.0  # fraction of the run in which the rate rises linearly to its peak
    nesterov: bool = False
    ema_decay: float | None = None
    label_smoothing: float = 0.0  # Szegedy 2016, section 7
    init: str = "he"
    framing: Framing = Framing()
    augmentation: Augmentation = Augmentation()
    auxiliary: float = 0.3
    rubbish: float | None = None  # j of LeCun 1998, equation 9, for a net whose outputs are distances
    deviations: Sequence[str] = ()

    def recipe(self, samples: int, *, epochs: float | None = None, steps: int | None = None, **changes: Any) -> Recipe:
        """The recipe for a run on so many training samples, with a length and other fields of one's own.

        `changes` are fields of `casecnn.training.recipe.Recipe`; None leaves the preset's. An optimiser other than the
        papers' SGD comes with a rate and momentum of its own. Raises UsageError where both epochs and steps are given,
        or a value is out of its range.
        """
        if epochs is not None and steps is not None:
            raise UsageError(f"`epochs` (={epochs:g}) and `steps` (={steps}) exclude each other; give one")
        changes = {name: value for name, value in changes.items() if value is not None}
        optimizer = changes.get("optimizer", "sgd")
        batch = changes.get("batch_size", self.batch_size)
        if epochs is None and steps is None:
            epochs, steps = self.epochs, self.steps
        if steps is None:
            assert epochs is not None
            steps = steps_of(epochs, samples, batch)
        schedule = changes.get("schedule", self.schedule)
        milestones = sorted({round(share * steps) for share in self.milestones} - {0, steps})
        if schedule == "step" and not milestones:
            schedule = "constant"  # too short a run to have any
        fields = {
            "optimizer": "sgd",
            "lr": OTHER_RATES.get(optimizer, self.lr),
            "steps": steps,
            "batch_size": batch,
            "momentum": self.momentum if optimizer == "sgd" else None,
            "weight_decay": self.weight_decay,
            "gamma": self.gamma,
            "patience": self.patience,
            "nesterov": self.nesterov if optimizer == "sgd" else None,
            "warmup_steps": round(self.warmup * steps),
            "ema_decay": self.ema_decay,
            **changes,
            "schedule": schedule,
            "milestones": tuple(milestones) if schedule == "step" else (),
        }
        return Recipe(**fields)

    def describe(self, **changes: Any) -> str:
        """The preset in a few lines, and what is not as in it this time; None is no change."""
        length = f"{self.steps:,} steps" if self.steps else f"{self.epochs:g} epochs"
        rate = {
            "plateau": f"divided by {1 / self.gamma:g} after {self.patience} evaluations without a new best",
            "step": f"times {self.gamma:g} at " + ", ".join(f"{share:.3g}" for share in self.milestones[:4])
            + (" ..." if len(self.milestones) > 4 else "") + " of the run",
        }.get(self.schedule, self.schedule)  # fmt: skip
        lines = [
            f"{self.name}: {self.summary} ({self.source})",
            f"  {length} of {self.batch_size}, SGD with momentum {self.momentum:g}, weight decay {self.weight_decay:g}",
            f"  rate {self.lr:g}, {rate}; weights from {self.init}",
            f"  {self.framing}; augmentation {self.augmentation}",
            *(f"  deviation: {text}" for text in self.deviations),
        ]
        if here := [f"{name} {value}" for name, value in changes.items() if value is not None]:
            lines.append(f"  in its place here: {', '.join(here)}")
        return "\n".join(lines)


def steps_of(epochs: float, samples: int, batch: int) -> int:
    """Return how many batches that many passes over the samples take, rounded up; UsageError for no pass at all."""
    return max(1, -(-round(positive("epochs", epochs) * samples) // batch))


_BIASES = "biases and the shifts and scales of BatchNorm stay free of weight decay"
_IMAGENET = ("a step of the plateau is an evaluation on held-out images, where the paper's authors looked themselves",)

_LENET = Preset(
    name="lenet",
    source="LeCun 1998, section III",
    summary="LeNet-5 on distorted digits; the paper's error 0.8 %, without distortions 0.95 %",
    epochs=20,
    batch_size=64,
    lr=0.02,
    weight_decay=5e-4,
    schedule="linear",
    augmentation=Augmentation(crop=2, scale=0.1, squeeze=0.1, shear=10),
    deviations=(
        "SGD with momentum and a rate that falls linearly, where the paper has a diagonal second-order method "
        "with five fixed rates and batches of one digit",
        "weight decay 5e-4, where the paper has none",
        "distortions are drawn anew in every epoch, where the paper adds 540,000 fixed ones; translations go "
        "by whole pixels",
        _BIASES,
    ),
)

_PUBLISHED = Preset(
    name="",
    source="",
    summary="",
    batch_size=128,
    lr=0.01,
    weight_decay=5e-4,
    schedule="plateau",
    augmentation=Augmentation(mirror=0.5, pca=0.1),
)
"""What most of the papers' recipes for ImageNet share; the rows below say what is their own."""

_MEAN = "images are normalised by the mean and standard deviation of each channel, where the paper subtracts the mean"

_CIFAR = replace(
    _PUBLISHED,
    name="resnet-cifar",
    source="He 2016, section 4.2",
    summary="the nets of 6n+2 layers; the paper's error of ResNet-20 8.75 %, ResNet-56 6.97 %",
    steps=64_000,
    lr=0.1,
    weight_decay=1e-4,
    schedule="step",
    milestones=(0.5, 0.75),
    augmentation=Augmentation(mirror=0.5, crop=4),
    deviations=(
        f"{_MEAN} of each pixel; what comes in at the border is black, not the mean",
        "a tenth of the training images is held out, as in the paper; a fraction of 0 trains on all of them",
        _BIASES,
    ),
)

_ROWS = (
    _LENET,
    replace(
        _LENET,
        name="lenet-1998",
        summary="LeNet-5 in its original form: the loss of equation 9 with j = 5, weights from the paper's "
        "distribution",
        lr=0.002,
        init="lecun",
        rubbish=5.0,
    ),
    replace(
        _PUBLISHED,
        name="alexnet",
        source="Krizhevsky 2012, sections 4 and 5",
        summary="windows and mirror images of 256x256, colours along their principal axes",
        epochs=90,
        init="normal(0.01)",
        framing=Framing("shorter", (256, 256), central=True),
        deviations=(
            "all biases start at 0, where the paper has 1 in some layers",
            f"{_MEAN} image",
            _BIASES,
            *_IMAGENET,
        ),
    ),
    replace(
        _PUBLISHED,
        name="vgg",
        source="Simonyan and Zisserman 2015, section 3.1",
        summary="scale jitter from 256 to 512",
        epochs=74,
        batch_size=256,
        framing=Framing("shorter", (256, 512)),
        deviations=(
            "weights start from He's distribution, where the paper starts the deep nets from a trained net A (and "
            "notes that Glorot's does without)",
            _BIASES,
            *_IMAGENET,
        ),
    ),
    replace(
        _PUBLISHED,
        name="googlenet",
        source="Szegedy 2015, section 6",
        summary="windows of 8 % to 100 % of the area; auxiliary losses count 0.3",
        epochs=250,
        weight_decay=2e-4,
        schedule="step",
        milestones=tuple(epoch / 250 for epoch in range(8, 250, 8)),
        gamma=0.96,
        init="xavier",
        framing=Framing("area", area=(0.08, 1.0)),
        augmentation=Augmentation(mirror=0.5, colour=20),
        deviations=(
            "the paper gives neither batch, rate, weight decay nor length: 128, 0.01, 2e-4 and 250 epochs are ours",
            "ordinary SGD, where the paper has asynchronous updates; the weights are the last ones, not Polyak's "
            "average (an average of the weights can be asked for)",
            "the photometric distortion is a shift of each channel",
            _BIASES,
        ),
    ),
    replace(
        _PUBLISHED,
        name="resnet",
        source="He 2016, section 3.4",
        summary="shorter side from 256 to 480, BatchNorm, no dropout",
        steps=600_000,
        batch_size=256,
        lr=0.1,
        weight_decay=1e-4,
        framing=Framing("shorter", (256, 480)),
        deviations=(f"{_MEAN} of each pixel", _BIASES, *_IMAGENET),
    ),
    _CIFAR,
    replace(
        _CIFAR,
        name="resnet-cifar-short",
        source="ours, after Smith 2018 and Szegedy 2016",
        summary="the nets of 6n+2 layers in an hour: one cycle of the rate, smoothed labels, averaged weights",
        steps=None,
        epochs=60,
        weight_decay=5e-4,
        nesterov=True,
        schedule="linear",
        milestones=(),
        warmup=0.15,
        label_smoothing=0.05,
        ema_decay=0.999,
        deviations=("it is no paper's recipe: He 2016 trains for 164 epochs with weight decay 1e-4", _BIASES),
    ),
)

PRESETS = table("recipe", ((preset.name, preset) for preset in _ROWS))
"""Every preset by name."""


def find_preset(name: str) -> Preset:
    """Return the preset of that name; UsageError with the nearest ones where there is none."""
    return pick("recipe", name, PRESETS)


def preset_of(net: str, name: str | None = None) -> Preset:
    """Return the preset called ``name``, or the one of the paper of a net; UsageError where there is no such net."""
    shape = get_net(net).input
    return find_preset(name) if name is not None else preset_for(net, shape[1])


_STARTS = {
    "lenet5-1998": "lenet-1998",
    "lenet": "lenet",
    "alexnet": "alexnet",
    "zfnet": "alexnet",
    "vgg": "vgg",
    "googlenet": "googlenet",
}


def preset_for(net: str, size: int) -> Preset:
    """Return the preset that the paper of a net used; `size` is the input's height in pixels."""
    for start, preset in _STARTS.items():
        if net.startswith(start):
            return PRESETS[preset]
    return PRESETS["resnet" if size > 64 else "resnet-cifar"]
