"""A small estimator, and sentences that it learns at once."""

from __future__ import annotations

from functools import cache

import torch
from sentences import sentences, vectors

from casecnn.text.estimator import SentenceCNN

TEXTS, LABELS = sentences(60)
NEW = ["a lovely film", "this dull plot", "", "zzz"]


def quick(**changes) -> SentenceCNN:
    """An estimator that has not learned yet."""
    settings = {"least_steps": 0, **changes.pop("settings", {})}
    given = {"vectors": vectors(), "epochs": 2, "maps": 3, "windows": (2,), "random_state": 0, "settings": settings}
    return SentenceCNN(**(given | changes))


@cache
def learned() -> SentenceCNN:
    """One that has."""
    torch.set_num_threads(1)
    return quick(epochs=40).fit(TEXTS, LABELS)
