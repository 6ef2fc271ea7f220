"""Images made for a net: what is ascended rises, what is inverted comes back, and the same seed finds the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.layers import Conv, Flatten, Linear, MaxPool, Net
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.look.canvas import Canvas, moved, output_at, total_variation
from casecnn.vision.look.inversion import depths, invert
from casecnn.vision.look.maximisation import maximise
from casecnn.vision.look.relu_gradients import Opened
from casecnn.vision.pipeline.preprocess import Preprocess

torch.set_num_threads(1)
HOW = Preprocess((12, 12), None, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
SMALL = Net(
    "small",
    (3, 12, 12),
    (
        Conv("conv1", 6, 3, padding=1, activation="relu"),
        MaxPool("pool1", 2),
        Conv("conv2", 5, 3, activation="relu"),
        Flatten("flat"),
        Linear("fc", 3),
    ),
)


def bars(vertical: bool) -> np.ndarray:
    """Stripes four pixels wide, light and dark."""
    rows = np.tile(np.repeat(np.array([30, 220], np.uint8), 4), 2)[:12]
    stripes = np.broadcast_to(rows, (12, 12)) if vertical else np.broadcast_to(rows[:, None], (12, 12))
    return np.repeat(stripes[..., None], 3, 2)


def test_a_canvas_begins_nearly_at_the_mean_colour_and_stays_from_0_to_1():
    canvas = Canvas(HOW, 2, torch.Generator().manual_seed(0))
    pixels = canvas.pixels()
    assert pixels.shape == (2, 3, 12, 12) and canvas.images().shape == (2, 12, 12, 3)
    torch.testing.assert_close(pixels.mean((0, 2, 3)), torch.tensor(HOW.mean), atol=0.03, rtol=0)
    with torch.no_grad():
        canvas.values *= 1e4
    darkest, lightest = canvas.pixels().detach().aminmax()
    assert 0 <= float(darkest) < 0.01 and 0.99 < float(lightest) <= 1


def test_a_canvas_finds_any_image_it_is_asked_for():
    goal = torch.from_numpy(bars(True)).permute(2, 0, 1)[None] / 255
    canvas = Canvas(HOW, 1, torch.Generator().manual_seed(0))
    canvas.search(lambda pixels, _: (pixels - goal).square().mean(), 200, 0.1, "test")
    assert float((canvas.pixels() - goal).detach().abs().max()) < 0.05


def test_moved_images_stay_what_they_are():
    goal = torch.from_numpy(bars(False)).permute(2, 0, 1)[None].float()
    still = moved(goal, torch.Generator().manual_seed(0), 0, 0, 0)
    torch.testing.assert_close(still, goal, atol=1e-3, rtol=0)
    other = moved(goal, torch.Generator().manual_seed(0))
    assert other.shape == goal.shape and float((other - goal).abs().max()) > 5
    assert float(total_variation(torch.full((1, 3, 4, 4), 0.3))) == 0


def test_a_pass_ends_where_it_is_asked_to():
    module, x = build(SMALL, seed=0).eval(), torch.randn(2, 3, 12, 12)
    expected = module.conv1(x)
    torch.testing.assert_close(output_at(module, "conv1", x), expected)
    torch.testing.assert_close(output_at(module, None, x), module(x))
    assert not module.conv1._forward_hooks
    residual = build(get_net("resnet20"), seed=0).eval()
    assert output_at(residual, "stage2.1.block", torch.randn(1, 3, 32, 32)).shape == (1, 32, 16, 16)


def test_opened_units_let_the_gradient_pass():
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    with Opened():
        y = torch.relu(x)
    assert y.tolist() == [0, 2]
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [1, 1]


@pytest.mark.parametrize(("layer", "units"), [(None, [2, 0]), ("conv2", [1, 4]), ("conv1", [0])])
def test_what_is_maximised_rises_above_what_any_image_gives(layer, units):
    module = build(SMALL, seed=1).train()
    found = maximise(module, HOW, units, layer, steps=60, seed=3)
    assert module.training and all(p.requires_grad and p.grad is None for p in module.parameters())
    images = np.concatenate([np.random.default_rng(0).integers(0, 256, (60, 12, 12, 3), np.uint8),
                             bars(True)[None], bars(False)[None]])  # fmt: skip
    x = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - torch.tensor(HOW.mean).view(3, 1, 1)) / 0.2
    with torch.no_grad():
        output = output_at(module.eval(), layer, x)[:, units]
    best = (output.flatten(2).mean(2) if output.dim() > 2 else output).amax(0).numpy()
    assert (found.after > found.before).all() and (found.after > best).all()
    again = maximise(module, HOW, units, layer, steps=60, seed=3)
    np.testing.assert_array_equal(found.images, again.images)


def test_maximising_what_is_not_there_is_refused():
    module = build(SMALL, seed=1)
    with pytest.raises(UsageError, match=r"`target` \(=3\) must be"):
        maximise(module, HOW, [3])
    with pytest.raises(UsageError, match=r"`channels` \(=9\) must be"):
        maximise(module, HOW, [9], "conv1")
    with pytest.raises(UsageError, match=r"`steps` \(=0\) must be"):
        maximise(module, HOW, [0], steps=0)


def test_the_first_layer_gives_an_image_back_and_the_last_does_not():
    module = build(SMALL, seed=2)
    first, last = (invert(module, HOW, bars(True), layer, steps=150) for layer in ("conv1", "fc"))
    gap = [np.abs(one.image.astype(int) - bars(True)).mean() for one in (first, last)]
    assert first.distance < 0.3 and last.distance < 0.05
    assert gap[0] < 40 and gap[1] > 2 * gap[0]


def test_depths_go_from_the_first_convolution_to_the_logits():
    assert depths(get_net("lenet5")) == ["c1", "c3", "c5", "f6", "output"]
    found = depths(get_net("resnet50"))
    assert found[0] == "conv1" and found[-1] == "fc" and all(name.endswith(".block") for name in found[1:-1])
    assert depths(get_net("googlenet"))[1] == "inception3a"


def test_the_commands_draw_and_tell(tmp_path, capsys):
    out = str(tmp_path / "x.png")
    arguments = ["vision", "visualise", "maximise", "lenet5", "-o", out, "--search-steps", "80", "--format", "json"]
    assert main(arguments) == 0
    rows = json.loads(capsys.readouterr().out)["classes"]
    assert [row["class"] for row in rows] == [str(digit) for digit in range(10)]
    assert all(row["logit"] > row["at_start"] + 2 for row in rows) and sum(row["probability"] > 0.9 for row in rows) > 6
    assert main([*arguments, "--class", "3"]) == 0
    assert [row["class"] for row in json.loads(capsys.readouterr().out)["classes"]] == ["3"]
    assert main([*arguments, "--feature-maps", "0,2"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["layer"] == "c3" and [row["channel"] for row in facts["maps"]] == [0, 2]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)).save(tmp_path / folder / "1.png")
    files = [str(tmp_path / folder / "1.png") for folder in ("a", "b")]
    assert (
        main(["vision", "visualise", "invert", "lenet5", *files, "-o", out, "--search-steps", "5", "--format", "json"])
        == 0
    )
    facts = json.loads(capsys.readouterr().out)
    assert [row["picture"] for row in facts["pictures"]] == ["a/1.png", "b/1.png"]
    assert [row["layer"] for row in facts["pictures"][0]["layers"]] == ["c1", "c3", "c5", "f6", "output"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["maximise", "lenet5", "a.png"], "'maximise' looks at the net alone; leave out the images"),
        (["filters", "lenet5", "--data", "mnist"], "leave out the `--data`"),
        (["maximise", "lenet5", "--layer", "c9"], "net `lenet5` has no layer `c9`; its layers are c1, s2"),
        (["maximise", "lenet5", "--layer", "c3", "--class", "1"], "exclude each other; leave out one"),
        (["maximise", "lenet5", "--search-steps", "0"], "`--search-steps` (=0) must be a whole number of at least 1"),
        (["maximise", "lenet5", "--feature-maps", "40"], "`--feature-maps` (=40) must be a whole number from 0 to 15"),
        (["saliency", "lenet5", "a.png", "--layer", "c1"], "'saliency' has no use for `--layer` (=c1); it belongs to"),
        (["embed", "lenet5", "a.png"], "'embed' lays out a data set; give `--data` in place of images"),
        (["invert", "lenet5"], "'invert' needs either `IMAGE` or `--data`; give one"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path, capsys, arguments, words):
    assert main(["vision", "visualise", *arguments, "-o", str(tmp_path / "x.png")]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
