"""Supervised training of the policy network on packed games (Silver et al. 2016, first stage)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from casecnn.go.data.archive import Archive
from casecnn.go.data.sampling import PositionSource, choose_plays, position_batch
from casecnn.go.net.evaluation import evaluate_policy
from casecnn.go.net.policy import load_policy
from casecnn.go.net.shortcuts import folded, unfolded
from casecnn.go.planes.on_gpu import net_input, works_on
from casecnn.nets.policy import policy_net, policy_net_with_shortcuts
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import choose_device
from casecnn.training.loop import TrainResult, train
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import Loaded, fill, load, save

WEIGHTS, UNFOLDED = "policy.safetensors", "policy-unfolded.safetensors"
PREPROCESSING = (
    "48 feature planes of Silver et al. 2016, Extended Data Table 2 (casecnn.go.planes.table), values 0 and 1"
)


CALIBRATION = 1024
"""Positions that tell each BatchNorm its statistics where a plain net is to learn with shortcuts."""


def policy_loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of the played moves over all points, and top-1 accuracy on the batch.

    `batch`: planes uint8 [n, 48, size, size] or compact positions (`casecnn.go.planes.on_gpu.net_input`), and moves
    int64 [n].
    """
    inputs, moves = batch
    dtype = torch.get_autocast_dtype(inputs.device.type) if torch.is_autocast_enabled(inputs.device.type) else None
    logits = model(net_input(inputs, dtype or torch.float32)).float()
    loss = functional.cross_entropy(logits, moves)
    return loss, {"top1": (logits.detach().argmax(1) == moves).float().mean()}


def supply(device: str | torch.device, size: int, workers: int | None = None) -> tuple[bool, int]:
    """How a training gets its planes on a device: whether from compact positions, and how many threads prepare them.

    A GPU makes the planes where `casecnn.go.planes.on_gpu.works_on` it. By default there is one thread beside the CPU,
    which the net keeps busy, and beside a GPU one for each core of the process, 8 at most.
    """
    chosen = choose_device(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    most = max(1, min(8, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    if workers is None:
        workers = 1 if chosen.type == "cpu" else most
    return works_on(chosen, size), workers


def train_policy(
    archive: Archive,
    recipe: Recipe,
    output: str | Path,
    *,
    k: int = 192,
    layers: int = 13,
    size: int = 19,
    validation: Archive | None = None,
    validation_positions: int = 4096,
    evaluate_every: int | None = None,
    workers: int | None = None,
    device: str | torch.device = "auto",
    initial: str | Path | None = None,
    shortcuts: bool = False,
    command: str = "",
    **options: Any,
) -> TrainResult:
    """Train a policy network and write `policy.safetensors` (half precision, with metadata) into the folder `output`.

    `recipe.batch_size` positions a step are drawn from `archive` (see `PositionSource`, seeded by `recipe.seed`);
    `validation` is measured every `evaluate_every` steps on `validation_positions` positions drawn once, without the
    average over symmetries. `workers` threads prepare positions, and a GPU makes the planes itself if it can (see
    `supply`). `options` go to `casecnn.training.loop.train` (resume, progress, checkpoint_minutes ...). `initial` names
    weights (as `load_policy`) of the same net to start from instead of random ones.

    With `shortcuts` the net learns as `casecnn.nets.policy.policy_net_with_shortcuts` and is folded into the plain one
    at the end. The unfolded weights are kept in `policy-unfolded.safetensors`, in float32, with the positions seen so
    far: `initial` with that file goes on from there, and with a plain net from what
    `casecnn.go.net.shortcuts.unfolded` makes of it.

    The weights are the averaged ones where the recipe has `ema_decay`, else the last ones.

    Raises what `casecnn.training.loop.train` raises, and `InputError` for an archive without moves of that size.
    """
    net = policy_net(k, layers, size)
    model = build(policy_net_with_shortcuts(k, layers, size) if shortcuts else net, seed=recipe.seed)
    seen = 0
    if initial is not None and shortcuts and (form := _unfolded(initial)) is not None:
        fill(model, form.tensors, initial)
        seen = int(form.metadata.get("positions", 0))
    elif initial is not None:
        start = load_policy(initial, "cpu")
        tensors = start.module.state_dict()
        if shortcuts:
            chosen = choose_plays(archive, size, CALIBRATION, recipe.seed)
            planes, _ = position_batch(archive, chosen, np.zeros(len(chosen), np.int64), size)
            tensors = unfolded(tensors, torch.from_numpy(planes), recipe.seed)
        fill(model, tensors, start.name)
    compact, workers = supply(device, size, workers)
    source = PositionSource(archive, recipe.batch_size, recipe.seed, size, compact=compact)
    evaluate = None
    if validation is not None:
        held_out = choose_plays(validation, size, validation_positions)

        def evaluate(module: nn.Module) -> dict[str, Any]:
            figures = evaluate_policy(module, validation, held_out, size=size, symmetries=False)
            return {"top1": figures.top1, "log_loss": figures.log_loss}

    arguments = {"k": k, "layers": layers, "size": size}
    result = train(
        model,
        source,
        recipe,
        loss=policy_loss,
        output=output,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
        metric="top1",
        better="higher",
        workers=workers,
        device=device,
        metadata={"net": "policy_net", "arguments": arguments, "command": command},
        **options,
    )
    metadata = {
        "net": "policy_net",
        "arguments": arguments,
        "preprocessing": PREPROCESSING,
        "recipe": recipe.to_dict(),
        "steps": result.step,
        "command": command,
    }
    if result.first:
        weights = folded(result.weights) if shortcuts else result.weights
        save(Path(output) / WEIGHTS, weights, metadata, half=True)
    if result.first and shortcuts:
        seen += result.step * recipe.batch_size * int(os.environ.get("WORLD_SIZE", 1))
        state = {**metadata, "net": "policy_net_with_shortcuts", "positions": seen}
        save(Path(output) / UNFOLDED, result.weights, state)
    return result


def _unfolded(initial: str | Path) -> Loaded | None:
    """The file of a net with shortcuts; None for anything else, which `load_policy` knows or explains."""
    path = Path(initial)
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    found = load(path, float32=True)
    return found if found.metadata.get("net") == "policy_net_with_shortcuts" else None
