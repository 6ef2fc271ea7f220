"""Convolutions for inference on a CPU, one call of oneDNN for each with its bias, activation and the sum of a shortcut.

torch's own layers run these one after the other, each with a pass over memory and a new output; on large maps that
takes as long as the convolution. The operators are those that torch.compile puts into the nets it freezes, called
without compiling anything. They take weights laid out beforehand, and none of their work can be differentiated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from casecnn.kernels.convolution import Convolution, Kernel
from casecnn.layers.shapes import Pair

KEPT = 32  # shapes whose layouts a convolution remembers

_ACTIVATIONS = {None: "none", "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}


def fits(convolution: Convolution) -> bool:
    """Whether oneDNN has the activation, and this torch and CPU the operators in the weight's number format."""
    return convolution.activation in _ACTIVATIONS and can_prepack(convolution.weight.dtype)


class PrepackedConvolution:
    """A convolution by oneDNN, weights pre-packed; any float dtype for which `can_prepack` holds.

    Which layout is fastest depends on the input's shape and on the instructions at hand, and weights in another one are
    laid out anew at every call: on AVX2 that can take ten times as long as the convolution. So they are laid out when a
    shape is first seen, and kept; shapes of one layout share it. The plain weights are not kept beside them.
    """

    def __init__(self, convolution: Convolution) -> None:
        self._plain: Tensor | None = convolution.weight.detach()
        self.convolution = replace(convolution, weight=self._plain.to("meta"))
        self._layouts: dict[tuple[object, ...], Tensor] = {}
        self._last: tuple[tuple[object, ...], Tensor] = ((), self._plain)

    @property
    def nbytes(self) -> int:
        """Bytes of the weights in all layouts that are kept."""
        return sum({id(one): one.numel() * one.element_size() for one in self._layouts.values()}.values())

    def plain(self) -> Tensor:
        """The weights [outputs, channels / groups, rows, columns] as they were given, to be read only."""
        plain, kept = self._plain, self._layouts
        if plain is not None:
            return plain
        with torch.inference_mode():
            return next(iter(kept.values())).to_dense()

    def weight_for(self, shape: Sequence[int], padding: Pair) -> Tensor:
        """The weights in the layout for an input [N, C, H, W]."""
        key = (shape, padding, torch.get_num_threads())
        last = self._last  # read once: other threads change it
        if key == last[0]:
            return last[1]
        plain, kept = self._plain, self._layouts  # in this order; a table of layouts is never changed, only exchanged
        weight = kept.get(key)
        if weight is None:
            own = self.convolution
            with torch.inference_mode():
                if plain is None:
                    plain = self.plain()
                weight = laid_out(plain, padding, own.stride, own.dilation, own.groups, shape)
            weight = next((one for one in kept.values() if same_layout(one, weight)), weight)
            self._layouts = {**(kept if len(kept) < KEPT else {}), key: weight}
            self._plain = None
        self._last = (key, weight)
        return weight

    def _operands(self, x: Tensor, padding: Pair) -> tuple[Any, ...]:
        """What oneDNN is told after x, whatever comes after the convolution."""
        own = self.convolution
        return self.weight_for(x.shape, padding), own.bias, padding, own.stride, own.dilation, own.groups

    def __call__(self, x: Tensor, padding: Pair) -> Tensor:
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, *self._operands(x, padding), _ACTIVATIONS[self.convolution.activation], [], ""
        )
        return y

    def add_to(self, side: Tensor, x: Tensor, padding: Pair, relu: bool) -> Tensor:
        """The convolution of x plus ``side``, ReLU after the sum if wanted; the result overwrites ``side``."""
        y: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            side, x, *self._operands(x, padding), "add", 1.0, "relu" if relu else None, [], ""
        )
        return y

    def follows(self, before: Kernel | None) -> bool:
        """Never: oneDNN takes one convolution at a time."""
        return False


def laid_out(
    weight: Tensor, padding: Pair, stride: Pair, dilation: Pair, groups: int, shape: Sequence[int] | None = None
) -> Tensor:
    """The weights in oneDNN's own layout: that for an input [N, C, H, W] of ``shape``, or one for no shape at all."""
    dense = weight.detach().to_mkldnn()
    size = None if shape is None else [*shape]
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    laid: Tensor = reorder(dense, [*padding], [*stride], [*dilation], groups, size)
    return laid


def same_layout(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of oneDNN lie in memory alike; False where this torch cannot tell."""
    describe = getattr(torch.ops.mkldnn, "_get_mkldnn_serialized_md", None)
    return describe is not None and torch.equal(describe(one), describe(other))


@cache
def can_prepack(dtype: torch.dtype) -> bool:
    """Whether this torch has the operators and this CPU runs them in that number format, found out by trying."""
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, generator=generator).to(dtype) for shape in ((1, 2, 5, 5), (3, 2, 3, 3), (3,))
    )
    try:
        with torch.inference_mode():
            kernel = PrepackedConvolution(Convolution(weight, bias, padding=(1, 1), activation="relu"))
            x = x.contiguous(memory_format=torch.channels_last)
            y = kernel(x, (1, 1))
            total = kernel.add_to(torch.ones_like(y), x, (1, 1), relu=True)
            expected = F.conv2d(x.float(), weight.float(), bias.float(), padding=1)
            return all(
                torch.allclose(found.float(), F.relu(wanted), rtol=0.02, atol=0.05)
                for found, wanted in ((y, expected), (total, expected + 1))
            )
    except (RuntimeError, AttributeError, TypeError):
        return False
