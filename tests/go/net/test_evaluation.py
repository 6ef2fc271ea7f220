"""What `evaluate_policy` measures, with nets whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from random_games import random_archive
from torch import nn

from casecnn.go.board.symmetry import SYMMETRIES, transform
from casecnn.go.data.archive import pack_records
from casecnn.go.data.sampling import plays
from casecnn.go.net.evaluation import evaluate_policy
from casecnn.go.net.inference import move_probabilities
from casecnn.go.sgf.game import read_game
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build


class Fixed(nn.Module):
    """A net that gives the same logits for every position."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(x), -1)


def test_figures_by_hand():
    # Moves on A9, B9, ... of the top row, row by row: the net prefers them in the order of their numbers.
    moves = [0, 1, 4, 5, 9, 10]
    text = "".join(f";{'BW'[i % 2]}[{chr(97 + move % 9)}{chr(97 + move // 9)}]" for i, move in enumerate(moves))
    archive = pack_records([read_game(f"(;SZ[9]{text})".encode())])
    logits = -torch.arange(81, dtype=torch.float32)
    figures = evaluate_policy(Fixed(logits).eval(), archive, plays(archive, 9), size=9, symmetries=False)
    assert (figures.positions, figures.top1, figures.top5, figures.top10) == (6, 1 / 6, 3 / 6, 5 / 6)
    normaliser = math.log(sum(math.exp(-i) for i in range(81)))
    assert figures.log_loss == pytest.approx(sum(move + normaliser for move in moves) / 6, rel=1e-5)
    assert figures.phases == {"moves 1-60": (6, 1 / 6)}
    assert figures.as_dict()["phases"] == {"moves 1-60": {"positions": 6, "top1": 1 / 6}}
    assert "top-1                   16.67%" in figures.table()


def test_phases_count_from_the_start_of_each_game():
    archive = random_archive(games=2, moves=70)
    figures = evaluate_policy(Fixed(torch.zeros(81)).eval(), archive, plays(archive, 9), size=9, symmetries=False)
    start = plays(archive, 9) % 70
    assert figures.phases["moves 1-60"][0] == (start < 60).sum()
    assert figures.phases["moves 61-150"][0] == (start >= 60).sum()
    assert figures.top1 == 1.0  # equal probabilities: no point is preferred to the one that was played


@pytest.mark.parametrize("symmetries", [False, True])
def test_probabilities_add_up_and_batches_do_not_matter(symmetries):
    module = build(policy_net(4, 3, 9), seed=1).eval()
    planes = np.random.default_rng(0).integers(0, 2, (5, 48, 9, 9), dtype=np.uint8)
    together = move_probabilities(module, planes, symmetries)
    assert together.shape == (5, 81) and torch.allclose(together.sum(1), torch.ones(5))
    alone = torch.cat([move_probabilities(module, planes[i : i + 1], symmetries) for i in range(5)])
    assert torch.allclose(together, alone, atol=1e-6)


def test_averaged_probabilities_turn_with_the_board():
    module = build(policy_net(4, 3, 9), seed=2).eval()
    planes = np.random.default_rng(1).integers(0, 2, (1, 48, 9, 9), dtype=np.uint8)
    straight = move_probabilities(module, planes).numpy().reshape(9, 9)
    plain = move_probabilities(module, planes, symmetries=False).numpy().reshape(9, 9)
    assert not np.allclose(straight, plain, atol=1e-4)
    for s in range(SYMMETRIES):
        turned = move_probabilities(module, np.ascontiguousarray(transform(planes, s))).numpy().reshape(9, 9)
        assert np.allclose(turned, transform(straight, s), atol=1e-6)
