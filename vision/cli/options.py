"""Options that several vision commands have."""

from __future__ import annotations

import re
from typing import Any

import click

from casecnn.checks import within
from casecnn.cli import options
from casecnn.cli.options import shared
from casecnn.console import warn
from casecnn.errors import UsageError

data = shared("--data", metavar="DIR|ARCHIVE|NAME", meaning="Labelled images")
test = shared("--test", metavar="DATA", meaning="Images to measure on in the end", otherwise="DATA's own part test")
validation = options.validation(metavar="DATA", otherwise="DATA's own part val")
validation_fraction = options.validation_fraction(otherwise="0.1, where there is no other held-out data")
labels = shared("--labels", metavar="FILE", meaning="The names of the net's outputs, one a line in turn")
crops = shared("--crops", type=click.Choice(["1", "10"]), default="1", meaning="Crops of each image")
ensemble = shared(
    "--ensemble",
    metavar="NET[=WEIGHTS]",
    multiple=True,
    meaning="Another net to average with; may be repeated",
)
channels = shared("--channels", type=int, meaning="Channels of the input: 1 grey, 3 colour")
narrow = shared(
    "--narrow/--wide",
    default=None,
    meaning="Columns that fit the terminal, or all columns",
    otherwise="narrow where the terminal is",
)
augment = shared("--augment", metavar="NAMES", meaning="Such as mirror,crop=4,rotation=10; none for none")


def held_out(data: str | None, fraction: float | None) -> str | float | None:
    """What `--validation` and `--validation-fraction` say together: a data set, a fraction, or nothing.

    A fraction as `--validation`, as it was given in version 0.1, is taken with a warning.
    """
    if data is not None and fraction is not None:
        raise UsageError("`validation` and `validation_fraction` exclude each other; give one")
    if data is None:
        return None if fraction is None else within("validation_fraction", fraction, 0, 0.9, closed=True)
    try:
        number = float(data)
    except ValueError:
        return data
    warn(f"'--validation {data}' is now '--validation-fraction {data}'; the old form goes with the next version")
    return number


def augmentation(text: str | None) -> Any:
    """The augmentation that `--augment` names; None where it is not given."""
    if text is None:
        return None
    from casecnn.vision.pipeline.augment import parse_augmentation

    return parse_augmentation(text)


def height_and_width(name: str, text: str | None) -> tuple[int, int] | None:
    """224 or 224x192 as (height, width)."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text.strip())
    if not found:
        raise UsageError(f"`{name}` (={text}) must be a size such as 224, or height x width such as 224x192")
    return int(found[1]), int(found[2] or found[1])


def whole_numbers(name: str, text: str | None) -> tuple[int, ...]:
    """32,64,128 as numbers."""
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,6}", part) for part in parts):
        raise UsageError(f"`{name}` (={text}) must be whole numbers with commas between them, such as 32,64,128")
    return tuple(map(int, parts))
