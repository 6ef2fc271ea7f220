"""Texts set apart at random: a held-out part, folds; evenly over the labels, the same for the same seed."""

from __future__ import annotations

import numpy as np

from casecnn.errors import UsageError
from casecnn.seeds import derive_seed
from casecnn.text.data.labels import Targets


def hold_out(targets: Targets, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the texts to train on and of those held out, each rising: `share` of every label, rounded.

    What rounding leaves over goes by the largest remainders, so that the held-out part is `share` of all. A label's
    only text is never held out; nor is anything where fewer than two texts would be.
    """
    generator = np.random.default_rng(derive_seed(seed, 1))
    wanted = round(share * len(targets))
    everything = np.arange(len(targets))
    if wanted < 2:
        return everything, everything[:0]
    held = []
    groups = _groups(targets)
    exact = [share * len(group) for group in groups]
    counts = [int(number) for number in exact]
    for place in sorted(range(len(groups)), key=lambda i: counts[i] - exact[i])[: wanted - sum(counts)]:
        counts[place] += 1
    for group, count in zip(groups, counts, strict=True):
        held.append(generator.permutation(group)[: min(count, len(group) - 1)])
    chosen = np.sort(np.concatenate(held))
    return np.setdiff1d(everything, chosen), chosen


def folds(targets: Targets, count: int, seed: int) -> list[np.ndarray]:
    """The test part of each fold, rising text numbers: every text is in one fold, every label spread over all folds.

    The texts of a label are shuffled and dealt out in turn, on from where the label before stopped, so that folds
    differ by at most one text in size. Raises UsageError for fewer than 2 folds or more folds than texts.
    """
    if not 2 <= count <= len(targets):
        raise UsageError(f"`folds` (={count}) must be from 2 to the number of texts ({len(targets)})")
    generator = np.random.default_rng(derive_seed(seed, 2))
    dealt = np.concatenate([generator.permutation(group) for group in _groups(targets)])
    return [np.sort(dealt[number::count]) for number in range(count)]


def _groups(targets: Targets) -> list[np.ndarray]:
    if targets.multi_label:
        return [np.arange(len(targets))]
    groups = [np.flatnonzero(targets.values == place) for place in range(len(targets.names))]
    return [group for group in groups if len(group)]
