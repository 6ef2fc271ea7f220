"""The stream of training batches.

Which samples make up a step, which part of each is seen and how it is distorted are functions of the seed and of the
sample's place in the stream, whatever the number of workers.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from casecnn.seeds import derive_seed
from casecnn.training.epochs import EpochSource
from casecnn.vision.pipeline.augment import Augmentation, augment
from casecnn.vision.pipeline.draws import Draws
from casecnn.vision.pipeline.images import Decoded, Images, normalised
from casecnn.vision.pipeline.preprocess import Preprocess


class TrainingBatches:
    """A source for `casecnn.training.loop.train`: images float32 [n, c, h, w], channels last, and labels int64 [n].

    Every epoch is a new permutation. `kind` says which workers suit it: threads for images in memory, where NumPy does
    the work, processes for files to decode.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        preprocess: Preprocess,
        augmentation: Augmentation | None = None,
        seed: int = 0,
    ) -> None:
        self.images, self.batch_size, self.preprocess = images, batch_size, preprocess
        self.augmentation, self.seed = augmentation or Augmentation(), seed
        self.order = EpochSource([torch.empty(len(images))], batch_size, seed=derive_seed(seed, 1))

    @property
    def kind(self) -> Literal["thread", "process"]:
        """Which workers suit it."""
        return "thread" if isinstance(self.images, Decoded) else "process"

    def __call__(self, step: int, rank: int = 0, world: int = 1) -> tuple[Tensor, ...]:
        """Return the batch of a step: process `rank` of `world` gets its share."""
        indices = self.order.indices(step, rank, world).numpy()
        first = (step * world + rank) * self.batch_size
        draws = Draws(derive_seed(self.seed, 2), np.arange(first, first + len(indices)))
        pixels, labels = self.images.take(indices, draws)
        return normalised(augment(pixels, self.augmentation, draws), self.preprocess), torch.from_numpy(labels)
