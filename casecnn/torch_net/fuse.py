"""Fold BatchNorm into the convolution or linear layer before it, for inference."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from casecnn.torch_net.composite import Branches
from casecnn.torch_net.convolution import Conv, Linear
from casecnn.torch_net.normalisation import BatchNorm

M = TypeVar("M", bound=nn.Module)


def fuse(module: M) -> M:
    """A copy of a built module, in eval mode, with its BatchNorms folded into Conv and Linear.

    `casecnn.torch_net.build` made it. The convolution takes over scale, shift and activation: its output at inference
    is the same up to rounding. Keys of the other parameters stay; a folded convolution always has a bias, and its
    BatchNorm's keys are gone. BatchNorms that cannot be folded stay: those after another layer, or after a convolution
    with an activation of its own. ``module`` is left as it was. The copy is not for training.
    """
    copy = deepcopy(module).eval()
    for part in list(copy.modules()):
        for names in chains(part):
            for before, name in zip(names, names[1:], strict=False):
                conv, norm = part.get_submodule(before), part.get_submodule(name)
                if isinstance(conv, Conv | Linear) and isinstance(norm, BatchNorm):
                    if conv.activation is None:
                        fold(conv, norm)
                        setattr(part, name, nn.Identity())
    return copy


def chains(module: nn.Module) -> list[list[str]]:
    """The names of children that are run one after the other."""
    if isinstance(module, Branches):
        return module.branches
    return [[name for name, _ in module.named_children()]]


@torch.no_grad()
def fold(conv: Conv | Linear, norm: BatchNorm) -> None:
    """Change ``conv`` in place so that it does what ``conv`` and then ``norm`` did at inference."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = -norm.running_mean if conv.bias is None else conv.bias - norm.running_mean
    conv.weight.mul_(scale.view(-1, *[1] * (conv.weight.dim() - 1)))
    conv.bias = nn.Parameter(norm.bias + bias * scale)
    conv.activation = norm.activation
