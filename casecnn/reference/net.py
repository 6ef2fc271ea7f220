"""A whole declared net in NumPy float64, layer by layer: what every faster implementation is tested against."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from casecnn import layers
from casecnn.reference import composite, convolution, historic, normalisation, pooling  # noqa: F401  fill the table
from casecnn.reference.arrays import Array, real
from casecnn.reference.registry import chain


def forward(net: layers.Net, parameters: Mapping[str, ArrayLike], x: ArrayLike, logits: bool = True) -> Array:
    """What ``net`` gives at inference for a batch ``x`` [N, *net.input]: float64 [N, *net.output_shape].

    ``parameters`` are the arrays of the built module's state dict, running averages of BatchNorms included. With
    ``logits`` a Softmax that stands last is left out, as in `casecnn.torch_net.build.build`. Slow; backward is not done
    for nets. Raises KeyError for a parameter that is not there, InputError for a layer without a reference.
    """
    last = isinstance(net.layers[-1], layers.Softmax)
    return chain(net.layers[:-1] if logits and last else net.layers, parameters, real(x))
