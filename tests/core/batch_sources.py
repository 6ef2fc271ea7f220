"""Sources of batches for the tests, in a module of their own so that worker processes can import them."""

import random
import time

import torch


def slow_source(step, rank, world):
    time.sleep(random.Random(step).random() * 0.004)  # finish out of order
    return (torch.tensor([step, rank, world]),)


def broken_source(step, rank, world):
    if step == 3:
        raise RuntimeError("no batch 3")
    return (torch.tensor([step]),)
