"""Which part of a layer's input a part of its output depends on."""

from __future__ import annotations

import pytest

from casecnn import layers
from casecnn.errors import InputError
from casecnn.layers.composite import start
from casecnn.layers.shapes import Window

WINDOWED = [
    layers.Conv("c", 2, 3, 2, 1, dilation=2, rounding="floor"),
    layers.MaxPool("p", 3, 2, 1, rounding="ceil"),
    layers.MeanPool("p", (2, 3), padding="same"),
    layers.TableConv("t", ((0,), (0, 1)), 5, padding=2),
    layers.Subsampling("s", 2),
]


@pytest.mark.parametrize("layer", WINDOWED, ids=lambda layer: layer.kind)
def test_a_windows_size_is_the_receptive_field_and_neighbours_are_a_stride_apart(layer):
    shape = (2, 12, 12)
    first, below = (layer.input_window(shape, Window(row, 2, row + 1, 3)) for row in (2, 3))
    field = layer.field(start(shape))
    assert (first.bottom - first.top, first.right - first.left) == field.size
    assert below.top - first.top == field.jump[0] and below.left == first.left


def test_what_has_no_cells_looks_at_everything_and_the_rest_at_its_own_place():
    seen = Window(1, 2, 3, 4)
    assert layers.ReLU("r").input_window((3, 8, 8), seen) == seen
    for layer in (layers.Flatten("f"), layers.GlobalMeanPool("g")):
        assert layer.input_window((3, 8, 9), Window(0, 0, 1, 1)) == Window(0, 0, 8, 9)
    assert layers.Linear("l", 4).input_window((7,), Window(0, 0, 1, 1)) == Window(0, 0, 1, 1)
    with pytest.raises(InputError, match="^layer `r` has no part `x`$"):
        layers.ReLU("r").part_window((3, 8, 8), ["x"], seen)
