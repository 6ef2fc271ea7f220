"""Normalisation: across neighbouring channels (AlexNet) and across the batch (ResNet)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from casecnn import layers
from casecnn.reference.arrays import Array, real
from casecnn.reference.pointwise import activated
from casecnn.reference.registry import REFERENCE, Reference


def local_response_norm(a: ArrayLike, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75) -> Array:
    """b[i] = a[i] / (k + alpha * sum over j of a[j]^2)^beta, j in the n channels around i (Krizhevsky 2012, 3.3)."""
    a = real(a)
    return a / (k + alpha * neighbour_sum(a**2, n)) ** beta


def local_response_norm_backward(
    a: ArrayLike, db: ArrayLike, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> Array:
    """The gradient of `local_response_norm`.

    With s[i] = k + alpha * sum over j of a[j]^2 it is:

    da[i] = db[i] * s[i]^-beta - 2 * alpha * beta * a[i] * sum over j of db[j] * a[j] * s[j]^(-beta-1),
    because a[i] is in the sum of each of its n neighbours.
    """
    a, db = real(a), real(db)
    s = k + alpha * neighbour_sum(a**2, n)
    return db * s**-beta - 2 * alpha * beta * a * neighbour_sum(db * a * s ** (-beta - 1), n)


def neighbour_sum(x: Array, n: int) -> Array:
    """For each channel, the sum over the n channels around it, as far as there are any."""
    reach = n // 2
    sums = [x[:, max(i - reach, 0) : i + reach + 1].sum(1) for i in range(x.shape[1])]
    return np.stack(sums, 1)


def batch_norm(
    x: ArrayLike, mean: ArrayLike, variance: ArrayLike, scale: ArrayLike, shift: ArrayLike, epsilon: float = 1e-5
) -> Array:
    """Inference: scale * (x - mean) / sqrt(variance + epsilon) + shift, each [C], over axis 1 of [N, C, …]."""
    x = real(x)
    m, v, g, b = (real(each).reshape(-1, *[1] * (x.ndim - 2)) for each in (mean, variance, scale, shift))
    return g * (x - m) / np.sqrt(v + epsilon) + b


@REFERENCE.runs(layers.LocalResponseNorm)
class LocalResponseNorm(Reference[layers.LocalResponseNorm]):
    """`local_response_norm`."""

    def forward(self, x: Array) -> Array:
        return local_response_norm(x, self.layer.n, self.layer.k, self.layer.alpha, self.layer.beta)


@REFERENCE.runs(layers.BatchNorm)
class BatchNorm(Reference[layers.BatchNorm]):
    """`batch_norm` by the running averages, then the activation."""

    def forward(self, x: Array) -> Array:
        mean, variance = self.array("running_mean"), self.array("running_var")
        y = batch_norm(x, mean, variance, self.array("weight"), self.array("bias"), self.layer.epsilon)
        return activated(y, self.layer.activation)
