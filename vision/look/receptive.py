"""Where in the input an element of a feature map looks: the exact window, padding and strides followed back."""

from __future__ import annotations

from casecnn.layers.layer import chain_window
from casecnn.layers.net import Net
from casecnn.layers.shapes import Window

__all__ = ["Window", "window"]


def window(net: Net, layer: str, row: int = 0, column: int = 0) -> Window:
    """The window of the net's input that the element (row, column) of the output of ``layer`` depends on.

    ``layer`` is a dotted name, ``row`` and ``column`` are 0 for a vector, which looks at everything. The height and
    width of an inner element's window are the layer's receptive field. Raises InputError for a name that the net lacks.
    """
    net.row(layer)
    return chain_window(net.layers, net.input, Window(row, column, row + 1, column + 1), layer.split("."))
