"""Convolutions for inference on a CPU, one call of oneDNN for each with its bias, activation and the sum of a shortcut.

torch's own layers run these one after the other, each with a pass over memory and a new output; on large maps that
takes as long as the convolution. The operators are those that torch.compile puts into the nets it freezes, called
without compiling anything. They take weights laid out beforehand, and none of their work can be differentiated.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from casecnn.kernels.convolution import Convolution, Kernel
from casecnn.layers.shapes import Pair

_ACTIVATIONS = {None: "none", "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}


def fits(convolution: Convolution) -> bool:
    """Whether oneDNN has the activation, and this torch and CPU the operators in the weight's number format."""
    return convolution.activation in _ACTIVATIONS and can_prepack(convolution.weight.dtype)


class PrepackedConvolution:
    """A convolution by oneDNN, weights pre-packed; any float dtype for which `can_prepack` holds."""

    def __init__(self, convolution: Convolution) -> None:
        self.convolution = convolution
        rows, columns = convolution.kernel
        self.weight = _laid_out(
            convolution.weight, (rows // 2, columns // 2), convolution.stride, convolution.dilation, convolution.groups
        )

    def __call__(self, x: Tensor, padding: Pair) -> Tensor:
        own = self.convolution
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x,
            self.weight,
            own.bias,
            padding,
            own.stride,
            own.dilation,
            own.groups,
            _ACTIVATIONS[own.activation],
            [],
            "",
        )
        return y

    def add_to(self, side: Tensor, x: Tensor, padding: Pair, relu: bool) -> Tensor:
        """The convolution of x plus ``side``, ReLU after the sum if wanted; the result overwrites ``side``."""
        own = self.convolution
        y: Tensor = torch.ops.mkldnn._convolution_pointwise_.binary(
            side,
            x,
            self.weight,
            own.bias,
            padding,
            own.stride,
            own.dilation,
            own.groups,
            "add",
            1.0,
            "relu" if relu else None,
            [],
            "",
        )
        return y

    def follows(self, before: Kernel | None) -> bool:
        """Never: oneDNN takes one convolution at a time."""
        return False


def _laid_out(weight: Tensor, padding: Pair, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    dense = weight.detach().to_mkldnn()
    return torch._C._nn.mkldnn_reorder_conv2d_weight(dense, [*padding], [*stride], [*dilation], groups)


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
