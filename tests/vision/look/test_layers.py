"""Layers found by the names of the table and of the drawing."""

from __future__ import annotations

import pytest

from casecnn.errors import UsageError
from casecnn.nets.catalogue import get_net
from casecnn.vision.look.layers import find_layer
from casecnn.vision.tables.boxes import units


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet152", "plain34", "googlenet", "vgg16", "alexnet", "lenet5", "resnet20"]
)
def test_every_box_of_the_drawing_has_a_layer(name):
    net = get_net(name)
    for unit in units(net)[1:]:
        row = net.row(find_layer(net, unit.name))
        assert row.output_shape == unit.volume, unit.name


def test_stages_merged_boxes_and_case():
    net = get_net("resnet18")
    assert find_layer(net, "conv4_x") == "conv4_x.2.block" == find_layer(net, "CONV4_X.2.block")
    assert find_layer(get_net("vgg16"), "conv3_1 – conv3_3") == "conv3_3" == find_layer(get_net("vgg16"), "conv3_3")
    with pytest.raises(UsageError, match="net `resnet18` has no layer `conv9_x`; did you mean conv"):
        find_layer(net, "conv9_x")
    with pytest.raises(UsageError, match="auxiliary head"):
        find_layer(get_net("googlenet"), "aux1.fc1")
