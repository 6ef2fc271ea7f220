"""From the numbers of a value branch to ownership, score lead and the probability to win."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

SHARPNESS = 0.2
"""Scales the second last output: 1 / points, so that an output of 0 gives e to 1 for a lead of about 7 points."""


GENTLE = 0.1
"""Scales the ownership logits, so that one step of training does not move the sum over the board by tens of points."""


class Outlook(NamedTuple):
    """What a value branch says, from the view of the side to move.

    `logit` [n]: of the probability to win; `lead` [n]: points ahead, komi counted; `ownership` [n, points] from -1, the
    other's, to 1.
    """

    logit: Tensor
    lead: Tensor
    ownership: Tensor


def outlook(raw: Tensor, komi: Tensor) -> Outlook:
    """Read the outputs [n, points + 2] of `casecnn.nets.value.value_layers`; `komi` [n] is the side to move's.

    The expected area is the sum of the expected ownership, exactly. The odds follow from the lead, by a sharpness that
    the net gives with each position, and a shift of its own; so every komi gives other odds and another lead, whatever
    komi the games had that the net learned from.
    """
    ownership = (GENTLE * raw[:, :-2]).tanh()
    lead = ownership.sum(1) + komi
    sharpness = SHARPNESS * functional.softplus(raw[:, -2])
    return Outlook(sharpness * lead + raw[:, -1], lead, ownership)
