"""A batch that does not fit into memory, on a device that is made up."""

from __future__ import annotations

import pytest
import torch
from trainee import RECIPES, data, loss, net

from casecnn.torch_net.memory import BatchTooLarge, largest_that_fits, too_large
from casecnn.training.epochs import EpochSource
from casecnn.training.loop import train


@pytest.mark.slow
def test_the_largest_half_that_fits_is_found():
    tried = []

    def attempt(size: int) -> None:
        tried.append(size)
        if size > 12:
            raise torch.OutOfMemoryError("CUDA out of memory")

    assert largest_that_fits(attempt, 100) == 12 and tried == [50, 25, 12]
    assert largest_that_fits(attempt, 8) == 4
    assert largest_that_fits(attempt, 1) == 0


def test_other_errors_pass_through():
    with pytest.raises(ZeroDivisionError):
        largest_that_fits(lambda size: 1 // 0, 4)


def test_the_line_says_what_would_fit():
    device = torch.device("cuda", 0)
    assert str(too_large(256, 64, device)) == (
        "a batch of 256 does not fit into the memory of cuda:0; a batch of 64 does"
    )
    assert "not even a batch of 1 does" in str(too_large(2, 0, device))
    assert str(too_large(2, 0, device, searched=False)).endswith("; use a smaller one")


@pytest.mark.slow
def test_training_says_which_batch_would_fit(tmp_path):
    def greedy(model, batch):
        if len(batch[0]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss(model, batch)

    recipe = RECIPES["sgd"]
    with pytest.raises(BatchTooLarge, match=f"^a batch of {recipe.batch_size} does not fit .*; a batch of 2 does$"):
        train(
            net(False), EpochSource(data(), recipe.batch_size, seed=5), recipe, loss=greedy, output=tmp_path,
            device="cpu", progress=False,
        )  # fmt: skip
