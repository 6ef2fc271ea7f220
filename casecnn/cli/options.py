"""Options in one voice: each spelling has one meaning, and what several commands share is declared once.

The help of an option is its meaning, which is the same in every command that has it, and after it a note on this
command. `docs/options.md` is the table of all of them, written by `.ci/options`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


class Option(click.Option):
    """An option whose help is ``meaning``, ``note`` (with its own punctuation) and a full stop.

    ``otherwise`` says what stands in for an option that is not given where no default can be printed. ``renamed`` are
    former spellings: they go on working for one version, with a warning, and no help shows them.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        *,
        meaning: str,
        note: str = "",
        otherwise: str = "",
        renamed: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        default = f"  [default: {otherwise}]" if otherwise else ""
        settings = {"show_default": not otherwise, **settings}
        super().__init__(declarations, help=f"{meaning}{note}.{default}", **settings)
        self.meaning, self.note, self.otherwise, self.renamed = meaning, note, otherwise, tuple(renamed)

    @property
    def spelling(self) -> str:
        """The long name, as messages and tables show it."""
        return next((name for name in self.opts if name.startswith("--")), self.opts[0])

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """As click does, with the former spellings, which nothing else of click gets to see."""
        current = self.opts
        self.opts = [*current, *self.renamed]
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.opts = current


def option(*declarations: str, meaning: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option of one command; see `Option` for what it takes beside click's own settings."""
    return click.option(*declarations, cls=Option, meaning=meaning, **settings)


def shared(*declarations: str, meaning: str, **settings: Any) -> Callable[..., Callable[[Function], Function]]:
    """Declare an option that several commands have: returns a function that makes it for one of them.

    That function takes the command's own ``note``, the name of its ``parameter`` where that differs from the others',
    and other settings that differ, such as a default.
    """

    def for_command(note: str = "", parameter: str | None = None, **own: Any) -> Callable[[Function], Function]:
        names = [name for name in declarations if name.startswith("-")] + [parameter] if parameter else declarations
        return option(*names, meaning=meaning, note=note, **{**settings, **own})

    return for_command


debug_option = option(
    "--debug", is_flag=True, expose_value=False, meaning="Show the traceback of an error (also: CASECNN_DEBUG=1)"
)
"""`--debug`: every lazily loaded command has it already."""

# Results

output = shared("-o", "--output", required=True, meaning="Where to write")
format_as = shared("--format", "output_format", meaning="Print for people or for programs")
format_option = format_as(type=click.Choice(["table", "json"]), default="table")
"""`--format table|json`, passed as `output_format`."""

image = shared("--image", metavar="OUT.png|OUT.svg", meaning="Also draw")
top = shared("--top", type=int, meaning="How many of the best to show")

# Nets and data

weights = shared("--weights", metavar="NAME|FILE", meaning="Trained weights: a name or a file")
initial = shared("--init", "initial", metavar="NAME|FILE", meaning="Weights to start from")
filters = shared("--filters", type=int, meaning="Filters of a layer")
input_size = shared("--input", "size", meaning="The input's size")
encoding = shared("--encoding", metavar="NAME", meaning="The encoding of the files that are read")
validation = shared("--validation", meaning="Held-out data to measure on during the training")
validation_fraction = shared(
    "--validation-fraction", type=float, metavar="FRACTION", meaning="Hold out this fraction of the training data"
)
limit = shared("--limit", type=int, meaning="Use at most this many of the images")

# Training

recipe = shared("--recipe", meaning="The settings to train with")
epochs = shared("--epochs", meaning="Passes over the training data")
steps = shared("--steps", type=int, meaning="Updates of the weights")
batch = shared("--batch", "batch_size", type=int, meaning="Batch size")
optimizer = shared("--optimizer", meaning="How the weights are updated")
lr = shared("--lr", type=float, meaning="Peak learning rate")
schedule = shared("--schedule", meaning="How the learning rate falls")
weight_decay = shared("--weight-decay", type=float, meaning="L2 decay of the weights")
warmup = shared("--warmup", "warmup_steps", type=int, metavar="STEPS", meaning="Steps until the peak learning rate")
class_weight = shared(
    "--class-weight",
    metavar="balanced|CLASS=NUMBER",
    multiple=True,
    meaning="Let rare classes count more: all the same in sum, or each by a number; may be repeated",
)
clip_norm = shared("--clip-norm", type=float, meaning="Bound of the gradients' norm", otherwise="none")
ema = shared(
    "--ema", "ema_decay", type=float, metavar="DECAY", meaning="Average the weights with this decay, such as 0.999"
)
evaluate_every = shared("--evaluate-every", type=int, metavar="STEPS", meaning="Steps between two measurements")
checkpoint_minutes = shared(
    "--checkpoint-minutes", default=5.0, metavar="MINUTES", meaning="Minutes between two checkpoints"
)
resume = shared("--resume/--no-resume", default=True, meaning="Go on from what the output folder holds of this run")

# Where and how to compute

device_option = option(
    "--device", metavar="NAME", default="auto", meaning="Where to compute: auto, cpu, cuda or cuda:N"
)
"""`--device`, passed as `device` (not checked here: that would import torch)."""

precision = shared(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    meaning="Number format to compute in; auto: bfloat16 where the device gains by it",
)
seed_option = option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="INTEGER",
    default=0,
    meaning="Start of the random numbers: the same seed gives the same result on one device",
)
"""`--seed`, passed as `seed`."""

workers = shared("--workers", type=int, meaning="Workers that prepare data beside the net")
threads = shared("--threads", type=int, meaning="CPU threads to compute with")
jobs = shared("--jobs", default=1, meaning="Trainings at a time, each in a process of its own")
