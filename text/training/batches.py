"""Batches of texts as numbers of words, each text with its labels and its weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from casecnn.choose import listed
from casecnn.errors import UsageError
from casecnn.text.data.labels import Targets
from casecnn.text.words.vocabulary import Encoded
from casecnn.training.epochs import EpochSource

ClassWeight = Literal["balanced"] | Mapping[str, float] | None


class SentenceBatches:
    """A batch source: labels, weights, word numbers one after the other, lengths; each epoch in a new order."""

    def __init__(self, texts: Encoded, targets: Targets, weights: np.ndarray, batch_size: int, seed: int) -> None:
        self.texts, self.weights = texts, torch.from_numpy(weights)
        self.targets = torch.from_numpy(targets.values)
        self.order = EpochSource([torch.empty(len(texts), 0)], batch_size, seed=seed, last="keep")

    def __call__(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        chosen = self.order.indices(step, rank, world)
        return (self.targets[chosen], self.weights[chosen], *as_tensors(self.texts.take(chosen.numpy())))


def as_tensors(texts: Encoded) -> tuple[Tensor, Tensor]:
    """Return words and lengths, int64, as `SentenceModule` takes them."""
    return torch.from_numpy(texts.words.astype(np.int64)), torch.from_numpy(np.diff(texts.offsets))


def text_weights(targets: Targets, class_weight: ClassWeight, sample_weight: Sequence[float] | None) -> np.ndarray:
    """Return a weight for each text, float32, 1 on average: its own times that of its label.

    Raises UsageError for weights that are no numbers of at least 0, and for labels that do not exist.
    """
    weights = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    if weights.shape != (len(targets),) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise UsageError(f"`sample_weight` must be {len(targets)} numbers of at least 0, and not all zero")
    if class_weight is not None:
        if targets.multi_label:
            raise UsageError("`class_weight` and `multi_label` cannot be given together; use `sample_weight`")
        if class_weight == "balanced":
            counts = np.bincount(targets.values, minlength=len(targets.names))
            factors = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        elif isinstance(class_weight, Mapping):
            given = {str(name): value for name, value in class_weight.items()}
            for name in given:
                if name not in targets.names:
                    raise UsageError(f"`class_weight` names {name!r}; the labels are {listed(targets.names)}")
            factors = np.array([given.get(name, 1.0) for name in targets.names], np.float64)
            if not np.isfinite(factors).all() or (factors <= 0).any():
                raise UsageError(f"`class_weight` (={dict(class_weight)!r}) must hold numbers above 0")
        else:
            raise UsageError(f"`class_weight` (={class_weight!r}) must be 'balanced' or a number for each label")
        weights = weights * factors[targets.values]
    return (weights / weights.mean()).astype(np.float32)
