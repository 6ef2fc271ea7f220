"""How well a policy network predicts the moves of games: top-1, top-5, top-10, log-loss, by phase of the game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from casecnn.go.data.archive import Archive
from casecnn.go.data.sampling import position_batch
from casecnn.go.net.inference import move_probabilities

# Moves counted from the start of the game: opening, middle game, endgame.
PHASES = (("moves 1-60", 0, 60), ("moves 61-150", 60, 150), ("moves 151-", 150, 1 << 30))


@dataclass(frozen=True)
class Evaluation:
    """Fractions of positions at which the move played is among the net's first choices.

    `top1` counts its first choice, the others its first five or ten; `log_loss` is the mean of -ln p(move) in nats;
    `phases` maps a phase to (positions, top1).
    """

    positions: int
    top1: float
    top5: float
    top10: float
    log_loss: float
    phases: dict[str, tuple[int, float]]

    def as_dict(self) -> dict[str, Any]:
        """The figures under stable names, fractions between 0 and 1."""
        fields = asdict(self)
        fields["phases"] = {name: {"positions": n, "top1": top1} for name, (n, top1) in self.phases.items()}
        return fields

    def table(self) -> str:
        """Lines for a terminal."""
        rows = [("top-1", self.top1), ("top-5", self.top5), ("top-10", self.top10)]
        lines = [f"{self.positions:,} positions"]
        lines += [f"  {name:<22}{value:8.2%}" for name, value in rows]
        lines += [f"  {'log-loss':<22}{self.log_loss:8.4f}"]
        lines += [f"  {f'top-1, {name}':<22}{top1:8.2%}  of {n:,}" for name, (n, top1) in self.phases.items()]
        return "\n".join(lines)


def evaluate_policy(
    model: nn.Module,
    archive: Archive,
    indices: np.ndarray,
    *,
    size: int = 19,
    symmetries: bool = True,
    batch_size: int = 256,
    progress: Callable[[int], object] | None = None,
) -> Evaluation:
    """Measure `model` (logits over points) on the plays at `indices` of `archive`.

    `casecnn.go.data.sampling.plays` lists the plays. All points compete, legal or not: the net itself is measured.
    `progress(n)` is called after n more positions.
    """
    starts = archive.offsets[np.searchsorted(archive.offsets, indices, side="right") - 1]
    move_number = indices - starts
    ranks = np.empty(len(indices), np.int64)
    log_loss = np.empty(len(indices), np.float64)
    for begin in range(0, len(indices), batch_size):
        part = slice(begin, begin + batch_size)
        chosen = indices[part]
        planes, moves = position_batch(archive, chosen, np.zeros(len(chosen), np.int64), size)
        p = move_probabilities(model, planes, symmetries)
        played = p.gather(1, torch.from_numpy(moves).to(p.device)[:, None])
        ranks[part] = (p > played).sum(1).cpu().numpy()
        log_loss[part] = -played[:, 0].clamp_min(1e-30).log().double().cpu().numpy()
        if progress is not None:
            progress(len(chosen))
    phases = {}
    for name, low, high in PHASES:
        inside = (move_number >= low) & (move_number < high)
        if inside.any():
            phases[name] = (int(inside.sum()), float((ranks[inside] == 0).mean()))
    return Evaluation(
        len(indices),
        float((ranks == 0).mean()),
        float((ranks < 5).mean()),
        float((ranks < 10).mean()),
        float(log_loss.mean()),
        phases,
    )
