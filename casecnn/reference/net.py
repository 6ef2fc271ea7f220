"""A whole declared net in NumPy float64, layer by layer: what every faster implementation is tested against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from casecnn.errors import InputError
from casecnn.layers.composite import AuxiliaryHead, Branches, Repeat, Residual
from casecnn.layers.convolution import Conv, Linear, PositionBias
from casecnn.layers.historic import RadialBasis, Subsampling, TableConv
from casecnn.layers.layer import Activation, Layer
from casecnn.layers.net import Net
from casecnn.layers.normalisation import BatchNorm, LocalResponseNorm
from casecnn.layers.pointwise import Dropout, Flatten, ReLU, ScaledTanh, Sigmoid, Softmax, Tanh
from casecnn.layers.pooling import AdaptiveMeanPool, GlobalMeanPool, MaxOverTime, MaxPool, MeanPool
from casecnn.reference import historic as reference_historic
from casecnn.reference import operations as reference
from casecnn.reference.operations import Array


def forward(net: Net, parameters: Mapping[str, ArrayLike], x: ArrayLike, logits: bool = True) -> Array:
    """What ``net`` gives at inference for a batch ``x`` [N, *net.input]: float64 [N, *net.output_shape].

    ``parameters`` are the arrays of the built module's state dict, running averages of BatchNorms included. With
    ``logits`` a Softmax that stands last is left out, as in `casecnn.torch_net.build.build`. Slow; backward is not done
    for nets. Raises KeyError for a parameter that is not there.
    """
    layers = net.layers[:-1] if logits and isinstance(net.layers[-1], Softmax) else net.layers
    return run_chain(layers, parameters, reference.real(x), "")


def run_chain(layers: Sequence[Layer], parameters: Mapping[str, ArrayLike], x: Array, path: str) -> Array:
    """Layers one after the other; their parameters' names start with ``path``."""
    for layer in layers:
        x = run(layer, parameters, x, f"{path}{layer.name}.")
    return x


def activated(x: Array, activation: Activation) -> Array:
    """The activation of ``x``; ``x`` itself for None."""
    match activation:
        case "relu":
            return reference.relu(x)
        case "tanh":
            return np.tanh(x)
        case "scaled_tanh":
            return reference.scaled_tanh(x)
        case "sigmoid":
            return reference.sigmoid(x)
    return x


def run(layer: Layer, p: Mapping[str, ArrayLike], x: Array, path: str) -> Array:
    """One layer of any kind, at inference."""
    match layer:
        case Conv():
            bias = p[path + "bias"] if layer.bias else None
            y = reference.conv2d(
                x,
                p[path + "weight"],
                bias,
                stride=layer.stride,
                padding=layer.padding,
                groups=layer.groups,
                rounding=layer.rounding,
                dilation=layer.dilation,
            )
            return activated(y, layer.activation)
        case Linear():
            bias = p[path + "bias"] if layer.bias else None
            return activated(reference.linear(x, p[path + "weight"], bias), layer.activation)
        case TableConv():
            y = reference_historic.table_conv2d(
                x,
                layer.table,
                p[path + "weight"],
                p[path + "bias"],
                stride=layer.stride,
                padding=layer.padding,
                rounding=layer.rounding,
            )
            return activated(y, layer.activation)
        case Subsampling():
            y = reference_historic.subsample2d(
                x, p[path + "weight"], p[path + "bias"], layer.kernel, rounding=layer.rounding
            )
            return activated(y, layer.activation)
        case RadialBasis():
            return reference_historic.radial_basis(x, layer.centres)
        case PositionBias():
            return x + reference.real(p[path + "bias"])
        case BatchNorm():
            mean, variance = p[path + "running_mean"], p[path + "running_var"]
            y = reference.batch_norm(x, mean, variance, p[path + "weight"], p[path + "bias"], layer.epsilon)
            return activated(y, layer.activation)
        case MaxPool():
            return reference.max_pool2d(x, layer.kernel, layer.step, padding=layer.padding, rounding=layer.rounding)
        case MeanPool():
            return reference.mean_pool2d(
                x,
                layer.kernel,
                layer.step,
                padding=layer.padding,
                rounding=layer.rounding,
                count_padding=layer.count_padding,
            )
        case AdaptiveMeanPool():
            return reference.adaptive_mean_pool2d(x, layer.size)
        case GlobalMeanPool():
            return x.mean((2, 3))
        case MaxOverTime():
            return x.max((2, 3))
        case LocalResponseNorm():
            return reference.local_response_norm(x, layer.n, layer.k, layer.alpha, layer.beta)
        case Dropout() | AuxiliaryHead():
            return x
        case ReLU():
            return activated(x, "relu")
        case Tanh():
            return activated(x, "tanh")
        case ScaledTanh():
            return activated(x, "scaled_tanh")
        case Sigmoid():
            return activated(x, "sigmoid")
        case Softmax():
            return reference.softmax(x)
        case Flatten():
            return x.reshape(len(x), -1)
        case Residual():
            y = run_chain(layer.body, p, x, path + "body.")
            projection = layer.projection(x.shape[1:])
            side = run_chain(projection, p, x, path + "shortcut.")
            if side.shape != y.shape:  # option A
                vertical, horizontal = layer.stride(x.shape[1:])
                kept = side[:, :, ::vertical, ::horizontal]
                side = np.zeros_like(y)
                side[:, : kept.shape[1]] = kept
            return activated(y + side, layer.activation)
        case Branches():
            return np.concatenate([run_chain(branch, p, x, path) for branch in layer.branches], 1)
        case Repeat():
            for number, chain in enumerate(layer.chains, 1):
                x = run_chain(chain, p, x, f"{path}{number}.")
            return x
    raise InputError(f"layer `{layer.name}` (a {layer.kind}) has no reference; see casecnn.layers for those that do")
