"""Every net of the catalogue made narrow and small, for suites that run over all of them."""

from __future__ import annotations

import dataclasses

from casecnn.layers import AuxiliaryHead, Branches, Conv, Layer, Linear, Net, Repeat, Residual
from casecnn.nets.catalogue import CATALOGUE, declaration


def narrow(layer: Layer, by: int) -> Layer:
    """The same layer with so many times fewer channels or units."""

    def less(width: int, groups: int = 1) -> int:
        return min(max(width // by // groups, 4) * groups, width)

    match layer:
        case Conv():
            return dataclasses.replace(layer, channels=less(layer.channels, layer.groups))
        case Linear():
            return dataclasses.replace(layer, units=less(layer.units))
        case Residual():
            return dataclasses.replace(layer, body=tuple(narrow(part, by) for part in layer.body))
        case Branches():
            chains = tuple(tuple(narrow(part, by) for part in chain) for chain in layer.branches)
            return dataclasses.replace(layer, branches=chains)
        case AuxiliaryHead():
            return dataclasses.replace(layer, layers=tuple(narrow(part, by) for part in layer.layers))
        case Repeat():
            inner, first = (tuple(narrow(part, by) for part in chain) for chain in (layer.layers, layer.first))
            return Repeat(layer.name, min(layer.times, 2), inner, first)
    return layer


SIZES = {"alexnet": 67, "zfnet": 75, "vgg": 32, "googlenet": 96, "nin-imagenet": 67, "resnet": 32, "plain": 32}


def small(name: str) -> Net:
    """The net, up to 16 times narrower but not under 4 channels, for a small input; LeNets as they are."""
    row = declaration(name)
    size = next((size for start, size in SIZES.items() if name.startswith(start)), None)
    if name == "alexnet-torchvision":
        size = 64
    net = row.net(size=size)
    if name.startswith("lenet"):
        return net
    return Net(net.name, net.input, tuple(narrow(layer, 16) for layer in net.layers))


EVERY = [name for name in CATALOGUE if name not in ("resnet110", "resnet1202", "plain110")]
SEVERAL = [
    *("lenet5-1998", "lenet5-tanh", "alexnet-grouped", "vgg11-lrn", "vgg11-bn", "googlenet", "googlenet-torchvision"),
    *("resnet18-c", "resnet50", "plain20", "resnet20", "nin-cifar10", "kim-multichannel"),
]
