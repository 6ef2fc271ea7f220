"""Images as points of the plane: groups stay together, the numbers are those of the features."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from class_folders import write_folders
from PIL import Image

from casecnn.cli import main
from casecnn.errors import InputError
from casecnn.layers import Conv, GlobalMeanPool, Linear, Net
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.look.embedding import before_the_classes, draw_embedding, embed, features, nearest_agree
from casecnn.vision.pipeline.images import Decoded, normalised
from casecnn.vision.pipeline.preprocess import Preprocess

torch.set_num_threads(1)
HOW = Preprocess((8, 8), None)
NET = Net("small", (3, 8, 8), (Conv("conv1", 6, 3), GlobalMeanPool("pool"), Linear("fc", 2)))


def dark_and_light(n: int = 40) -> Decoded:
    random = np.random.default_rng(0)
    labels = np.arange(n) % 2
    pixels = random.integers(0, 60, (n, 8, 8, 3)) + 180 * labels[:, None, None, None]
    return Decoded(pixels.astype(np.uint8), labels)


def test_features_are_the_means_of_maps_or_the_units():
    module, data = build(NET, seed=0).eval(), dark_and_light()
    values, labels, numbers = features(module, "conv1", data, HOW)
    expected = module.conv1(normalised(data.pixels, HOW)).mean((2, 3)).detach().numpy()
    np.testing.assert_allclose(values, expected, atol=1e-5)
    assert labels.tolist() == data.labels.tolist() and numbers.tolist() == list(range(40))
    np.testing.assert_allclose(features(module, "pool", data, HOW)[0], expected, atol=1e-5)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_two_groups_are_apart(method):
    module, data = build(NET, seed=0), dark_and_light()
    found = embed(module, "pool", data, HOW, method)
    assert found.neighbours == 1 and found.width == 6 and found.points.shape == (40, 2)
    middles = [found.points[data.labels == label].mean(0) for label in (0, 1)]
    spread = max(found.points[data.labels == label].std(0).max() for label in (0, 1))
    assert np.linalg.norm(middles[0] - middles[1]) > 3 * spread
    assert np.array_equal(found.points, embed(module, "pool", data, HOW, method).points)
    assert (len(found.explained) == 2 and 0.9 < sum(found.explained) <= 1.0001) == (method == "pca")


def test_neighbours_are_counted_without_the_row_itself():
    values = np.array([[0.0], [0.0], [5.0], [5.1]])
    assert nearest_agree(values, np.array([0, 0, 1, 1])) == 1
    assert nearest_agree(values, np.array([0, 1, 1, 1])) == 0.5


def test_too_little_to_lay_out_is_said():
    module, data = build(NET, seed=0), dark_and_light(4)
    with pytest.raises(InputError, match="4 images are too few"):
        embed(module, "pool", data, HOW)
    with pytest.raises(InputError, match="gives the same for all images"):
        embed(build(NET, init="zeros"), "pool", dark_and_light(), HOW)


@pytest.mark.parametrize(
    ("net", "layer"),
    [("lenet5", "f6"), ("resnet18", "pool5"), ("vgg16", "fc7"), ("alexnet", "fc7"), ("googlenet", "pool5")],
)
def test_the_layer_before_the_classes(net, layer):
    assert before_the_classes(get_net(net)) == layer


@pytest.mark.parametrize("classes", [3, 30])
def test_a_figure_of_few_and_of_many_classes(tmp_path, classes):
    module, data = build(NET, seed=0), dark_and_light(60)
    data = Decoded(data.pixels, np.arange(60) % classes)
    draw_embedding(embed(module, "pool", data, HOW, "pca"), [f"kind {n}" for n in range(classes)], tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert ("kind 2" in text) == (classes == 3) and "% of the variance" in text


def test_the_command_gives_points(tmp_path, capsys):
    write_folders(tmp_path / "data", {"": 4}, 28, 28)
    arguments = [
        "vision",
        "visualise",
        "embed",
        "lenet5",
        "--data",
        str(tmp_path / "data"),
        "-o",
        str(tmp_path / "e.png"),
    ]
    assert main([*arguments, "--method", "pca", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["layer"] == "f6" and facts["features"] == 84 and len(facts["images"]) == 12
    assert {row["class"] for row in facts["images"]} == {"bright", "dark", "striped"}
    with Image.open(tmp_path / "e.png") as image:
        assert image.width > 500
    assert main([*arguments, "--search-steps", "3"]) == 2
    assert "'embed' has no use for `--search-steps` (=3)" in capsys.readouterr().err
    assert main([*arguments[:-1], str(tmp_path / "e.jpg")]) == 2
    assert "must end in .png, .svg or .pdf" in capsys.readouterr().err
