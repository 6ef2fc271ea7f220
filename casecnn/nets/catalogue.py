"""The nets by name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from casecnn.choose import pick, table
from casecnn.errors import UsageError
from casecnn.layers import Net
from casecnn.layers.shapes import Pair
from casecnn.nets.alexnet import ALEXNETS, ZFNETS
from casecnn.nets.cifar import CIFAR_NETS
from casecnn.nets.declaration import Declaration
from casecnn.nets.googlenet import GOOGLENETS
from casecnn.nets.lenet import LENETS
from casecnn.nets.lenet1998 import ORIGINAL
from casecnn.nets.nin import NINS
from casecnn.nets.pattern import is_pattern, pattern_row
from casecnn.nets.policy import POLICIES
from casecnn.nets.resnet import RESNETS
from casecnn.nets.sentence import SENTENCE_CNNS
from casecnn.nets.vgg import VGGS

_ROWS: tuple[Declaration, ...] = (
    ORIGINAL,
    *LENETS,
    *ALEXNETS,
    *ZFNETS,
    *NINS,
    *VGGS,
    *GOOGLENETS,
    *RESNETS,
    *CIFAR_NETS,
    *SENTENCE_CNNS,
    *POLICIES,
)
CATALOGUE = table("net", ((row.name, row) for row in _ROWS))
"""Every net, in the order of the years."""


def declaration(name: str, widths: Sequence[int] = ()) -> Declaration:
    """The row with that name, or the row that a pattern declares, with ``widths`` (see `casecnn.nets.pattern`).

    Raises UsageError, with the nearest names, where there is none; for a pattern that cannot be read; for widths that
    are not those of a pattern.
    """
    if is_pattern(name):
        return pattern_row(name, widths)
    if widths:
        raise UsageError(f"net '{name}' has its paper's widths; widths go with a pattern like '[CONV-RELU-POOL]*2-FC'")
    return pick("net", usual_name(name), CATALOGUE, "`casecnn vision list` shows them all")


def usual_name(name: str) -> str:
    """Return the catalogue's spelling of a name: VGG-16, ResNet50 and Lenet_5 are vgg16, resnet50 and lenet5.

    Case, hyphens, underscores, spaces and dots are looked over, and two nets have a second name: LeNet, Inception v1. A
    name that is not found so comes back as it is.
    """
    return _SPELLINGS.get(letters(name), name) if name not in CATALOGUE else name


def letters(name: str) -> str:
    """Return a name without what spellings differ in: case, hyphens, underscores, spaces and dots."""
    return re.sub(r"[-_ .]", "", name.lower())


_SPELLINGS = {letters(name): name for name in reversed(CATALOGUE)} | {"lenet": "lenet5", "inceptionv1": "googlenet"}


def get_net(
    name: str,
    classes: int | None = None,
    in_channels: int | None = None,
    size: int | Pair | None = None,
    widths: Sequence[int] = (),
) -> Net:
    """The Net with that name, as published unless told otherwise, or of a pattern.

    ``classes`` is the number of outputs, ``in_channels`` that of the input's maps, ``size`` the input's height and
    width in pixels (a number or a pair).

    >>> get_net("vgg16").parameters
    138357544
    >>> get_net("lenet5", in_channels=3, classes=43).output_shape
    (43,)
    >>> str(get_net("[(CONV-RELU)*2-POOL]*3-(FC-RELU)*1-FC-SOFTMAX", widths=(32, 64, 128, 256)).output_shape)
    '(10,)'

    Raises UsageError for an unknown name or a number below 1, ShapeError (an InputError) for a size that does not fit.
    """
    return declaration(name, widths).net(classes, in_channels, size)
