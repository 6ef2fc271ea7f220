"""A new last layer on a trained net, and which of its parts learn."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from casecnn.checks import whole
from casecnn.errors import UsageError
from casecnn.layers import Dropout, Linear, Net, Softmax
from casecnn.layers.composite import Repeat
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import Network, build
from casecnn.torch_net.normalisation import BatchNorm
from casecnn.vision.start import Start, counters
from casecnn.weights.state_dict import fill

Mode = Literal["head", "features", "partial", "all"]
MODES: tuple[Mode, ...] = ("head", "features", "partial", "all")


def classifier(net: Net) -> str:
    """The name of a net's last layer, a Linear; raises UsageError where another kind of layer makes the classes."""
    for layer in reversed(net.layers):
        if isinstance(layer, Linear):
            return layer.name
        if not isinstance(layer, Softmax | Dropout):
            break
    raise UsageError(f"net `{net.name}` does not end in a Linear layer, which transfer puts a new one in the place of")


def with_new_head(start: Start, classes: int, seed: int = 0) -> tuple[Network, str]:
    """Build the net with the trained weights, but for a new last layer for that many classes; and that layer's name.

    The new layer's weights are drawn from He's distribution scaled to a hundredth, so that every class begins about
    equally probable; its biases are 0.
    """
    net = get_net(start.net, **{**start.arguments, "classes": classes}).without_heads()
    head = classifier(net)
    module = build(net, init="zeros")
    own = module.state_dict()
    tensors = {name: value for name, value in start.tensors.items() if not name.startswith(f"{head}.")}
    for name in own:
        if name.startswith(f"{head}."):
            tensors[name] = own[name]
    fill(module, {**counters(own, tensors), **tensors}, start.source)
    layer = module.get_submodule(head)
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        std = 0.01 * (2 / layer.in_features) ** 0.5
        layer.weight.normal_(0.0, std, generator=torch.Generator().manual_seed(seed))
    return module, head


def blocks(module: Network, head: str) -> list[tuple[str, ...]]:
    """The parts that hold weights, first to last, without the head: tuples of dotted names that belong together.

    A residual block, an inception module, or a convolution with its BatchNorm is one; repetitions count singly.
    """
    found: list[tuple[str, ...]] = []
    for layer in module.declaration.layers:
        if layer.name == head or isinstance(layer, Softmax):
            continue
        part = module.get_submodule(layer.name)
        parts = [(f"{layer.name}.{name}", child) for name, child in part.named_children()]
        for name, child in parts if isinstance(layer, Repeat) else [(layer.name, part)]:
            if not any(True for _ in child.parameters()):
                continue
            if isinstance(child, BatchNorm) and found:
                found[-1] = (*found[-1], name)
            else:
                found.append((name,))
    return found


def freeze(module: Network, head: str, mode: Mode, count: int = 1) -> tuple[list[nn.Module], tuple[str, ...]]:
    """Let only some parts learn: the head ("head", "features"), also the last `count` blocks ("partial"), or all.

    Returns the modules that rest, which have to be in evaluation mode while the others train (see
    `casecnn.vision.training.run.classification_loss`): so their BatchNorm's running averages do not move and their
    dropout does nothing. Also the names of the blocks that learn. Raises UsageError for a count that is out of range.
    """
    parts = blocks(module, head)
    if mode == "partial":
        whole("blocks_count", count, 1, len(parts))
    first = {"all": 0, "partial": len(parts) - count}.get(mode, len(parts))
    learning = [name for part in parts[first:] for name in part] + [head]
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    for name in learning:
        for parameter in module.get_submodule(name).parameters():
            parameter.requires_grad_(True)
    resting = []
    for name, part in module.named_modules():
        if name in learning or name.startswith(tuple(f"{part}." for part in learning)):
            break  # dropout behind the first part that learns goes on working
        if name and not list(part.children()):
            resting.append(part)
    return resting, tuple(learning)
