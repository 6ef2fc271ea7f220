"""Gradients of a class in the pixels, plain and guided, and the class that is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.layers import Conv, Flatten, Linear, Net
from casecnn.torch_net.build import build
from casecnn.vision.look.evidence import output_of
from casecnn.vision.look.saliency import pixel_gradients, saliency

NET = Net(
    "small",
    (1, 6, 6),
    (Conv("c1", 3, 3, activation="relu"), Conv("c2", 2, 3, activation="relu"), Flatten("flat"), Linear("fc", 3)),
)


def by_hand(module, x, target, guided):
    """The two convolutions and the linear layer backwards, written out with transposed convolutions."""
    state = module.state_dict()
    a = torch.conv2d(x, state["c1.weight"], state["c1.bias"])
    b = torch.conv2d(a.clamp_min(0), state["c2.weight"], state["c2.bias"])
    gradient = state["fc.weight"][target].view_as(b)
    for y, weight in ((b, state["c2.weight"]), (a, state["c1.weight"])):
        gradient = (gradient.clamp_min(0) if guided else gradient) * (y > 0)
        gradient = torch.conv_transpose2d(gradient, weight)
    return gradient


@pytest.mark.parametrize("guided", [False, True])
def test_the_gradient_is_the_one_written_out(guided):
    module = build(NET, seed=3).train()
    x = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    found = pixel_gradients(module, x, torch.tensor([2, 0]), guided=guided)
    for number, target in enumerate((2, 0)):
        expected = by_hand(module, x[number : number + 1], target, guided)
        torch.testing.assert_close(found[number : number + 1], expected, atol=1e-5, rtol=1e-4)
    assert module.training and all(p.grad is None for p in module.parameters())


def test_a_saliency_map_is_the_largest_size_over_the_channels():
    gradient = torch.tensor([[[[1.0, -4.0]], [[-2.0, 3.0]]]])
    assert saliency(gradient).tolist() == [[[0.5, 1.0]]]
    assert saliency(torch.zeros(1, 3, 2, 2)).tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_a_class_is_asked_for_by_name_or_number():
    assert output_of("Cat", ("dog", "cat"), 2) == 1 == output_of("1", ("dog", "cat"), 2)
    assert output_of("1", ("1", "0"), 2) == 0  # a name counts before a number
    with pytest.raises(UsageError, match="there is no class 'catt'; did you mean cat"):
        output_of("catt", ("dog", "cat"), 2)
    with pytest.raises(UsageError, match="there is no class 'pink'; choose 'dog', 'cat', or a number from 0 to 1"):
        output_of("pink", ("dog", "cat"), 2)
    with pytest.raises(UsageError, match="choose a number from 0 to 4"):
        output_of("9", (), 5)


@pytest.mark.parametrize("what", ["saliency", "guided", "gradcam"])
def test_the_command_draws_the_class_that_is_asked_for(tmp_path, capsys, what):
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    arguments = ["vision", "visualise", what, "lenet5", str(tmp_path / "a.png"), "-o", str(tmp_path / "x.png")]
    assert main([*arguments, "--class", "7", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [row["class"] for row in facts["pictures"][0]["classes"]] == ["7"]
    assert main([*arguments, "--class", "seven"]) == 2
    assert "there is no class 'seven'" in capsys.readouterr().err
