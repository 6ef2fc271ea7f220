"""The nets by name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

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

CATALOGUE: dict[str, Declaration] = {}
"""Every net, in the order of the years."""

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
for _row in _ROWS:
    if _row.name in CATALOGUE:
        raise ValueError(f"two nets are called `{_row.name}`")
    CATALOGUE[_row.name] = _row


def declaration(name: str, widths: Sequence[int] = ()) -> Declaration:
    """The row with that name, or the row that a pattern declares, with ``widths`` (see `casecnn.nets.pattern`).

    Raises UsageError, with the nearest names, where there is none; for a pattern that cannot be read; for widths that
    are not those of a pattern.
    """
    if is_pattern(name):
        return pattern_row(name, widths)
    if widths:
        raise UsageError(f"net '{name}' has its paper's widths; widths go with a pattern like '[CONV-RELU-POOL]*2-FC'")
    if name in CATALOGUE:
        return CATALOGUE[name]
    close = get_close_matches(name.lower(), CATALOGUE, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(close)}?" if close else "`casecnn vision list` shows them all"
    raise UsageError(f"there is no net '{name}'; {remedy}")


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
