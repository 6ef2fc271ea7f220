"""Levels of play by rank, such as 10k: how strong the engine is at a temperature, or with a search.

Each of `TEMPERATURES` and `VISITS` was measured on 19x19 in matches against its neighbour (`benchmarks/levels.py`;
docs/gtp.md has the figures); between them levels are interpolated. Ratings become ranks by two programs of known rank:
GNU Go 3.8 at level 10 is 5 kyu, Pachi is 2 dan, and 867 Elo points lie between them (Silver et al., Nature 529 (2016),
Extended Data Table 7). So a rank is taken to be 145 points, and 5 kyu to be as strong as GNU Go.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from casecnn.errors import UsageError
from casecnn.go.players.settings import Settings

ELO_OF_A_RANK = 145.0
ANCHOR = 5
"""The kyu rank of GNU Go 3.8 at level 10, the zero of the ratings."""

TEMPERATURES = (
    (0.0, 182.0), (0.25, 115.0), (0.5, -24.0), (0.75, -126.0), (1.0, -266.0), (1.25, -545.0), (1.5, -846.0),
    (1.75, -1072.0),
)  # fmt: skip
"""Temperatures of the policy without a search, and their ratings, falling."""

VISITS = ((1, 182.0), (25, 628.0), (100, 907.0))
"""Visits of a search at temperature 0, and their ratings, rising; the first is the policy alone."""


@dataclass(frozen=True)
class Level:
    """A rank, such as "10k" or "1d", its rating against GNU Go 3.8 at level 10, and what plays so.

    `visits` is None for the policy without a search.
    """

    name: str
    rating: float
    temperature: float
    visits: int | None


def level(name: str) -> Level:
    """The level of a rank.

    >>> level("5k").rating, level("10K").rating
    (0.0, -725.0)

    Raises `UsageError` for what is no rank, and for ranks beyond those that were measured.
    """
    match = re.fullmatch(r"([1-9]\d?)\s*([kd])", name.strip().lower())
    step = (ANCHOR - int(match[1]) if match[2] == "k" else ANCHOR - 1 + int(match[1])) if match else None
    lowest, highest = (_step(rating) for rating in (TEMPERATURES[-1][1], VISITS[-1][1]))
    if match is None or step is None or not math.ceil(lowest) <= step <= math.floor(highest):
        raise UsageError(
            f"`level` (={name}) must be a rank from {_name(math.ceil(lowest))} to {_name(math.floor(highest))}"
        )
    rating = ELO_OF_A_RANK * step
    if rating <= TEMPERATURES[0][1]:
        temperatures, ratings = np.array(TEMPERATURES).T
        return Level(_name(step), rating, round(float(np.interp(rating, ratings[::-1], temperatures[::-1])), 3), None)
    visits, ratings = np.array(VISITS).T
    wanted = math.exp(np.interp(rating, ratings, np.log(visits)))
    return Level(_name(step), rating, 0.0, max(2, round(wanted)))


def levels() -> list[Level]:
    """All levels, the weakest first."""
    lowest, highest = math.ceil(_step(TEMPERATURES[-1][1])), math.floor(_step(VISITS[-1][1]))
    return [level(_name(step)) for step in range(lowest, highest + 1)]


def settings_at(name: str | None, **fields: Any) -> Settings:
    """The settings of a level, those of `fields` that do not make it included; None for a level: as they are.

    Fields that are None are left out. Raises `UsageError` for a level that there is not, for one that a temperature,
    visits, rollouts or a time for a move would change, and what `Settings` raises.
    """
    given = {field: value for field, value in fields.items() if value is not None}
    if name is None:
        return Settings(**given)
    found = level(name)
    for field in ("temperature", "visits", "rollouts", "move_time"):
        if field in given and (field, given[field]) != ("rollouts", 0):
            raise UsageError(f"`{field}` (={given[field]}) must be left out with `level` (={name})")
    return Settings(**{**given, "temperature": found.temperature, "visits": found.visits})


def _step(rating: float) -> float:
    """Ranks above that of the anchor."""
    return rating / ELO_OF_A_RANK


def _name(step: int) -> str:
    return f"{ANCHOR - step}k" if step < ANCHOR else f"{step - ANCHOR + 1}d"
