"""Torchvision's parameter names and ours, both ways, for the nets that both have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from casecnn.errors import InputError, UsageError
from casecnn.layers import BatchNorm, Conv, Linear, Net, Row

T = TypeVar("T")

SHARED: dict[str, str] = {
    "alexnet-torchvision": "alexnet",
    **{f"vgg{depth}{bn}": f"vgg{depth}{bn.replace('-', '_')}" for depth in (11, 13, 16, 19) for bn in ("", "-bn")},
    "googlenet-torchvision": "googlenet",
    **{name: name.removesuffix("-b") for name in ("resnet18", "resnet34", "resnet18-b", "resnet34-b")},
    **{f"resnet{depth}-v1.5": f"resnet{depth}" for depth in (50, 101, 152)},
}
"""Our net's name -> torchvision's name of the same net."""

INCEPTION = {
    "conv1x1": "branch1",
    "reduce3x3": "branch2.0",
    "conv3x3": "branch2.1",
    "reduce5x5": "branch3.0",
    "conv5x5": "branch3.1",
    "pool_proj": "branch4.1",
}
STEM = {"conv1": "conv1", "conv2_reduce": "conv2", "conv2": "conv3"}
ALEXNET = {"conv1": "features.0", "conv2": "features.3", "conv3": "features.6", "conv4": "features.8",
           "conv5": "features.10", "fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"}  # fmt: skip
VGG_HEAD = {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}


def from_torchvision(net: Net, state: Mapping[str, T]) -> dict[str, T]:
    """A state dict of torchvision's net with our names: values are handed on as they are.

    ``net`` is the declaration of `SHARED`, with any number of classes; without its auxiliary heads
    (`Net.without_heads`), those of the file are left out. Counters of seen batches (``num_batches_tracked``), which
    old files lack and nothing here needs, are left out where they are absent.

    Raises UsageError for a net that torchvision does not have, InputError where a key is missing or unknown.
    """
    return translated(net, state, key_pairs(net), f"torchvision's {torchvision_name(net)}")


def to_torchvision(net: Net, state: Mapping[str, T]) -> dict[str, T]:
    """A state dict of ours with torchvision's names; the same errors as `from_torchvision`."""
    pairs = {ours: theirs for theirs, ours in key_pairs(net).items()}
    return translated(net, state, pairs, f"a `{net.name}`")


def torchvision_name(net: Net) -> str:
    """Torchvision's name of the net; UsageError where it does not have it."""
    if net.name not in SHARED:
        raise UsageError(f"torchvision has no net `{net.name}`; it shares {', '.join(SHARED)}")
    return SHARED[net.name]


def key_pairs(net: Net) -> dict[str, str]:
    """Torchvision's state-dict key -> ours, for every parameter and running average of the net."""
    modules = module_pairs(net)
    pairs = {}
    for row in net.rows:
        for suffix in suffixes(row):
            pairs[f"{modules[row.name]}.{suffix}"] = f"{row.name}.{suffix}"
    return pairs


def suffixes(row: Row) -> tuple[str, ...]:
    """The names of a layer's own tensors."""
    if isinstance(row.layer, BatchNorm):
        return "weight", "bias", "running_mean", "running_var", "num_batches_tracked"
    if isinstance(row.layer, Conv | Linear):
        return ("weight", "bias") if row.layer.bias else ("weight",)
    return ()


def module_pairs(net: Net) -> dict[str, str]:
    """The dotted name of each layer with parameters -> the name of torchvision's module."""
    theirs = torchvision_name(net)
    names = [row.name for row in net.rows if suffixes(row)]
    if theirs == "alexnet":
        return {name: ALEXNET[name] for name in names}
    if theirs.startswith("vgg"):
        return vgg_modules(net)
    rename = resnet_module if theirs.startswith("resnet") else googlenet_module
    return {name: rename(name) for name in names}


def vgg_modules(net: Net) -> dict[str, str]:
    """VGG's convolutions are numbered together with the BatchNorms, ReLUs and pools between them."""
    pairs, number = {}, 0
    for row in net.rows:
        if row.name in VGG_HEAD:
            pairs[row.name] = VGG_HEAD[row.name]
        elif row.kind in ("Conv", "BatchNorm"):
            pairs[row.name] = f"features.{number}"
            number += 2 if getattr(row.layer, "activation", None) else 1
        elif row.kind == "MaxPool":
            number += 1
    return pairs


def resnet_module(name: str) -> str:
    """``conv3_x.2.block.body.norm1`` is ``layer2.1.bn1``; ``….shortcut.conv`` is ``….downsample.0``."""
    if found := re.fullmatch(r"conv(\d)_x\.(\d+)\.block\.body\.(conv|norm)(\d)", name):
        stage, block, kind, number = found.groups()
        return f"layer{int(stage) - 1}.{int(block) - 1}.{'bn' if kind == 'norm' else kind}{number}"
    if found := re.fullmatch(r"conv(\d)_x\.(\d+)\.block\.shortcut\.(conv|norm)", name):
        stage, block, kind = found.groups()
        return f"layer{int(stage) - 1}.{int(block) - 1}.downsample.{0 if kind == 'conv' else 1}"
    return {"conv1": "conv1", "norm1": "bn1", "fc": "fc"}[name]


def googlenet_module(name: str) -> str:
    """``inception3a.conv5x5_norm`` is ``inception3a.branch3.1.bn``, ``conv2_reduce`` is ``conv2.conv``."""
    if name.endswith(("fc", "fc1", "fc2")):
        return name
    conv = name.removesuffix("_norm")
    part = "bn" if conv != name else "conv"
    block, _, inner = conv.rpartition(".")
    if block.startswith("inception"):
        return f"{block}.{INCEPTION[inner]}.{part}"
    return f"{block}.conv.{part}" if block else f"{STEM[conv]}.{part}"


def translated(net: Net, state: Mapping[str, T], pairs: Mapping[str, str], what: str) -> dict[str, T]:
    """The values under their new keys, in the new net's order; InputError where the keys are not those of ``what``."""
    heads = any(row.auxiliary for row in net.rows)
    found = {key for key in state if heads or not key.startswith("aux")}
    lacking = {key for key in set(pairs) - found if not key.endswith("num_batches_tracked")}
    wrong = [
        f"has {no}'{min(keys)}'" + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")
        for no, keys in (("no ", lacking), ("", found - set(pairs)))
        if keys
    ]
    if wrong:
        raise InputError(f"not the weights of {what}: the file {', but '.join(wrong)}")
    return {new: state[old] for old, new in pairs.items() if old in found}
