"""Layers without windows or weights: non-linearities, Dropout, Flatten, Softmax."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from casecnn import layers
from casecnn.layers.layer import Activation
from casecnn.reference.arrays import Array, real
from casecnn.reference.registry import REFERENCE, Reference


def relu(x: ArrayLike) -> Array:
    """max(x, 0)."""
    return np.maximum(real(x), 0.0)


def relu_backward(x: ArrayLike, dy: ArrayLike) -> Array:
    """Dy where x > 0, else 0 (at x = 0 too)."""
    return np.where(real(x) > 0, real(dy), 0.0)


def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)), written with tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * real(x)))


def scaled_tanh(x: ArrayLike) -> Array:
    """1.7159 * tanh(2/3 * x) (LeCun 1998, appendix A)."""
    return 1.7159 * np.tanh(2 / 3 * real(x))


def scaled_tanh_backward(x: ArrayLike, dy: ArrayLike) -> Array:
    """Dx = dy * 1.7159 * 2/3 * (1 - tanh(2/3 * x)^2)."""
    return real(dy) * 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * real(x)) ** 2)


def softmax(x: ArrayLike) -> Array:
    """exp(x) / sum of exp(x) over axis 1; the largest x is subtracted first, so that nothing overflows."""
    x = real(x)
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def softmax_backward(x: ArrayLike, dy: ArrayLike) -> Array:
    """dx[i] = y[i] * (dy[i] - sum over j of dy[j] * y[j]), with y = softmax(x)."""
    y, dy = softmax(x), real(dy)
    return y * (dy - (dy * y).sum(1, keepdims=True))


def activated(x: Array, activation: Activation) -> Array:
    """The activation of ``x``; ``x`` itself for None."""
    match activation:
        case "relu":
            return relu(x)
        case "tanh":
            return np.tanh(x)
        case "scaled_tanh":
            return scaled_tanh(x)
        case "sigmoid":
            return sigmoid(x)
    return x


@REFERENCE.runs(layers.ReLU)
class ReLU(Reference[layers.ReLU]):
    """`relu`."""

    def forward(self, x: Array) -> Array:
        return relu(x)


@REFERENCE.runs(layers.Tanh)
class Tanh(Reference[layers.Tanh]):
    """Hyperbolic tangent."""

    def forward(self, x: Array) -> Array:
        return np.tanh(x)


@REFERENCE.runs(layers.ScaledTanh)
class ScaledTanh(Reference[layers.ScaledTanh]):
    """`scaled_tanh`."""

    def forward(self, x: Array) -> Array:
        return scaled_tanh(x)


@REFERENCE.runs(layers.Sigmoid)
class Sigmoid(Reference[layers.Sigmoid]):
    """`sigmoid`."""

    def forward(self, x: Array) -> Array:
        return sigmoid(x)


@REFERENCE.runs(layers.Softmax)
class Softmax(Reference[layers.Softmax]):
    """`softmax`."""

    def forward(self, x: Array) -> Array:
        return softmax(x)


@REFERENCE.runs(layers.Dropout)
class Dropout(Reference[layers.Dropout]):
    """Nothing, at inference."""

    def forward(self, x: Array) -> Array:
        return x


@REFERENCE.runs(layers.Flatten)
class Flatten(Reference[layers.Flatten]):
    """[N, C, H, W] to [N, C * H * W]."""

    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), -1)
