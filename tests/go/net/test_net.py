"""The policy network's declaration against the paper's arithmetic."""

from __future__ import annotations

import pytest
import torch

from casecnn.errors import UsageError
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build


@pytest.mark.parametrize(("k", "parameters"), [(128, 1_777_641), (192, 3_882_793), (256, 6_798_953), (384, 15_064_297)])
def test_parameters_of_the_papers_nets(k, parameters):
    net = policy_net(k)
    assert net.parameters == parameters
    assert net.macs == 361 * (25 * 48 * k + 11 * 9 * k * k + k)
    assert net.output_shape == (361,)


def test_macs_of_the_match_version():
    assert policy_net(192).macs == 1_400_726_208


def test_layers_and_sizes():
    net = policy_net(4, layers=5, size=9)
    assert [row.name for row in net.rows if row.parameters] == [
        "conv1", "conv2", "conv3", "conv4", "conv5", "position_bias",
    ]  # fmt: skip
    assert build(net, seed=0)(torch.zeros(2, 48, 9, 9)).shape == (2, 81)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"layers": 2}, {"size": 4}, {"size": 26}])
def test_wrong_arguments_are_refused(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(UsageError, match=rf"^`{name}` \(={value}\) must be "):
        policy_net(**wrong)
