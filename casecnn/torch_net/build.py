"""From a declaration to a torch module whose state-dict keys are the layers' names."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.errors import InputError
from casecnn.layers.composite import AuxiliaryHead
from casecnn.layers.layer import Layer
from casecnn.layers.net import Net
from casecnn.layers.pointwise import Softmax
from casecnn.layers.shapes import shape_text
from casecnn.torch_net import convolution, historic, normalisation, pooling  # noqa: F401  these fill the table
from casecnn.torch_net.composite import Chain
from casecnn.torch_net.fuse import fuse
from casecnn.torch_net.initialise import initialise
from casecnn.torch_net.registry import TORCH, Parts, add

__all__ = ["Network", "build", "fuse"]


class Network(nn.Module):
    """A net as a torch module: float [N, *net.input] to [N, *net.output_shape].

    ``declaration`` is the Net. Children bear the layers' names, so ``conv1.weight`` and ``block2.body.conv1.bias`` are
    state-dict keys, and `get_submodule` finds every row of the Net by its name. Where all layers allow, maps of another
    height and width than declared go through as well; the number of channels is fixed.

    Where the net has auxiliary heads (``heads`` holds their names), training mode returns a named tuple instead:
    ``logits``, the net's own output, and each head's by its name. In eval mode heads are not computed.
    """

    def __init__(self, declaration: Net, parts: Parts) -> None:
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
        for name, part in self._modules.items():  # named_children() takes longer than some layers
            assert part is not None
            if name not in self.heads:
                x = part(x)
            elif self.training:
                side.append(part(x))
        return outputs_type(self.heads)(x, *side) if side else x


@cache
def outputs_type(heads: tuple[str, ...]) -> Any:
    """The named tuple of what a net with these auxiliary heads returns in training: ``logits``, then the heads."""
    return namedtuple("Outputs", ("logits", *heads))


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
    module = Network(net, modules_of(net, logits))
    initialise(module, init, torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed)
    return fuse(module) if fused else module


def modules_of(net: Net, logits: bool) -> Parts:
    """The named modules of a net, one for each of its rows, and a Chain for each part of a name that has no row."""
    rows = {row.name: row for row in net.rows}
    left_out = last_softmaxes(net.layers) if logits else ()
    tree: dict[str, Any] = {}  # dotted names, taken apart: {"block": {"body": {"conv1": {}}}}
    for name in rows:
        inside = tree
        for part in name.split("."):
            inside = inside.setdefault(part, {})

    def parts(inside: dict[str, Any], path: str) -> Parts:
        return [(name, module(path + name, deeper)) for name, deeper in inside.items() if path + name not in left_out]

    def module(name: str, inside: dict[str, Any]) -> nn.Module:
        inner = parts(inside, name + ".")
        if name not in rows:
            return Chain(inner)
        make = TORCH.entry(rows[name].layer)
        return make(rows[name].layer, rows[name].input_shape, *([inner] if inner else []))

    return parts(tree, "")


def last_softmaxes(layers: Sequence[Layer], path: str = "") -> tuple[str, ...]:
    """The dotted names of the Softmax that stands last, and of those that stand last in auxiliary heads."""
    names = tuple(
        name
        for layer in layers
        if isinstance(layer, AuxiliaryHead)
        for name in last_softmaxes(layer.layers, f"{path}{layer.name}.")
    )
    return (*names, path + layers[-1].name) if isinstance(layers[-1], Softmax) else names
