"""Grad-CAM, against the formulas written as loops and against CAM, which it generalises."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from casecnn.errors import InputError, UsageError
from casecnn.layers import BatchNorm, Conv, Flatten, GlobalMeanPool, Linear, MaxPool, Net, ReLU, Softmax
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.look.gradcam import grad_cam, last_maps

torch.set_num_threads(1)

CAM = Net(
    "cam",
    (2, 9, 7),
    (Conv("conv", 5, 3, activation="relu"), GlobalMeanPool("pool"), Linear("fc", 4), Softmax("softmax")),
)
DEEP = Net(
    "deep",
    (1, 12, 12),
    (
        Conv("conv1", 3, 3, bias=False),
        BatchNorm("norm1", activation="relu"),
        Conv("conv2", 4, 3),
        ReLU("relu2"),
        MaxPool("pool", 2),
        Flatten("flat"),
        Linear("fc1", 6, activation="relu"),
        Linear("fc2", 3),
    ),
)


def images(net: Net, n: int = 3) -> torch.Tensor:
    return torch.randn(n, *net.input, generator=torch.Generator().manual_seed(5))


def test_after_global_average_pooling_it_is_cam():
    """There a_k is w_k / cells, so the map is ReLU(sum_k w_k A_k) / cells (Zhou et al. 2016)."""
    module = build(CAM, seed=1)
    x = images(CAM)
    found = grad_cam(module, x, torch.tensor([0, 3, 3]), "conv")
    maps = module.conv(x).detach().numpy()
    weight = module.fc.weight.detach().numpy()
    for n, c in enumerate((0, 3, 3)):
        expected = np.zeros((7, 5))
        for k in range(5):
            for i, j in np.ndindex(7, 5):
                expected[i, j] += weight[c, k] * maps[n, k, i, j] / 35
        np.testing.assert_allclose(found.maps[n], np.maximum(expected, 0), atol=1e-6)


@pytest.mark.parametrize("layer", ["conv1", "norm1", "conv2", "pool"])
def test_the_weights_are_mean_slopes_by_finite_differences(layer):
    module = build(DEEP, seed=2).double().eval()
    x = images(DEEP, 1).double()
    parts = list(module.named_children())
    place = [name for name, _ in parts].index(layer)

    def logit(maps: torch.Tensor) -> float:
        y = maps.clone()
        for _, part in parts[place + 1 :]:
            y = part(y)
        return y[0, 1].item()

    with torch.no_grad():
        maps = x
        for _, part in parts[: place + 1]:
            maps = part(maps.clone())
        slopes = torch.zeros_like(maps)
        for index in np.ndindex(*maps.shape):
            for sign in (1, -1):
                moved = maps.clone()
                moved[index] += sign * 1e-6
                slopes[index] += sign * logit(moved) / 2e-6
    expected = torch.relu((slopes.mean((2, 3), keepdim=True) * maps).sum(1))
    found = grad_cam(module, x, torch.tensor([1]), layer)
    torch.testing.assert_close(found.maps.double(), expected, atol=1e-5, rtol=1e-3)


def test_without_classes_each_image_gets_its_most_probable_one():
    module = build(CAM, seed=1)
    x = images(CAM)
    found = grad_cam(module, x)
    probabilities = module(x).softmax(1)
    assert found.classes.tolist() == probabilities.argmax(1).tolist() and found.layer == "conv"
    torch.testing.assert_close(found.probabilities, probabilities.amax(1).detach())
    large = found.enlarged(9, 7)
    assert large.shape == (3, 9, 7) and large.max() == 1 and large.min() >= 0


def test_the_net_is_left_as_it_was():
    module = build(DEEP, seed=2).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    grad_cam(module, images(DEEP))
    assert module.training and module.norm1.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())
    assert not module.get_submodule("pool")._forward_hooks


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lenet5", "c3"),
        ("alexnet", "conv5"),
        ("vgg16", "conv5_3"),
        ("googlenet", "inception5b"),
        ("resnet20", "stage3.3.block"),
        ("resnet50-v1.5", "conv5_x.3.block"),
        ("plain20", "stage3.3.relu"),
    ],
)
def test_the_usual_layer_of_the_nets(name, layer):
    assert last_maps(get_net(name)) == layer


def test_it_works_inside_blocks():
    net = get_net("resnet20")
    found = grad_cam(build(net, seed=0), torch.randn(2, *net.input), layer="stage3.1.block.body.norm1")
    assert found.maps.shape == (2, 8, 8)


def test_what_is_asked_wrongly_is_told():
    module = build(CAM, seed=1)
    with pytest.raises(UsageError, match="layer `fc` gives no maps, so Grad-CAM cannot be taken there; try `conv`"):
        grad_cam(module, images(CAM), layer="fc")
    with pytest.raises(InputError, match="no layer `conv7`"):
        grad_cam(module, images(CAM), layer="conv7")
    with pytest.raises(UsageError, match=r"must be from 0 to 3"):
        grad_cam(module, images(CAM), torch.tensor([0, 4, 1]))
