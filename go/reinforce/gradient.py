"""The policy gradient of whole games, and the games it is taken from: a step of reinforcement learning.

With z = +1 for a game that the net has won, -1 for one that it has lost, 0 for a draw, and a baseline b, it is

    1/n  sum over games i  sum over the net's moves t  (z_i - b_i)  d log p(a_t | s_t) / d weights.

p is the distribution that the moves were drawn from: the net's, at the temperature of the games, over the moves that
`casecnn.go.play.ending` lets it choose from (those that superko alone forbids, which are rare, count as choices). Moves
that this rule decides without the net, such as the pass that ends a game, have no gradient.

Sources: Williams, "Simple statistical gradient-following algorithms for connectionist reinforcement learning", Machine
Learning 8 (1992), REINFORCE; Silver et al., Nature 529 (2016), Methods, "Policy network: reinforcement learning".
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from casecnn.errors import InputError
from casecnn.go.board.state import BLACK
from casecnn.go.net.policy import Policy
from casecnn.go.play.ending import OPEN, OTHER, OTHER_TERRITORY, OWN, OWN_TERRITORY
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.reinforce.pool import Pool
from casecnn.go.reinforce.replay import Turns, turns_of
from casecnn.seeds import derive_seed
from casecnn.statistics import wilson_interval
from casecnn.training.distributed import gather, own_rank

DECAY = 0.9
"""Of the moving average: a step counts a tenth."""

GROUP, CHUNK = 16, 256
"""Games that are replayed at once, and positions in one pass of the gradient: what memory they need, not the result."""

_GAMES, _OPPONENTS, _EVALUATION = 1, 2, 3  # kinds of random numbers


def outcomes(games: Sequence[PlayedGame]) -> np.ndarray:
    """float64 [n]: +1 where the first player (white in `swapped` games) has won, -1 where it has lost, 0 for a draw."""
    return np.array([0.0 if not g.winner else 1.0 if (g.winner == BLACK) != g.swapped else -1.0 for g in games])


def against_start(games: Sequence[PlayedGame]) -> dict[str, Any]:
    """Of games of a net against its start: the share of wins with its Wilson interval, by colour, the mean score."""
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


def batch_baseline(z: np.ndarray, white: np.ndarray) -> np.ndarray:
    """float64 [n]: for each game the mean outcome of the *other* games in which the net has the same colour.

    Its own outcome is left out, so that the baseline does not bias the gradient; 0 where there is no other game.
    """
    baseline = np.zeros(len(z))
    for colour in (False, True):
        same = white == colour
        if (count := np.count_nonzero(same)) > 1:
            baseline[same] = (z[same].sum() - z[same]) / (count - 1)
    return baseline


def log_probabilities(logits: Tensor, turns: Turns, temperature: float = 1.0) -> Tensor:
    """Log p of all points, float32 [n, size * size] from logits [n, size * size].

    It is -inf where the rule of `casecnn.go.play.ending` forbids the move. The move that was played is never forbidden.
    """
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
    """The loss of `casecnn.training.loop.train` for this kind of learning, and its evaluation.

    Called with the net and a batch (game numbers int64 [n], the step int64 [1]) it plays the games, *adds their
    gradient to that of the net's parameters* part by part, so that memory does not grow with the games, and returns a
    loss that adds nothing to it. `threads` make planes. Of several processes, each plays games of its own; baselines
    are those of all games, and the mean of the processes' gradients is that of one process with all games.
    """

    def __init__(
        self, pool: Pool, rules: Rules, baseline: str, evaluate_games: int, threads: int | None = None
    ) -> None:
        self.pool, self.rules, self.baseline, self.evaluate_games = pool, rules, baseline, evaluate_games
        self.threads = threads or min(16, os.cpu_count() or 1)
        self.size = pool.arguments["size"]
        self.steps = 0

    def __call__(self, model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, float | Tensor]]:
        step = self.steps = int(batch[1])
        self.pool.take_in(step, model)
        version, opponent = self.pool.draw(step, derive_seed(self.rules.seed, _OPPONENTS))
        games = self._play(model, opponent, batch[0].tolist(), derive_seed(self.rules.seed, _GAMES, step))
        z = outcomes(games)
        advantage = z - self._baseline(model, z, np.array([game.swapped for game in games]))
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
        return against_start(games)

    def _play(self, model: nn.Module, opponent: Policy, numbers: Sequence[int], seed: int) -> list[PlayedGame]:
        training = model.training
        games = play_games(
            Policy(model, "the net in training", self.size), numbers, replace(self.rules, seed=seed),
            opponent=opponent, batch=len(numbers), threads=self.threads,
        )  # fmt: skip
        try:
            finished = sorted(games, key=lambda game: game.number)
        except InputError as error:
            raise InputError(
                f"after step {self.steps} the net or an opponent gives no numbers; lower `lr`, or set `clip_norm`"
            ) from error
        model.train(training)
        return finished

    def _baseline(self, model: nn.Module, z: np.ndarray, white: np.ndarray) -> np.ndarray:
        """The baseline of this process's games, from the games of all processes, as many in each."""
        everyone = gather((z, white))
        all_z, all_white = (np.concatenate([part[i] for part in everyone]) for i in (0, 1))
        return self._baseline_of(model, all_z, all_white).reshape(len(everyone), -1)[own_rank()]

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
