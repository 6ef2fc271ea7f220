"""Images of nets: which boxes there are, and that words neither overlap nor leave the image."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from PIL import Image

from casecnn.cli import casecnn
from casecnn.errors import InputError
from casecnn.nets.catalogue import CATALOGUE, get_net
from casecnn.vision.tables.boxes import units
from casecnn.vision.tables.diagram import diagram, save_diagram


def test_alexnets_boxes():
    boxes = units(get_net("alexnet"))
    assert [unit.name for unit in boxes] == [
        "input", "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool3", "fc6", "fc7", "fc8",
    ]  # fmt: skip
    assert boxes[1].words == ("11x11, 96 /4",) and boxes[1].volume == (96, 55, 55)
    assert boxes[2].words == ("3x3 max /2", "+ LRN")


def test_stages_branches_and_heads():
    stage = next(unit for unit in units(get_net("resnet152")) if unit.name == "conv4_x")
    assert (stage.kind, stage.times, stage.volume) == ("residual block", 36, (1024, 14, 14))
    assert stage.words == ("1x1, 256", "3x3, 256", "1x1, 1024", "first /2")
    block = next(unit for unit in units(get_net("googlenet")) if unit.name == "inception4a")
    assert block.stripes == (192, 208, 48, 64)
    assert block.head == ("aux1", "1x1, 128", "1,024 units", "1,000 units")
    plain = next(unit for unit in units(get_net("plain34")) if unit.name == "conv3_x")
    assert (plain.kind, plain.times) == ("convolution", 4)


def test_equal_neighbours_are_one_box_where_there_are_many():
    boxes = {unit.name: unit.times for unit in units(get_net("vgg16"))}
    assert boxes["conv3_1 \u2013 conv3_3"] == 3 and boxes["fc6 \u2013 fc7"] == 2 and len(boxes) == 13


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet50", "vgg19", "kim-multichannel", "policy-k192"])
def test_words_neither_overlap_nor_leave_the_picture(name):
    figure = diagram(get_net(name))
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert len(boxes) > 5
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    for number, box in enumerate(boxes):
        for other in boxes[:number]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            down = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or down <= 2, name


def test_every_net_has_boxes_in_rows_of_at_most_twelve():
    for name in CATALOGUE:
        if name not in ("resnet1202", "resnet110", "plain110"):
            assert 2 <= len(units(get_net(name))) <= 36, name


def test_files(tmp_path):
    net = get_net("lenet5")
    save_diagram(net, tmp_path / "net.png")
    with Image.open(tmp_path / "net.png") as image:
        assert image.size == (1920, 1080)
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20) or []}
        assert {(0x56, 0xB4, 0xE9), (0xD5, 0x5E, 0x00), (0x00, 0x9E, 0x73)} <= colours
    save_diagram(net, tmp_path / "a.svg")
    save_diagram(net, tmp_path / "b.SVG")
    first, second = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.svg", "b.SVG"))
    assert first == second and re.search(r"<svg[^>]*>", first) and "Date" not in first
    with pytest.raises(InputError, match="the folder .* does not exist"):
        save_diagram(net, tmp_path / "none" / "net.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.SVG", "net.png"]


def test_the_command_draws(tmp_path):
    target = tmp_path / "pattern.svg"
    arguments = ["vision", "table", "[CONV-RELU-POOL]*2-FC-SOFTMAX", "--image", str(target)]
    result = CliRunner().invoke(casecnn, arguments, catch_exceptions=False)
    assert result.exit_code == 0 and target.stat().st_size > 1000
