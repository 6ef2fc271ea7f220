"""Normalisation layers: across neighbouring channels (AlexNet) and across the batch (ResNet)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from casecnn.layers.layer import Activation, Layer, WayBack, at_least_one, check_activation, maps
from casecnn.layers.shapes import Shape


@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """Divide each value by (k + alpha * sum of squares over ``n`` neighbouring channels) ** beta.

    The window is centred on the channel and cut off at the first and last one. Formula and defaults are those of
    Krizhevsky 2012, section 3.3. torch's layer of this name divides alpha by n, and its k is 1.
    """

    n: int = 5
    k: float = 2.0
    alpha: float = 1e-4
    beta: float = 0.75

    way_back: ClassVar[WayBack] = "unchanged"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need(at_least_one(self.n) and self.n % 2 == 1, f"n (={self.n}) must be odd, so that it has a centre")
        self.need(self.k > 0, f"k (={self.k}) must be above 0")
        self.need(self.alpha >= 0, f"alpha (={self.alpha}) must be at least 0")

    def output_shape(self, shape: Shape) -> Shape:
        return maps(shape)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalisation of each channel (maps) or unit (vector), with a scale (weight) and a shift (bias).

    In training by the batch's mean and variance, at inference by running averages, which are not parameters:
    ``running = (1 - momentum) * running + momentum * batch``. ``epsilon`` is added to the variance.
    `casecnn.torch_net.build.fuse` folds it into the convolution before it. ``activation`` is applied last.
    """

    epsilon: float = 1e-5
    momentum: float = 0.1
    activation: Activation = None

    own_memory: ClassVar[Literal["always", "training", "never"]] = "training"
    way_back: ClassVar[WayBack] = "transposed"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need(self.epsilon > 0, f"epsilon (={self.epsilon}) must be above 0")
        self.need(0 < self.momentum <= 1, f"momentum (={self.momentum}) must be above 0 and at most 1")
        check_activation(self, self.activation)

    def weights(self, shape: Shape) -> int:
        return shape[0]

    def biases(self, shape: Shape) -> int:
        return shape[0]
