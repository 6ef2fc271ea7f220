"""The small layers at the beginning of a net that one compiled call can do (`casecnn.stretches`)."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.kernels import dispatch
from casecnn.kernels.allowed import EVERYTHING, Allowed
from casecnn.layers.shapes import pair
from casecnn.stretches.operations import Kind, Operation
from casecnn.torch_net.build import Network
from casecnn.torch_net.composite import Branches, Chain, Residual
from casecnn.torch_net.convolution import Conv, Linear
from casecnn.torch_net.normalisation import LocalResponseNorm
from casecnn.torch_net.pointwise import Dropout, Flatten, ReLU
from casecnn.torch_net.pooling import GlobalMeanPool, MaxPool, MeanPool

# Measured on an EPYC with AVX-512 and its bfloat16, and limited to AVX2.
MOST_MACS = {
    (torch.float32, False): 3_000_000_000,
    (torch.bfloat16, False): 5_000_000_000,
    (torch.bfloat16, True): 5_000_000,
}
"""Of an input of a net, by its number format and whether tiles multiply it: in larger ones calls do not count."""
LEAST_MACS_HALF = 20_000_000  # from these on maps between the layers are bfloat16, too
LARGE, MOST_WORK = 2_000_000_000, 8_000_000_000  # of nets of so many and more, no calls of more multiply-adds
LEAST_SHARE = 0.25  # of a net's multiply-adds


class PreparedStretch(nn.Module):
    """Layers in one compiled call; ``parts`` are the same layers one by one, for inputs that it does not take.

    Nor does it take more inputs than ``most`` at a time.
    """

    def __init__(
        self, parts: nn.Module, operations: list[Operation], flat: bool, yields: bool, half: bool, most: int
    ) -> None:
        from casecnn.stretches.stretch import Stretch  # numba takes its time to load

        super().__init__()
        self.parts, self.stretch, self.most = parts, Stretch(operations, flat, yields, half), most

    def forward(self, x: Tensor) -> Tensor:
        y = self.stretch(x) if len(x) <= self.most else None
        return self.parts(x) if y is None else y


def join(net: Network, allowed: Allowed = EVERYTHING) -> nn.Module:
    """A fused net on the CPU with its first layers as one `PreparedStretch`, if it is small; the net itself is changed.

    Where all of its layers are in one, that is what stands in its place.
    """
    dtype = next(net.parameters()).dtype
    most = MOST_MACS.get((dtype, dtype == torch.bfloat16 and dispatch.has_tiles(allowed)), 0)
    if not allowed.stretches or net.declaration.macs > most or len(net.declaration.input) != 3:
        return net
    from casecnn.kernels.vectors import MULTIPLIES_HALVES, vector_width  # numba takes its time to load

    if not vector_width():
        return net
    inputs = sys.maxsize if net.declaration.macs < LARGE else MOST_WORK // net.declaration.macs
    half = dtype == torch.bfloat16 and MULTIPLIES_HALVES and net.declaration.macs >= LEAST_MACS_HALF
    writer = Writer(net.declaration.input[0], torch.bfloat16 if half else torch.float32)
    children = [(name, part) for name, part in net.named_children() if name not in net.heads]
    done, flat = 0, False
    operations: list[Operation] = []
    macs = Counter[str]()
    for row in net.declaration.rows:
        macs[row.name.partition(".")[0]] += row.macs
    for number, (_, part) in enumerate(children):
        if not writer.write(part):
            break
        if writer.form != "flattened":
            done, operations, flat = number + 1, [*writer.operations], writer.form == "vector"
    if len(operations) < 2 or sum(macs[name] for name, _ in children[:done]) < LEAST_SHARE * net.declaration.macs:
        return net
    if done == len(children):
        return PreparedStretch(net, operations, flat, allowed.fewer_threads, half, inputs)
    for name in (*net.heads, *dict(children)):
        delattr(net, name)
    first = PreparedStretch(Chain(children[:done]), operations, flat, allowed.fewer_threads, half, inputs)
    for name, part in [(children[0][0], first), *children[done:]]:
        net.add_module(name, part)
    return net


class Writer:
    """Writes down a fused net's modules as operations, one after the other.

    ``form`` is what the last one gives: "maps"; "flattened" maps, which only a Linear can read; or a "vector", which
    are maps of one pixel. ``dtype`` is the number format of the maps.
    """

    def __init__(self, channels: int, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        self.operations: list[Operation] = []
        self.form = "maps"
        self._channels = channels
        self._here, self._own = 0, False  # the map that the next module reads; whether nothing else needs it
        self._maps = 1

    def write(self, module: nn.Module) -> bool:
        """Write down a module; False where there is no operation like it, and then some of it may be written."""
        if isinstance(module, nn.Identity | Dropout):
            return True
        if isinstance(module, ReLU):
            return self._relu()
        if isinstance(module, Linear):
            return self._linear(module)
        if self.form != "maps":
            return False
        if isinstance(module, Chain):
            return all(self.write(part) for part in module.children())
        if isinstance(module, Conv):
            return self._conv(module)
        if isinstance(module, Residual):
            return self._residual(module)
        if isinstance(module, Branches):
            return self._branches(module)
        if isinstance(module, LocalResponseNorm):
            norm = module.layer
            return norm.beta == 0.75 and self._add("normalise", response=(norm.n // 2, norm.alpha, norm.k))
        if isinstance(module, MaxPool | MeanPool):
            layer = module.layer
            windows: dict[str, Any] = {"kernel": pair(layer.kernel), "stride": layer.step, "lie": layer.spans}
            if isinstance(module, MaxPool):
                return self._add("largest", **windows)
            return self._add("mean", counts_padding=module.layer.count_padding, **windows)
        if isinstance(module, GlobalMeanPool):
            self.form = "vector"
            return self._add("mean")
        if isinstance(module, Flatten):
            self.form = "flattened"
            return True
        return False

    def _add(self, kind: Kind, **fields: Any) -> bool:
        """From this map to a new one."""
        self.operations.append(Operation(kind, self._here, self._maps, **fields))
        self._here, self._own = self._maps, True
        self._maps += 1
        return True

    def _change_last(self, **fields: Any) -> None:
        self.operations[-1] = replace(self.operations[-1], **fields)

    def _relu(self) -> bool:
        """As part of what made this map, unless something else reads that."""
        if not self._own or self.form == "flattened" or self.operations[-1].kind == "normalise":
            return False
        self._change_last(relu=True)
        return True

    def _linear(self, linear: Linear) -> bool:
        if self.form == "maps" or linear.activation not in (None, "relu") or self._large(linear):
            return False
        self.form = "vector"
        return self._add(
            "convolution", weight=linear.weight.detach(), bias=linear.bias, relu=linear.activation == "relu"
        )

    def _conv(self, conv: Conv) -> bool:
        layer = conv.layer
        if layer.groups != 1 or pair(layer.dilation) != (1, 1) or conv.activation not in (None, "relu"):
            return False
        if self._large(conv):
            return False
        self._channels = layer.channels
        return self._add(
            "convolution",
            kernel=pair(layer.kernel),
            stride=pair(layer.stride),
            lie=layer.spans,
            weight=conv.weight.detach(),
            bias=conv.bias,
            relu=conv.activation == "relu",
        )

    def _large(self, part: Conv | Linear) -> bool:
        """Whether its weights are so many that no way of a stretch is fast."""
        from casecnn.kernels import winograd
        from casecnn.stretches.stretch import large

        if not large(Operation("convolution", 0, 1, weight=part.weight), self.dtype):
            return False
        return isinstance(part, Linear) or not winograd.fits(replace(part.facts(), weight=part.weight.to(self.dtype)))

    def _branches(self, module: Branches) -> bool:
        """The last layers of all branches write to one map."""
        before, channels = self._here, self._channels
        target, begin, width = self._maps, len(self.operations), 0
        self._maps += 1
        for branch in module.branches:
            self._here, self._channels, self._own = before, channels, False
            if not all(self.write(getattr(module, name)) for name in branch) or self._here == before:
                return False
            last = self.operations.pop()
            if last.kind == "shortcut" or last.adds or last.width is not None or last.target != self._maps - 1:
                return False
            self._maps -= 1  # that of its own
            self.operations.append(replace(last, target=target, offset=width, width=0))
            width += self._channels
        for number, each in enumerate(self.operations[begin:], begin):
            if each.target == target:
                self.operations[number] = replace(each, width=width)
        self._here, self._channels, self._own = target, width, False
        return True

    def _residual(self, block: Residual) -> bool:
        """The last convolution of the body adds to the shortcut's map."""
        before, channels, own = self._here, self._channels, self._own
        self._own = False
        if not self.write(block.body) or self._here == before or block.activation not in (None, "relu"):
            return False
        last, body_channels = self.operations.pop(), self._channels
        if last.kind != "convolution" or last.relu or last.adds:
            return False
        self._maps -= 1  # that of its own
        self._here, self._own, self._channels = before, False, channels
        if not self.write(block.shortcut):
            return False
        if self._here == before:  # option A, or x itself
            changes = block.stride != (1, 1) or body_channels != channels
            if changes or not own or last.source == before:
                self._add("shortcut", stride=block.stride, channels=body_channels)
        self.operations.append(replace(last, target=self._here, adds=True, relu=block.activation == "relu"))
        self._own, self._channels = True, body_channels
        return True
