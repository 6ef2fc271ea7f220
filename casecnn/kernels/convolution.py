"""What a kernel is told about a convolution, and what every kernel can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from casecnn.layers.shapes import Pair


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution at inference: weight [outputs, channels / groups, rows, columns], bias [outputs].

    ``padding`` is the zeros (vertical, horizontal), the same before and after, where they are the same for every input;
    None where they depend on its size. ``activation`` is applied last: "relu", "tanh", "sigmoid", … or None.
    """

    weight: Tensor
    bias: Tensor | None = None
    stride: Pair = (1, 1)
    padding: Pair | None = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    activation: str | None = None

    @property
    def kernel(self) -> Pair:
        """The window, (rows, columns)."""
        return self.weight.shape[2], self.weight.shape[3]


class Kernel(Protocol):
    """A convolution made ready; no gradient. Maps are [N, C, H, W], channels last in memory."""

    convolution: Convolution

    def __call__(self, x: Tensor, padding: Pair) -> Tensor:
        """The convolution of x with its activation: [N, outputs, H', W']. Windows that do not fit are left out."""
        ...

    def add_to(self, side: Tensor, x: Tensor, padding: Pair, relu: bool) -> Tensor:
        """The convolution of x plus ``side``, ReLU after the sum if wanted; the result overwrites ``side``."""
        ...

    def follows(self, before: Kernel | None) -> bool:
        """Whether it may stand in a chain (see `casecnn.kernels.dispatch.chain`), after ``before`` or as the first."""
        ...
