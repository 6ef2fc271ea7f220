"""Nets against two opponents that never learned anything: a measure of strength from outside.

    python benchmarks/reinforce.py first/pool/step-000000.safetensors first/policy.safetensors

The opponents choose among the same moves as the nets do (`casecnn.go.play.ending`), at temperature 1: one at random,
the other by rules of thumb on the tactical feature planes.
"""

from __future__ import annotations

import argparse

import numpy as np

from casecnn.go.net.policy import load_policy
from casecnn.go.planes.table import OFFSETS
from casecnn.go.play.game import Rules
from casecnn.go.play.selfplay import play_games
from casecnn.go.reinforce.gradient import outcomes
from casecnn.statistics import wilson_interval


class RandomMoves:
    """Every point is as good as any other."""

    name = "random moves"

    def __init__(self, size: int) -> None:
        self.size = size

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """float32 [n, size * size], all the same."""
        return np.full((len(planes), self.size**2), 1 / self.size**2, np.float32)


class Tactics(RandomMoves):
    """Takes what can be taken, saves what can be saved, stays out of atari; otherwise anything."""

    name = "rules of thumb"

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """float32 [n, size * size], a softmax of the worth of each point."""
        plane = planes.reshape(len(planes), len(planes[0]), -1).astype(np.float32)
        captures = plane[:, OFFSETS["capture size"]][:, 1:].any(1)  # the first plane says that nothing is taken
        worth = 3.0 * captures - 3.0 * plane[:, OFFSETS["self-atari size"]].any(1)
        worth += 3.0 * plane[:, OFFSETS["ladder escape"]].any(1) + 2.0 * plane[:, OFFSETS["ladder capture"]].any(1)
        weights = np.exp(worth)
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def main() -> None:
    """Play the games and print a line for each net and opponent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", nargs="+", help="names or files of policy nets")
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    print("net                                 opponent           wins %  95 % interval   points ahead")
    for which in options.weights:
        net = load_policy(which)
        for opponent in (RandomMoves(net.size), Tactics(net.size)):
            rules = Rules(seed=options.seed)
            games = list(play_games(net, range(options.games), rules, opponent=opponent))
            share = (outcomes(games).mean() + 1) / 2
            low, high = wilson_interval(share * options.games, options.games)
            score = np.mean([-game.score if game.swapped else game.score for game in games])
            print(
                f"{which:<35} {opponent.name:<16} {100 * share:8.1f}  [{100 * low:4.1f}; {100 * high:4.1f}]"
                f" {score:+14.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
