"""Texts set apart at random: a held-out part, folds; evenly over the labels, the same for the same seed.

scikit-learn's StratifiedKFold and train_test_split draw other parts from a seed, and change them from one of its
versions to the next. The figures of `docs/results-text.md` stand on these, so the parts are drawn here.
"""

from __future__ import annotations

import numpy as np

from casecnn.errors import UsageError
from casecnn.seeds import derive_seed
from casecnn.text.data.labels import Targets


def hold_out(targets: Targets, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the texts to train on and of those held out, both rising: a fraction of every label.

    What rounding leaves over goes by the largest remainders, so that the held-out part is that fraction of all. A
    label's only text is never held out; nor is anything where fewer than two texts would be.
    """
    generator = np.random.default_rng(derive_seed(seed, 1))
    wanted = round(fraction * len(targets))
    everything = np.arange(len(targets))
    if wanted < 2:
        return everything, everything[:0]
    held = []
    groups = _groups(targets)
    exact = [fraction * len(group) for group in groups]
    counts = [int(number) for number in exact]
    for place in sorted(range(len(groups)), key=lambda i: counts[i] - exact[i])[: wanted - sum(counts)]:
        counts[place] += 1
    for group, count in zip(groups, counts, strict=True):
        held.append(generator.permutation(group)[: min(count, len(group) - 1)])
    chosen = np.sort(np.concatenate(held))
    return np.setdiff1d(everything, chosen), chosen


def folds(targets: Targets, count: int, seed: int) -> list[np.ndarray]:
    """Return the test part of each fold, numbers that rise: each text is in one fold, each label spread over all folds.

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
