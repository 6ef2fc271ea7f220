"""The nets by name."""

from __future__ import annotations

from difflib import get_close_matches

from casecnn.errors import UsageError
from casecnn.layers import Net
from casecnn.shapes import Pair
from casecnn.vision.nets.alexnet import ALEXNETS, ZFNETS
from casecnn.vision.nets.cifar import CIFAR_NETS
from casecnn.vision.nets.declaration import Declaration
from casecnn.vision.nets.lenet import LENETS
from casecnn.vision.nets.resnet import RESNETS
from casecnn.vision.nets.vgg import VGGS

CATALOGUE: dict[str, Declaration] = {}
"""Every net, in the order of the years."""

for _row in (*LENETS, *ALEXNETS, *ZFNETS, *VGGS, *RESNETS, *CIFAR_NETS):
    if _row.name in CATALOGUE:
        raise ValueError(f"two nets are called `{_row.name}`")
    CATALOGUE[_row.name] = _row


def declaration(name: str) -> Declaration:
    """The row of the catalogue; raises UsageError, with the nearest names, where there is none."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    close = get_close_matches(name.lower(), CATALOGUE, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(close)}?" if close else "`casecnn vision list` shows them all"
    raise UsageError(f"there is no net '{name}'; {remedy}")


def get_net(
    name: str, classes: int | None = None, in_channels: int | None = None, size: int | Pair | None = None
) -> Net:
    """The Net with that name, as published unless told otherwise.

    ``classes`` is the number of outputs, ``in_channels`` that of the input's maps, ``size`` the input's height and
    width in pixels (a number or a pair).

    >>> get_net("vgg16").parameters
    138357544
    >>> get_net("lenet5", in_channels=3, classes=43).output_shape
    (43,)

    Raises UsageError for an unknown name or a number below 1, ShapeError (an InputError) for a size that does not fit.
    """
    return declaration(name).net(classes, in_channels, size)
