"""How well a policy network predicts the moves of games: top-1, top-5, top-10, log-loss, by phase of the game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from casecnn.go.archive import Archive
from casecnn.go.positions import position_batch
from casecnn.go.symmetry import SYMMETRIES, targets

# Moves counted from the start of the game: opening, middle game, endgame.
PHASES = (("moves 1-60", 0, 60), ("moves 61-150", 60, 150), ("moves 151-", 150, 1 << 30))


@dataclass(frozen=True)
class Evaluation:
    """Fractions of positions at which the move played is the net's first choice (`top1`), among its first five or ten;
    `log_loss` is the mean of -ln p(move) in nats; `phases` maps a phase to (positions, top1)."""

    positions: int
    top1: float
    top5: float
    top10: float
    log_loss: float
    phases: dict[str, tuple[int, float]]


def probabilities(model: nn.Module, planes: np.ndarray, symmetries: bool = True) -> torch.Tensor:
    """Softmax over all points, float32 [n, size * size] on the model's device, for planes uint8 [n, 48, size, size].

    With `symmetries` the average of the probabilities over the eight symmetries of the board (Silver et al. 2016,
    Methods, "Symmetries"), each turned back. The model gives logits and is in evaluation mode; no gradients."""
    device = next(model.parameters()).device
    size = planes.shape[-1]
    batch = torch.from_numpy(planes).to(device)
    dtype = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
    with torch.inference_mode():
        if not symmetries:
            x = batch.to(dtype, memory_format=torch.channels_last)
            return model(x).float().softmax(1)
        table = torch.from_numpy(targets(size).astype(np.int64)).to(device)
        total = torch.zeros(len(batch), size * size, device=device)
        for s in range(SYMMETRIES):
            turned = batch.flip(-1) if s >= 4 else batch
            turned = torch.rot90(turned, s % 4, (-2, -1)).to(dtype, memory_format=torch.channels_last)
            total += model(turned).float().softmax(1)[:, table[s]]
        return total / SYMMETRIES


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
    """Measure `model` (logits over points) on the plays at `indices` of `archive` (see `casecnn.go.positions.plays`).

    All points compete, legal or not: the net itself is measured. `progress(n)` is called after n more positions."""
    starts = archive.offsets[np.searchsorted(archive.offsets, indices, side="right") - 1]
    move_number = indices - starts
    ranks = np.empty(len(indices), np.int64)
    log_loss = np.empty(len(indices), np.float64)
    for begin in range(0, len(indices), batch_size):
        part = slice(begin, begin + batch_size)
        chosen = indices[part]
        planes, moves = position_batch(archive, chosen, np.zeros(len(chosen), np.int64), size)
        p = probabilities(model, planes, symmetries)
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
