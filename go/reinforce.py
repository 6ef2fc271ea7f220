"""Reinforcement learning of the policy network by games against its earlier versions: AlphaGo's second stage.

A step is a mini-batch of games of the net against one of its earlier versions, drawn from a pool to which the net is
added every so many steps. With z = +1 for a game that the net has won, -1 for one that it has lost and 0 for a draw,
the weights move along

    1/n  sum over games i  sum over the net's moves t  (z_i - b_i)  d log p(a_t | s_t) / d weights,

the policy gradient (REINFORCE) with a baseline b. Source: Silver et al., Nature 529 (2016), Methods, "Policy network:
reinforcement learning"; Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement
learning", Machine Learning 8 (1992).

p is the distribution that the moves were drawn from: the net's, at the temperature of the games, over the moves that
`casecnn.go.ending` lets it choose from (those that superko alone forbids, which are rare, count as choices). Moves that
rule decides without the net, such as the pass that ends a game, have no gradient.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from casecnn.build import build
from casecnn.checkpoint import load_checkpoint
from casecnn.errors import UsageError
from casecnn.go.ending import OPEN, OTHER, OTHER_TERRITORY, OWN, OWN_TERRITORY
from casecnn.go.net import policy_net
from casecnn.go.policy import Policy, load_policy
from casecnn.go.proportion import wilson_interval
from casecnn.go.reinforce_pool import Pool
from casecnn.go.reinforce_replay import Turns, turns_of
from casecnn.go.rules import BLACK
from casecnn.go.selfplay import PlayedGame, Rules, play_games
from casecnn.go.selfplay_run import fingerprint
from casecnn.go.training import PREPROCESSING, WEIGHTS
from casecnn.recipe import Recipe
from casecnn.seeds import derive_seed
from casecnn.train import CHECKPOINT, TrainResult, train
from casecnn.weights import save

BASELINES = ("batch", "moving", "none")
POOL = "pool"
DECAY = 0.9
"""Of the moving average: a step counts a tenth."""

GROUP, CHUNK = 16, 256
"""Games that are replayed at once, and positions in one pass of the gradient: what memory they need, not the result."""

_GAMES, _OPPONENTS, _EVALUATION = 1, 2, 3  # kinds of random numbers


def outcomes(games: Sequence[PlayedGame]) -> np.ndarray:
    """float64 [n]: +1 where the first player (white in `swapped` games) has won, -1 where it has lost, 0 for a draw."""
    return np.array([0.0 if not g.winner else 1.0 if (g.winner == BLACK) != g.swapped else -1.0 for g in games])


def batch_baseline(z: np.ndarray, white: np.ndarray) -> np.ndarray:
    """float64 [n]: for each game the mean outcome of the *other* games in which the net has the same colour.

    Its own outcome is left out, so that the baseline does not bias the gradient; 0 where there is no other game."""
    baseline = np.zeros(len(z))
    for colour in (False, True):
        same = white == colour
        if (count := np.count_nonzero(same)) > 1:
            baseline[same] = (z[same].sum() - z[same]) / (count - 1)
    return baseline


def log_probabilities(logits: Tensor, turns: Turns, temperature: float = 1.0) -> Tensor:
    """log p of all points, float32 [n, size * size] from logits [n, size * size]: -inf where the rule of
    `casecnn.go.ending` forbids the move. The move that was played is never forbidden."""
    device = logits.device
    raw = logits.detach().softmax(1)
    classes = torch.from_numpy(turns.classes).to(device)
    passed = torch.from_numpy(turns.passed).to(device)[:, None]
    allowed = classes == OPEN
    allowed |= (classes == OWN) & (raw >= OWN_TERRITORY) & ~passed
    allowed |= (classes == OTHER) & (raw >= OTHER_TERRITORY)
    allowed.scatter_(1, torch.from_numpy(turns.moves).to(device)[:, None], True)
    return (logits / temperature).masked_fill(~allowed, -math.inf).log_softmax(1)


class PolicyGradient:
    """The loss of `casecnn.train.train` for this kind of learning, and its evaluation.

    Called with the net and a batch (game numbers int64 [n], the step int64 [1]) it plays the games, *adds their
    gradient to that of the net's parameters* part by part, so that memory does not grow with the games, and returns a
    loss that adds nothing to it. `threads` make planes.
    """

    def __init__(
        self, pool: Pool, rules: Rules, baseline: str, evaluate_games: int, threads: int | None = None
    ) -> None:
        self.pool, self.rules, self.baseline, self.evaluate_games = pool, rules, baseline, evaluate_games
        self.threads = threads or min(16, os.cpu_count() or 1)
        self.size = pool.arguments["size"]
        self.steps = 0

    def __call__(self, model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, float | Tensor]]:
        step = int(batch[1])
        self.pool.take_in(step, model)
        version, opponent = self.pool.draw(step, derive_seed(self.rules.seed, _OPPONENTS))
        games = self._play(model, opponent, batch[0].tolist(), derive_seed(self.rules.seed, _GAMES, step))
        z = outcomes(games)
        advantage = z - self._baseline_of(model, z, np.array([game.swapped for game in games]))
        loss, entropy, choices = 0.0, 0.0, 0
        for turns in self._turns(games):
            weights = torch.from_numpy(advantage[turns.games]).to(batch[0].device, torch.float32)
            part, sum_of_entropies = self._gradient(model, turns, weights, len(games))
            loss, entropy, choices = loss + part, entropy + sum_of_entropies, choices + len(turns.moves)
        self.steps = step + 1
        nothing = 0.0 * next(model.parameters()).sum()
        return nothing + loss, {
            "pool_win_rate": float((z.mean() + 1) / 2),
            "opponent": float(version),
            "entropy": entropy / max(1, choices),
            "moves": float(np.mean([len(game.events) for game in games])),
            "score": float(np.mean([-game.score if game.swapped else game.score for game in games])),
        }

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        """The share of wins of the net against the version that the run started from, with its Wilson interval."""
        seed = derive_seed(self.rules.seed, _EVALUATION, self.steps)
        games = self._play(model, self.pool.load(0), range(self.evaluate_games), seed)
        won = (outcomes(games) + 1) / 2
        white = np.array([game.swapped for game in games])
        low, high = wilson_interval(float(won.sum()), len(games))
        return {
            "start_win_rate": float(won.mean()),
            "interval": [round(low, 4), round(high, 4)],
            "games": len(games),
            "as_black": float(won[~white].mean()),
            "as_white": float(won[white].mean()) if white.any() else None,
            "mean_score": float(np.mean([-game.score if game.swapped else game.score for game in games])),
            "move_limit": sum(game.ended == "move limit" for game in games),
        }

    def _play(self, model: nn.Module, opponent: Policy, numbers: Sequence[int], seed: int) -> list[PlayedGame]:
        training = model.training
        games = play_games(
            Policy(model, "the net in training", self.size), numbers, replace(self.rules, seed=seed),
            opponent=opponent, batch=len(numbers), threads=self.threads,
        )  # fmt: skip
        finished = sorted(games, key=lambda game: game.number)
        model.train(training)
        return finished

    def _baseline_of(self, model: nn.Module, z: np.ndarray, white: np.ndarray) -> np.ndarray:
        if self.baseline == "batch":
            return batch_baseline(z, white)
        baseline = np.zeros(len(z))
        if self.baseline == "moving":
            average = model.get_buffer("baseline")  # of black, of white: in the model, so that checkpoints hold it
            for colour in (False, True):
                if (same := white == colour).any():
                    baseline[same] = average[int(colour)].item()
                    average[int(colour)].lerp_(torch.tensor(z[same].mean()).to(average), 1 - DECAY)
        return baseline

    def _turns(self, games: Sequence[PlayedGame]) -> Iterator[Turns]:
        """The turns of all games in parts of at most CHUNK, the same for any number of threads."""
        groups = iter([range(i, min(i + GROUP, len(games))) for i in range(0, len(games), GROUP)])
        with ThreadPoolExecutor(self.threads, thread_name_prefix="planes") as pool:
            while window := list(islice(groups, self.threads)):
                found = pool.map(turns_of, [[games[i] for i in group] for group in window])
                for group, turns in zip(window, found, strict=True):
                    turns = turns._replace(games=turns.games + group.start)
                    for i in range(0, len(turns.moves), CHUNK):
                        yield Turns(*(array[i : i + CHUNK] for array in turns))

    def _gradient(self, model: nn.Module, turns: Turns, weights: Tensor, games: int) -> tuple[float, float]:
        """Add the gradient of these turns; return their part of the loss and the sum of their entropies in nats."""
        planes = torch.from_numpy(turns.planes).to(weights.device)
        logits = model(planes.to(torch.float32, memory_format=torch.channels_last)).float()
        log_p = log_probabilities(logits, turns, self.rules.temperature)
        played = log_p.gather(1, torch.from_numpy(turns.moves).to(weights.device)[:, None])[:, 0]
        loss = -(weights * played).sum() / games
        loss.backward()
        with torch.no_grad():
            entropy = -(log_p.exp() * log_p.clamp_min(-1e4)).sum()
        return float(loss.detach()), float(entropy)


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

    `recipe.batch_size` games a step, half of them with each colour, for `recipe.steps` steps; `recipe.seed` sets all
    random numbers. `rules` are those of the games: temperature above 0, nobody resigns, no symmetries; their seed does
    not count. `initial` names the weights to start from, as `load_policy`; None is the packaged net, or, where one of
    `k`, `layers` and `size` is given (the others: 64, 13, 19), random weights. Every `pool_every` steps the net is
    taken into the pool of opponents, which are files in `output`/pool; the start is the first. `baseline` is "batch"
    (see `batch_baseline`), "moving" (an average over the steps, for each colour) or "none". Every `evaluate_every`
    steps and at the end the net plays `evaluate_games` games against the start.

    Log, checkpoints, `resume` and interruption are those of `casecnn.train.train`, to which `options` go; a run that is
    resumed ends, on the CPU, with the same bits as one that was not. The log has a row a step: `pool_win_rate`,
    `opponent` (the step of its version), `entropy` (nats a move), `moves` (a game), `score` (mean points ahead).

    The weights are the last ones, or the averaged ones where the recipe has `ema_decay`, in single precision.

    Raises what `casecnn.train.train` and `load_policy` raise, and `UsageError` for options that make no sense, differ
    from those of the run in `output`, or under `torchrun`: this runs in one process.
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
    if resume and (folder / CHECKPOINT).exists():
        _compare(folder, settings)
    model = start.module
    if baseline == "moving":
        model.register_buffer("baseline", torch.zeros(2))
    learning = PolicyGradient(pool, rules, baseline, evaluate_games, threads)

    def source(step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, ...]:
        return torch.arange(recipe.batch_size), torch.tensor([step])

    result = train(
        model,
        source,
        recipe,
        loss=learning,
        output=folder,
        evaluate=learning.evaluate if evaluate_games else None,
        evaluate_every=evaluate_every if evaluate_games else None,
        metric="start_win_rate",
        better="higher",
        log_every=1,
        resume=resume,
        device=device,
        metadata={"net": "policy_net", "settings": settings, "command": command},
        **options,
    )
    metadata = {
        "net": "policy_net",
        "arguments": start.arguments,
        "preprocessing": PREPROCESSING,
        "recipe": recipe.to_dict(),
        "settings": settings,
        "steps": result.step,
        "command": command,
    }
    weights = {name: tensor for name, tensor in result.weights.items() if name != "baseline"}
    save(folder / WEIGHTS, weights, metadata)
    return result


def _check(rules: Rules, pool_every: int, baseline: str, evaluate_games: int) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) != 1:
        raise UsageError("reinforcement runs in one process; start it without torchrun")
    if not rules.temperature > 0:
        raise UsageError(f"`--temperature` (={rules.temperature:g}) must be above 0: without chance nothing is learned")
    if rules.resign is not None or rules.opening_moves is not None or rules.symmetries:
        raise UsageError(
            "`resign` and `opening_moves` must be None, `symmetries` False: every move is drawn from what the net says"
        )
    if pool_every < 1:
        raise UsageError(f"`--pool-every` (={pool_every}) must be at least 1")
    if baseline not in BASELINES:
        raise UsageError(f"`--baseline` (={baseline}) must be one of {', '.join(BASELINES)}")
    if evaluate_games < 0:
        raise UsageError(f"`--evaluate-games` (={evaluate_games}) must be at least 0")


def _start(
    initial: str | os.PathLike[str] | None, k: int | None, layers: int | None, size: int | None, seed: int
) -> Policy:
    """The net to start from, in a module of its own."""
    given = {"k": k, "layers": layers, "size": size}
    if initial is None and any(value is not None for value in given.values()):
        arguments = {"k": 64, "layers": 13, "size": 19} | {n: value for n, value in given.items() if value is not None}
        return Policy(build(policy_net(**arguments), seed=seed), "random weights", arguments["size"], arguments)
    start = load_policy(initial, "cpu")
    for name, value in given.items():
        if value is not None and value != start.arguments.get(name):
            option = "filters" if name == "k" else name
            raise UsageError(
                f"`--{option}` (={value}) must be left out or {start.arguments.get(name)}, as in the weights"
                f" '{start.name}'"
            )
    return start


def _compare(folder: Path, settings: dict[str, Any]) -> None:
    """Raise `UsageError` where the checkpoint in `folder` is of a run with other settings."""
    path = folder / CHECKPOINT
    before = json.loads(load_checkpoint(path)["metadata"]).get("settings")
    if not isinstance(before, dict):
        raise UsageError(f"`--output` (={folder}) holds a training run of another kind; choose another folder")
    for name, value in json.loads(json.dumps(settings)).items():
        if before.get(name) != value and name != "start":  # weights may be renamed: their hash tells
            raise UsageError(
                f"`--output` (={folder}) holds a run with {name} {json.dumps(before.get(name))}, now"
                f" {json.dumps(value)}; choose another folder, or start anew with --no-resume"
            )
