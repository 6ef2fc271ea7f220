"""Learning from games of a search against itself: policy and value together, as AlphaGo Zero does.

A round is a number of games that the net of the moment plays with a search (`casecnn.go.reinforce.searched_games`), and
a number of steps that learn from the games of the last rounds: the policy the search's visits, the value branch the
result, the score and each point's owner.

Source: Silver et al., "Mastering the game of Go without human knowledge", Nature 550 (2017), Methods, "Self-play
training pipeline"; what differs is said in docs/search.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from casecnn.checks import positive, whole
from casecnn.go.net.policy_value import PolicyValue, load_policy_value
from casecnn.go.net.value_training import WEIGHTS, halved, value_loss
from casecnn.go.play.game import Rules
from casecnn.go.play.game_folder import forget_games
from casecnn.go.play.selfplay_run import fingerprint, selfplay
from casecnn.go.reinforce.gradient import against_start
from casecnn.go.reinforce.run import check_start, learn, same_settings
from casecnn.go.reinforce.searched_games import NOISE, play_searched_games, read_searched_game
from casecnn.go.reinforce.searched_positions import SearchedBatch, SearchedPositions
from casecnn.layers import Net
from casecnn.nets.value import policy_value_net
from casecnn.seeds import derive_seed
from casecnn.torch_net.build import build
from casecnn.training.distributed import own_rank
from casecnn.training.loop import TrainResult
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import save

GAMES = "games"
_GAMES, _BATCHES, _EVALUATION = 1, 2, 3  # kinds of random numbers


class SearchLearning:
    """The loss of `casecnn.training.loop.train` for this kind of learning, and its evaluation.

    Called with the net and a batch (the step int64 [1]) it plays a round of games where the step begins one, and
    learns from `batch_size` positions of the last `window` games. Games are files below `folder`. Those of this run,
    which `run` tells, are not played again; with `anew` those of earlier runs are removed first. Of several processes
    each plays a part of the games and learns from positions of its own.
    """

    def __init__(
        self,
        net: Net,
        start: PolicyValue,
        folder: Path,
        rules: Rules,
        *,
        visits: int,
        games: int,
        steps: int,
        window: int,
        batch_size: int,
        evaluate_games: int,
        run: dict[str, Any],
        anew: bool,
        threads: int | None = None,
    ) -> None:
        self.run, self.anew = run, anew
        self.net, self.start, self.folder, self.rules = net, start, folder, rules
        self.visits, self.games, self.steps, self.window = visits, games, steps, window
        self.batch_size, self.evaluate_games, self.threads = batch_size, evaluate_games, threads
        self.step, self.round = 0, -1
        self.positions: SearchedPositions | None = None
        self.facts: dict[str, float] = {}

    def __call__(self, model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, float | Tensor]]:
        step = self.step = int(batch[0])
        if self.round != step // self.steps or self.positions is None:
            self.round = step // self.steps
            self._play(model)
        assert self.positions is not None
        rng = np.random.default_rng((derive_seed(self.rules.seed, _BATCHES), step, own_rank()))
        drawn = self.positions.draw(self.batch_size, rng)
        loss, figures = searched_loss(model, SearchedBatch(*(part.to(batch[0].device) for part in drawn)))
        self.step = step + 1
        return loss, {**figures, **self.facts}

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        """The share of wins of the net against its start, each with a search, with its Wilson interval."""
        rules = replace(self.rules, seed=derive_seed(self.rules.seed, _EVALUATION, self.step))
        numbers = range(self.evaluate_games)
        net = self._net(model)
        found = list(play_searched_games(net, numbers, self.visits, rules, self.threads, opponent=self.start))
        return against_start(sorted(found, key=lambda game: game.number))

    def _net(self, model: nn.Module) -> PolicyValue:
        """The net as it is now, a copy that does not learn on."""
        plain = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
        tensors = {name: tensor.detach().clone() for name, tensor in plain.state_dict().items()}
        net = PolicyValue.of(self.net, tensors, f"step {self.step}")
        net.module.to(next(plain.parameters()).device)
        return PolicyValue(net.module, net.name, net.size, precision="float32").for_games

    def _play(self, model: nn.Module) -> None:
        """Play the round's games, as far as they are not there, and take up those of the window."""
        if self.anew and own_rank() == 0:
            for earlier in sorted(self.folder.glob("round-[0-9]*")):
                forget_games(earlier)
        self.anew = False
        net = self._net(model)
        rules = replace(self.rules, seed=derive_seed(self.rules.seed, _GAMES, self.round))

        def play(numbers: list[int], tick: Any) -> Iterator[Any]:
            return play_searched_games(net, numbers, self.visits, rules, self.threads, tick)

        summary = selfplay(
            net, self.games, self._folder(self.round), rules, play=play, progress=lambda *_: None,
            settings=self.run | {"noise": NOISE},
            keep=lambda game, path: game.save(path.with_suffix(".npz")),
        )  # fmt: skip
        first = max(0, self.round + 1 - -(-self.window // self.games))
        files = [
            file for number in range(first, self.round + 1) for file in sorted(self._folder(number).glob("game-*.npz"))
        ]
        self.positions = SearchedPositions([read_searched_game(file) for file in files])
        self.facts = {
            "round": float(self.round),
            "positions": float(len(self.positions)),
            "moves": float(summary["moves"]["mean"]),
            "black_wins": summary["wins"]["black"] / self.games,
        }

    def _folder(self, number: int) -> Path:
        return self.folder / f"round-{number:04d}"


def searched_loss(model: nn.Module, batch: SearchedBatch) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of the visits under the policy plus `value_loss`; figures to log.

    `surplus` is the policy's part less the entropy of the visits: 0 where it says what the search said.
    """
    device = batch.planes.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
    raw = model(batch.planes.to(dtype, memory_format=torch.channels_last)).float()
    points = batch.shares.shape[1]
    nothing = torch.zeros(0)
    loss, figures = value_loss(
        raw[:, points:], (batch.planes, batch.komi, batch.won, batch.margin, batch.owner, nothing)
    )
    policy = functional.cross_entropy(raw[:, :points], batch.shares)
    surplus = policy.detach() - torch.special.entr(batch.shares).sum(1).mean()
    return loss + policy, {**figures, "policy": policy.detach(), "surplus": surplus}


def reinforce_by_search(
    recipe: Recipe,
    output: str | os.PathLike[str],
    *,
    visits: int,
    initial: str | os.PathLike[str] | None = None,
    k: int | None = None,
    layers: int | None = None,
    size: int | None = None,
    rules: Rules | None = None,
    round_games: int = 64,
    round_steps: int = 64,
    window: int = 1000,
    evaluate_games: int = 40,
    evaluate_every: int | None = None,
    threads: int | None = None,
    resume: bool = True,
    device: str = "auto",
    command: str = "",
    **options: Any,
) -> TrainResult:
    """Improve policy and value together by games of a search with `visits` a move; write `policy-value.safetensors`.

    `initial` names weights with a value branch, as `load_policy_value`; None is the packaged net, or, where `k` or
    `layers` is given (the other: 64, 13), random weights. `size` is the board; a net for another one is resized first.
    `round_games` are played before each `round_steps` of the `recipe.steps` steps, each of which learns from
    `recipe.batch_size` positions (and process) of the last `window` games. The first moves of a game, a tenth as many
    as the board has points, are drawn by `rules.temperature`, later ones are the most visited. `evaluate_games` games
    against the start, with the same search but no noise, are played every `evaluate_every` steps and at the end.

    The folder holds the games as SGF and .npz files below `games`, and log and checkpoints as
    `casecnn.training.loop.train` says, to which `options` go. Ctrl-C during games keeps those that are finished.

    Raises what `casecnn.training.loop.train` and `load_policy_value` raise, and `UsageError` for options that make no
    sense, or differ from those of the run in `output`.
    """
    whole("visits", visits, 2, 1_000_000)
    for name, value in (("round_games", round_games), ("round_steps", round_steps), ("window", window)):
        whole(name, value, 1)
    whole("evaluate_games", evaluate_games, 0)
    rules = rules or Rules()
    positive("temperature", rules.temperature)
    start = _start(initial, k, layers, size, recipe.seed)
    rules = replace(rules, seed=recipe.seed, opening_moves=start.size**2 // 10)
    arguments = {**start.arguments, "size": start.size}
    folder = Path(output)
    settings = {
        **arguments,
        "start": start.name,
        "start_sha256": fingerprint(start),
        "visits": visits,
        "round_games": round_games,
        "round_steps": round_steps,
        "window": window,
        "temperature": rules.temperature,
        "komi": rules.komi,
        "max_moves": rules.max_moves,
    }
    if resume:
        same_settings(folder, settings)
    net = policy_value_net(**arguments)
    model = build(net, seed=recipe.seed)
    model.load_state_dict(start.module.state_dict())
    learning = SearchLearning(
        net, start, folder / GAMES, rules, visits=visits, games=round_games, steps=round_steps, window=window,
        batch_size=recipe.batch_size, evaluate_games=evaluate_games, threads=threads,
        anew=not resume,
        run={**settings, "weights_sha256": settings["start_sha256"], "optimizer": recipe.optimizer, "lr": recipe.lr},
    )  # fmt: skip

    def source(step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, ...]:
        return (torch.tensor([step]),)

    result, metadata = learn(
        model, source, recipe, learning, folder, {"net": "policy_value_net", "settings": settings, "command": command},
        arguments, evaluate_games > 0, evaluate_every=evaluate_every if evaluate_games else None,
        log_every=round_steps, resume=resume, device=device, **options,
    )  # fmt: skip
    if result.first:
        save(folder / WEIGHTS, halved(result.weights), metadata)
    return result


def _start(
    initial: str | os.PathLike[str] | None, k: int | None, layers: int | None, size: int | None, seed: int
) -> PolicyValue:
    """The net to start from, for the board of the games."""
    if initial is None and (k is not None or layers is not None):
        arguments = {"k": k or 64, "layers": layers or 13, "size": size or 19, "shared": min(4, (layers or 13) - 1)}
        return PolicyValue(
            build(policy_value_net(**arguments), seed=seed), "random weights", arguments["size"], arguments
        )
    start = load_policy_value(initial, "cpu")
    check_start(start, {"k": k, "layers": layers})
    return start if size in (None, start.size) else start.on_board(size)
