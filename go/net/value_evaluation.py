"""How well a value net foresees games: squared error, right winners, calibration and error of the score, by phase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from casecnn.go.data.archive import Archive
from casecnn.go.data.outcomes import outcomes
from casecnn.go.data.sampling import position_batch
from casecnn.go.net.policy_value import Estimates

PHASES = (("moves 1-60", 0, 60), ("moves 61-120", 60, 120), ("moves 121-200", 120, 200), ("moves 201-", 200, 1 << 30))
TENTHS = 10


class ValueNet(Protocol):
    """What is measured: `casecnn.go.net.policy_value.PolicyValue` has it."""

    size: int

    def estimate(self, planes: np.ndarray, komi: np.ndarray | float, symmetries: bool = False) -> Estimates:
        """Win probability, lead and ownership for planes uint8 [N, 48, size, size]."""
        ...


@dataclass(frozen=True)
class Figures:
    """What is measured on some positions.

    `right`: the share whose winner has a probability above one half; `squared_error`: the mean of (v - z)^2, where v is
    2 * win - 1 and z is 1 or -1 (the paper's 0.234); `constant_error`: the same for the best constant; `log_loss` in
    nats; `score_error`: the mean of |lead - result| in points over the `counted` positions of games that were counted,
    None where there is none.
    """

    positions: int
    right: float
    squared_error: float
    constant_error: float
    log_loss: float
    counted: int
    score_error: float | None


@dataclass(frozen=True)
class ValueEvaluation:
    """`all` positions and those of each phase; `calibration`: (positions, mean probability, share won) by tenth."""

    all: Figures
    phases: dict[str, Figures]
    calibration: tuple[tuple[int, float, float], ...]

    def main(self) -> dict[str, Any]:
        """The figures over all phases under stable names."""
        return {name: value for name, value in asdict(self.all).items() if value is not None}

    def as_dict(self) -> dict[str, Any]:
        """All figures under stable names, shares between 0 and 1."""
        tenths = [dict(zip(("positions", "predicted", "won"), row, strict=True)) for row in self.calibration]
        return {**asdict(self.all), "phases": {name: asdict(f) for name, f in self.phases.items()}, "tenths": tenths}

    def table(self) -> str:
        """Lines for a terminal."""
        head = f"{'':<16}{'positions':>10}{'right':>9}{'sq. error':>11}{'constant':>10}{'log-loss':>10}{'score':>8}"
        lines = [head]
        for name, f in [*self.phases.items(), ("all", self.all)]:
            score = "" if f.score_error is None else f"{f.score_error:.1f}"
            lines.append(
                f"{name:<16}{f.positions:>10,}{f.right:>9.1%}{f.squared_error:>11.3f}{f.constant_error:>10.3f}"
                f"{f.log_loss:>10.3f}{score:>8}"
            )
        lines.append("score: mean error in points, over games that were counted")
        lines.append(f"{'win probability':<16}{'positions':>10}{'mean':>9}{'won':>11}")
        for tenth, (number, mean, won) in enumerate(self.calibration):
            lines.append(f"{f'{10 * tenth} to {10 * tenth + 10} %':<16}{number:>10,}{mean:>9.1%}{won:>11.1%}")
        return "\n".join(lines)


def evaluate_value(
    net: ValueNet,
    archive: Archive,
    indices: np.ndarray,
    *,
    symmetries: bool = False,
    batch_size: int = 128,
    progress: Callable[[int], object] | None = None,
) -> ValueEvaluation:
    """Measure a value net on the positions before the plays at `indices` of games whose winner is known.

    `casecnn.go.data.outcomes.choose_positions` lists them. `progress(n)` is called after n more. Probabilities
    are of the side to move, so that a net that knows nothing but the turn gains nothing by it.
    """
    win, error = np.empty(len(indices)), np.full(len(indices), np.nan)
    known = outcomes(archive, indices, np.zeros(len(indices), np.int64), net.size)
    for begin in range(0, len(indices), batch_size):
        part = slice(begin, begin + batch_size)
        chosen = indices[part]
        planes, _ = position_batch(archive, chosen, np.zeros(len(chosen), np.int64), net.size)
        found = net.estimate(planes, known.komi[part], symmetries)
        win[part] = found.win
        error[part] = np.abs(found.lead - known.komi[part] - known.margin[part])
        if progress is not None:
            progress(len(chosen))
    number = indices - archive.offsets[np.searchsorted(archive.offsets, indices, side="right") - 1]
    return summary(win, known.won, error, number)


def summary(win: np.ndarray, won: np.ndarray, error: np.ndarray, number: np.ndarray) -> ValueEvaluation:
    """The figures of probabilities `win` [n], outcomes `won` [n], score errors [n] (NaN: unknown), move numbers [n]."""
    everything = np.ones(len(win), bool)
    phases = {}
    for name, low, high in PHASES:
        inside = (number >= low) & (number < high)
        if inside.any():
            phases[name] = _figures(win, won, error, inside)
    tenth = np.minimum((win * TENTHS).astype(int), TENTHS - 1)
    rows = tuple(
        (int(own.sum()), float(win[own].mean()), float(won[own].mean())) if own.any() else (0, np.nan, np.nan)
        for own in (tenth == t for t in range(TENTHS))
    )
    return ValueEvaluation(_figures(win, won, error, everything), phases, rows)


def _figures(win: np.ndarray, won: np.ndarray, error: np.ndarray, inside: np.ndarray) -> Figures:
    p, z, e = win[inside], won[inside], error[inside]
    counted = ~np.isnan(e)
    likely = np.clip(np.where(z > 0.5, p, 1 - p), 1e-12, 1)
    return Figures(
        int(inside.sum()),
        float(((p > 0.5) == (z > 0.5)).mean()),
        float(4 * ((p - z) ** 2).mean()),
        float(4 * z.var()),
        float(-np.log(likely).mean()),
        int(counted.sum()),
        float(e[counted].mean()) if counted.any() else None,
    )
