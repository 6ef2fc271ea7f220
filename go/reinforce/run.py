"""Reinforcement learning of the policy network by games against its earlier versions: AlphaGo's second stage.

A step is a mini-batch of games of the net against one of its earlier versions, drawn from a pool to which the net is
added at regular intervals; then the weights move along the policy gradient (`casecnn.go.reinforce.gradient`).

Source: Silver et al., Nature 529 (2016), Methods, "Policy network: reinforcement learning": 10,000 steps of 128 games,
a version every 500 steps, no baseline at first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.errors import UsageError
from casecnn.go.net.policy import Policy, load_policy
from casecnn.go.net.training import PREPROCESSING, WEIGHTS
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay_run import fingerprint
from casecnn.go.reinforce.gradient import PolicyGradient
from casecnn.go.reinforce.pool import Pool
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.training.checkpoint import load_checkpoint
from casecnn.training.loop import CHECKPOINT, TrainResult, train
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import save

BASELINES = ("batch", "moving", "none")
POOL = "pool"


def reinforce(
    recipe: Recipe,
    output: str | os.PathLike[str],
    *,
    initial: str | os.PathLike[str] | None = None,
    k: int | None = None,
    layers: int | None = None,
    size: int | None = None,
    rules: Rules | None = None,
    pool_every: int = 500,
    baseline: str = "batch",
    evaluate_games: int = 400,
    evaluate_every: int | None = None,
    threads: int | None = None,
    resume: bool = True,
    device: str = "auto",
    command: str = "",
    **options: Any,
) -> TrainResult:
    """Improve a policy network by games against itself; write `policy.safetensors` into the folder `output`.

    `recipe.batch_size` games a step and process, half of them with each colour, for `recipe.steps` steps; under
    `torchrun` all processes play, and gradients are averaged. `recipe.seed` sets all random numbers. `rules` are those
    of the games: temperature above 0, nobody resigns, no symmetries; their seed does not count. `initial` names the
    weights to start from, as `load_policy`; None is the packaged net, or, where one of `k`, `layers` and `size` is
    given (the others: 64, 13, 19), random weights. Every `pool_every` steps the net is taken into the pool of
    opponents, which are files in `output`/pool; the start is the first. `baseline` is "batch" (see `batch_baseline`),
    "moving" (an average over the steps, for each colour) or "none". Every `evaluate_every` steps and at the end the net
    plays `evaluate_games` games against the start.

    Log, checkpoints, `resume` and interruption are those of `casecnn.training.loop.train`, to which `options` go; a run
    that is resumed ends, on the CPU, with the same bits as one that was not. The log has a row a step: `pool_win_rate`,
    `opponent` (the step of its version), `entropy` (nats a move), `moves` (a game), `score` (mean points ahead).

    The weights are the last ones, or the averaged ones where the recipe has `ema_decay`, in single precision.

    Raises what `casecnn.training.loop.train` and `load_policy` raise, and `UsageError` for options that make no sense,
    or differ from those of the run in `output`.
    """
    rules = replace(rules or Rules(), seed=recipe.seed)
    _check(rules, pool_every, baseline, evaluate_games)
    start = _start(initial, k, layers, size, recipe.seed)
    folder = Path(output)
    settings = {
        **start.arguments,
        "start": start.name,
        "start_sha256": fingerprint(start),
        "pool_every": pool_every,
        "baseline": baseline,
        "temperature": rules.temperature,
        "komi": rules.komi,
        "max_moves": rules.max_moves,
    }
    pool = Pool(folder / POOL, pool_every, start.arguments, device)
    if resume:
        same_settings(folder, settings)
    model = start.module
    if baseline == "moving":
        model.register_buffer("baseline", torch.zeros(2))
    learning = PolicyGradient(pool, rules, baseline, evaluate_games, threads)

    def source(step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, ...]:
        return torch.arange(recipe.batch_size) + rank * recipe.batch_size, torch.tensor([step])

    result, metadata = learn(
        model, source, recipe, learning, folder, {"net": "policy_net", "settings": settings, "command": command},
        start.arguments, evaluate_games > 0, evaluate_every=evaluate_every if evaluate_games else None, log_every=1,
        overlap=False, resume=resume, device=device, **options,
    )  # fmt: skip
    weights = {name: tensor for name, tensor in result.weights.items() if name != "baseline"}
    if result.first:
        save(folder / WEIGHTS, weights, metadata)
    return result


def learn(
    model: nn.Module,
    source: Callable[..., tuple[Tensor, ...]],
    recipe: Recipe,
    learning: Any,
    folder: Path,
    facts: dict[str, Any],
    arguments: Mapping[str, Any],
    evaluated: bool,
    **options: Any,
) -> tuple[TrainResult, dict[str, Any]]:
    """Train by games; `learning` is the loss and has the evaluation, `facts` stand in log, checkpoint and weights.

    Returns the result and the metadata of the weights. `options` go to `casecnn.training.loop.train`.
    """
    result = train(
        model, source, recipe, loss=learning, output=folder, evaluate=learning.evaluate if evaluated else None,
        metric="start_win_rate", better="higher", metadata=facts, **options,
    )  # fmt: skip
    trained = {"preprocessing": PREPROCESSING, "recipe": recipe.to_dict(), "steps": result.step}
    return result, {**facts, "arguments": arguments, **trained}


def _check(rules: Rules, pool_every: int, baseline: str, evaluate_games: int) -> None:
    if not rules.temperature > 0:
        raise UsageError(f"`temperature` (={rules.temperature:g}) must be above 0: without chance nothing is learned")
    if rules.resign is not None or rules.opening_moves is not None or rules.symmetries:
        raise UsageError(
            "`resign` and `opening_moves` must be None, `symmetries` False: every move is drawn from what the net says"
        )
    if pool_every < 1:
        raise UsageError(f"`pool_every` (={pool_every}) must be at least 1")
    if baseline not in BASELINES:
        raise UsageError(f"`baseline` (={baseline}) must be one of {', '.join(BASELINES)}")
    if evaluate_games < 0:
        raise UsageError(f"`evaluate_games` (={evaluate_games}) must be at least 0")


def _start(
    initial: str | os.PathLike[str] | None, k: int | None, layers: int | None, size: int | None, seed: int
) -> Policy:
    """The net to start from, in a module of its own."""
    given = {"k": k, "layers": layers, "size": size}
    if initial is None and any(value is not None for value in given.values()):
        arguments = {"k": 64, "layers": 13, "size": 19} | {n: value for n, value in given.items() if value is not None}
        return Policy(build(policy_net(**arguments), seed=seed), "random weights", arguments["size"], arguments)
    start = load_policy(initial, "cpu")
    check_start(start, given)
    return start


def check_start(start: Policy, given: Mapping[str, int | None]) -> None:
    """Raise `UsageError` where an argument that is given is not that of the weights to start from."""
    for name, value in given.items():
        if value is not None and value != start.arguments.get(name):
            raise UsageError(
                f"`{name}` (={value}) must be left out or {start.arguments.get(name)}, as in the weights '{start.name}'"
            )


def same_settings(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether `folder` has a checkpoint of a run; raises `UsageError` where that run has other settings."""
    path = folder / CHECKPOINT
    if not path.exists():
        return False
    before = json.loads(load_checkpoint(path)["metadata"]).get("settings")
    if not isinstance(before, dict):
        raise UsageError(f"`output` (={folder}) holds a training run of another kind; choose another folder")
    for name, value in json.loads(json.dumps(settings)).items():
        if before.get(name) != value and name != "start":  # weights may be renamed: their hash tells
            raise UsageError(
                f"`output` (={folder}) holds a run with {name} {json.dumps(before.get(name))}, now"
                f" {json.dumps(value)}; choose another folder, or start anew without `resume`"
            )
    return True
