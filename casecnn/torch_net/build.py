"""From a declaration to a torch module whose state-dict keys are the layers' names."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.errors import InputError
from casecnn.layers.composite import AuxiliaryHead, Branches, Repeat, Residual, start
from casecnn.layers.convolution import Conv, Linear, PositionBias
from casecnn.layers.historic import RadialBasis, Subsampling, TableConv
from casecnn.layers.layer import Layer, trace_chain
from casecnn.layers.net import Net
from casecnn.layers.normalisation import BatchNorm, LocalResponseNorm
from casecnn.layers.pointwise import Dropout, Flatten, ReLU, ScaledTanh, Sigmoid, Softmax, Tanh
from casecnn.layers.pooling import AdaptiveMeanPool, GlobalMeanPool, MaxOverTime, MaxPool, MeanPool
from casecnn.layers.shapes import Shape, shape_text
from casecnn.torch_net.fuse import fuse
from casecnn.torch_net.initialise import initialise
from casecnn.torch_net.modules import (
    AdaptiveMeanPooling,
    BatchNormalisation,
    Bias,
    Chain,
    Convolution,
    FullyConnected,
    GlobalMeanPooling,
    MaxOverTimePooling,
    MaxPooling,
    MeanPooling,
    RadialBasisFunctions,
    ResidualBlock,
    ResponseNormalisation,
    ScaledHyperbolicTangent,
    SideBySide,
    TableConvolution,
    TrainableSubsampling,
    add,
)

__all__ = ["Network", "build", "fuse"]


class Network(nn.Module):
    """A net as a torch module: float [N, *net.input] to [N, *net.output_shape].

    ``declaration`` is the Net. Children bear the layers' names, so ``conv1.weight`` and ``block2.body.conv1.bias`` are
    state-dict keys, and `get_submodule` finds every row of the Net by its name. Where all layers allow, maps of another
    height and width than declared go through as well; the number of channels is fixed.

    Where the net has auxiliary heads (``heads`` holds their names), training mode returns a named tuple instead:
    ``logits``, the net's own output, and each head's by its name. In eval mode heads are not computed.
    """

    def __init__(self, declaration: Net, parts: Sequence[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self.declaration = declaration
        self.heads = tuple(layer.name for layer in declaration.layers if isinstance(layer, AuxiliaryHead))
        for name, part in parts:
            add(self, name, part)

    def forward(self, x: Tensor) -> Any:
        want = self.declaration.input
        if x.dim() != len(want) + 1 or x.shape[1] != want[0]:
            got = f"{shape_text(x.shape[1:])}" if x.dim() else "a single number"
            raise InputError(
                f"net `{self.declaration.name}` takes a batch of {shape_text(want)}, got {got} (batch axis left out)"
            )
        side: list[Tensor] = []
        for name, part in self.named_children():
            if name not in self.heads:
                x = part(x)
            elif self.training:
                side.append(part(x))
        return outputs_type(self.heads)(x, *side) if side else x


@cache
def outputs_type(heads: tuple[str, ...]) -> Any:
    """The named tuple of what a net with these auxiliary heads returns in training: ``logits``, then the heads."""
    return namedtuple("Outputs", ("logits", *heads))  # type: ignore[misc]


def build(
    net: Net, *, init: str = "he", seed: int | torch.Generator | None = None, logits: bool = True, fused: bool = False
) -> Network:
    """Make the torch module of a declared net, on the CPU in float32, in training mode.

    ``init`` is "he", "xavier", "lecun", "normal(STD)", "uniform(A)" or "zeros" (see `casecnn.torch_net.initialise`).
    ``seed`` is a number or a torch generator: the same one gives the same weights; None draws from torch's global
    generator. With ``logits`` a Softmax that stands last, in the net or in an auxiliary head, is left out: losses want
    logits. With ``fused`` the module is for inference only: every BatchNorm is folded into the convolution before it,
    as by `fuse` (load trained weights *before* fusing; a fused module has no BatchNorm keys).

    Raises InputError for an unknown ``init`` and for a layer that bears the name of a module's own attribute.
    """
    module = Network(net, chain(without_softmax(net.layers) if logits else net.layers, net.input))
    initialise(module, init, torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed)
    return fuse(module) if fused else module


def without_softmax(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers without a Softmax at their end, or at the end of an auxiliary head among them."""
    kept = layers[:-1] if isinstance(layers[-1], Softmax) else layers
    return tuple(
        replace(layer, layers=without_softmax(layer.layers)) if isinstance(layer, AuxiliaryHead) else layer
        for layer in kept
    )


def chain(layers: Sequence[Layer], shape: Shape) -> list[tuple[str, nn.Module]]:
    """The named modules of layers that stand one after the other, for an input of ``shape``."""
    parts = []
    for layer in layers:
        parts.append((layer.name, module_of(layer, shape)))
        shape = layer.output_shape(shape)
    return parts


def module_of(layer: Layer, shape: Shape) -> nn.Module:
    """The module of one layer description, for an input of ``shape``."""
    match layer:
        case TableConv():
            return TableConvolution(layer, shape[0])
        case Subsampling():
            return TrainableSubsampling(layer, shape[0])
        case RadialBasis():
            return RadialBasisFunctions(layer)
        case Conv():
            return Convolution(layer, shape[0])
        case Linear():
            return FullyConnected(layer, shape[0])
        case PositionBias():
            return Bias(shape)
        case MaxPool():
            return MaxPooling(layer)
        case MeanPool():
            return MeanPooling(layer)
        case AdaptiveMeanPool():
            return AdaptiveMeanPooling(layer.size)
        case GlobalMeanPool():
            return GlobalMeanPooling()
        case MaxOverTime():
            return MaxOverTimePooling()
        case LocalResponseNorm():
            return ResponseNormalisation(layer)
        case BatchNorm():
            return BatchNormalisation(layer, shape[0])
        case ReLU():
            return nn.ReLU()
        case Tanh():
            return nn.Tanh()
        case ScaledTanh():
            return ScaledHyperbolicTangent()
        case Sigmoid():
            return nn.Sigmoid()
        case Softmax():
            return nn.Softmax(1)
        case Dropout():
            return nn.Dropout(layer.p)
        case Flatten():
            return nn.Flatten()
        case Residual():
            body, shortcut = Chain(chain(layer.body, shape)), Chain(chain(layer.projection(shape), shape))
            return ResidualBlock(layer, body, shortcut, layer.stride(shape))
        case Branches():
            return SideBySide(layer, [part for branch in layer.branches for part in chain(branch, shape)])
        case AuxiliaryHead():
            return Chain(chain(layer.layers, shape))
        case Repeat():
            repeated = []
            for number, layers in enumerate(layer.chains, 1):
                repeated.append((str(number), Chain(chain(layers, shape))))
                shape = trace_chain(layers, shape, start(shape)).shape
            return Chain(repeated)
    raise InputError(f"layer `{layer.name}` (a {layer.kind}) has no torch module; see casecnn.layers for those that do")
