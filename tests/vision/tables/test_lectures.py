"""The lectures' questions: error rates, comparisons, steps with numbers, drawings of parts, worksheets, LaTeX."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.nets.catalogue import CATALOGUE, get_net
from casecnn.vision.tables.arithmetic import parse, volume, work_out
from casecnn.vision.tables.challenge import ENTRIES, all_rates
from casecnn.vision.tables.columns import counts, draw_columns, part_of
from casecnn.vision.tables.compare import compared, depth, sentences
from casecnn.vision.tables.grid import in_latex
from casecnn.vision.tables.quiz import KINDS, latex, markdown, questions

# Error rates and comparisons


def test_error_rates_without_data(capsys):
    assert main(["vision", "errors", "resnet152"]) == 0
    said = capsys.readouterr().out
    assert "5.71" in said and "4.49" in said and "He 2016, table 3" in said and "vgg16" not in said
    assert main(["vision", "errors", "--on", "mnist", "--format", "json"]) == 0
    assert {rate["data"] for rate in json.loads(capsys.readouterr().out)["rates"]} == {"MNIST test"}
    assert main(["vision", "errors", "--by-year"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"2015 +ResNet +152 +3\.57", said) and re.search(r"2014 +VGG +19 +7\.3", said)
    assert main(["vision", "errors", "nobody"]) == 2
    assert "no error rates are published here for nobody" in capsys.readouterr().err


def test_names_of_nets_in_any_spelling_and_none_is_left_out_in_silence(capsys):
    rates = all_rates(["VGG-16", "ResNet_152"])
    assert {"vgg16", "resnet152"} <= {rate.net for rate in rates} and rates == all_rates(["vgg16", "resnet152"])
    for arguments, said in [
        (["vgg16", "ResNet-15x"], "no error rates are published here for ResNet-15x; did you mean resnet152"),
        (
            ["vgg", "--on", "mnist"],
            "no error rates are published here for vgg on mnist; leave the names out to see all",
        ),
        (["--on", "coco"], "`--on` (=coco) must be imagenet, mnist or cifar"),
    ]:
        assert main(["vision", "errors", *arguments]) == 2
        assert said in capsys.readouterr().err


def test_error_rates_in_80_letters(capsys):
    assert main(["vision", "errors", "--narrow"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    number = next(line.split()[-1] for line in lines if line.startswith("resnet152 ") and "5.71" in line)
    assert f"{number:>3}  He 2016, table 3" in lines


def test_the_challenge_falls_and_ensembles_are_told():
    assert [entry.top5 for entry in ENTRIES] == sorted((entry.top5 for entry in ENTRIES), reverse=True)
    assert {rate.top5 for rate in all_rates(["PReLU-net"])} == {7.38, 5.71, 4.94}
    assert next(rate for rate in all_rates(["ResNet"]) if rate.top5 == 3.57).models == 6
    assert len(all_rates()) == len(set(all_rates()))


@pytest.mark.parametrize(
    ("name", "layers"),
    [("alexnet", 8), ("vgg16", 16), ("vgg19", 19), ("googlenet", 22), ("resnet18", 18), ("resnet152", 152),
     ("plain34", 34), ("resnet56", 56), ("lenet5", 5), ("policy-k192", 13), ("resnet34-c", 34)],
)  # fmt: skip
def test_depths_are_those_of_the_names(name, layers):
    assert depth(get_net(name)) == layers


def test_nets_compared(capsys):
    found = compared(["alexnet", "GoogLeNet"])
    text = sentences(found)[0]
    ratio = get_net("alexnet").parameters / get_net("googlenet").parameters
    assert f"googlenet against alexnet: {ratio:.1f} times fewer parameters, 1.4 times more multiply-adds" in text
    assert text.endswith("14 layers more")
    assert sentences(compared(["plain34", "resnet34-a"]))[0].count("as many") == 2
    assert main(["vision", "compare", "vgg16", "resnet152", "--format", "markdown"]) == 0
    assert "| resnet152 | 3x224x224 | 152 |" in capsys.readouterr().out
    assert main(["vision", "compare", "vgg16"]) == 2
    assert "must be a whole number of at least 2" in capsys.readouterr().err


# Steps with numbers


def tensors(found):
    x = torch.tensor(found.x[None], requires_grad=True)
    weight = None if found.weight is None else torch.tensor(found.weight, requires_grad=True)
    return x, weight, torch.tensor(found.dy[None])


@pytest.mark.parametrize("seed", range(3))
def test_a_convolution_worked_out_is_what_torch_computes(seed):
    found = work_out(volume("5x6x2"), parse(["conv", "3x2x3", "/2x1", "pad", "1x0"]), seed)
    x, weight, dy = tensors(found)
    y = F.conv2d(x, weight, stride=(2, 1), padding=(1, 0))
    y.backward(dy)
    np.testing.assert_array_equal(found.y, y[0].detach().numpy())
    np.testing.assert_array_equal(found.dx, x.grad[0].numpy())
    np.testing.assert_array_equal(found.dw, weight.grad.numpy())


def evaluated(line: str) -> bool:
    """Whether the sum of a line gives what stands behind its last equals sign."""
    _, sum_, value = line.split(" = ")
    return eval(sum_) == float(value)


@pytest.mark.parametrize("words", ["conv 3x3x2 pad same", "conv 2x2x1 /2", "pool 3x3 /2", "meanpool 2x2 /2 ceil"])
def test_every_sum_that_is_printed_is_right(words):
    found = work_out(volume("5x5x1" if "3x3" in words else "4x4x1"), parse(words.split()), 4)
    sums = list(found.forward_sums())
    assert len(sums) == found.y.size and all(map(evaluated, sums))
    if found.dw is not None:
        sums = list(found.gradient_sums())
        assert len(sums) == found.dw.size and all(map(evaluated, sums))


def test_the_gradient_of_a_maximum_with_ties_and_overlaps():
    found = work_out(volume("5x5x1"), parse(["pool", "3x3", "/2"]), 0)
    lines = list(found.gradient_sums())
    assert any("the first of 2 that are as large" in line for line in lines)
    dx = np.zeros((5, 5))
    for line in lines:
        gradient, row, column = re.fullmatch(r"dL/dy\[.*\] = (\S+) goes to x\[(\d),(\d)\] = .*", line).groups()
        dx[int(row), int(column)] += float(gradient)
    np.testing.assert_array_equal(dx, found.dx[0])
    x, _, dy = tensors(found)
    F.max_pool2d(x, 3, 2).backward(dy)
    np.testing.assert_array_equal(found.dx, x.grad[0].numpy())


@pytest.mark.slow
def test_the_command_prints_steps_as_text_latex_and_picture(tmp_path, capsys):
    image = tmp_path / "steps.svg"
    arguments = ["vision", "arithmetic", "--input", "4x4x1", "conv", "3x3x1", "/2", "pad", "same", "--work-out"]
    assert main([*arguments, "--image", str(image)]) == 0
    said = capsys.readouterr().out
    assert "dL/dW[0,0] =" in said and "where windows overlap their gradients add up" in said
    drawn = image.read_text()
    assert all(word in drawn for word in ("input x", "filter W", "output y", "dL/dW", "hatched: padding"))
    assert main([*arguments, "--format", "latex"]) == 0
    said = capsys.readouterr().out
    assert r"\begin{bmatrix}" in said and said.count(r"\item") == 4 + 9
    for wrong, text in ((["--input", "4x4x1", "conv", "3x3x1", "pool", "2x2"], "works out one layer, not 2"),
                        (["--input", "7x7x512", "fc", "10"], "works out conv, pool and meanpool"),
                        (["--input", "32x32x3", "conv", "3x3x4"], "give a smaller input")):  # fmt: skip
        assert main(["vision", "arithmetic", *wrong, "--work-out"]) == 2
        assert text in capsys.readouterr().err


# Drawings of parts


def test_parts_of_nets_and_what_they_cost():
    net = get_net("googlenet")
    whole = sum(row.parameters for row in net.rows if row.name.startswith("inception4c."))
    assert counts(["googlenet:inception4c"])[0]["parameters"] == whole
    block = part_of("resnet34:conv3_x.2.block")
    assert block.shape == (128, 28, 28) and counts(["resnet34:conv3_x.1.block"])[0]["output"] == [128, 28, 28]
    assert counts(["vgg16"])[0]["macs"] == get_net("vgg16").macs
    with pytest.raises(UsageError, match="net `resnet34` has no part 'conv9_x'; it has conv2_x, conv3_x"):
        part_of("resnet34:conv9_x")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_parts_beside_each_other(tmp_path, ending):
    file = tmp_path / f"a.{ending}"
    draw_columns(["resnet34-a:conv3_x.1.block", "resnet34-b:conv3_x.1.block", "googlenet:inception3a"], file)
    if ending == "png":
        with Image.open(file) as image:
            assert image.width > 2 * image.height
    else:
        assert file.read_bytes().startswith(b"<?xml" if ending == "svg" else b"%PDF")
    if ending == "svg":
        drawn = file.read_text()
        assert "zeros" in drawn and "1x1 conv, 128 /2" in drawn and "concatenate, 256" in drawn


@pytest.mark.slow
def test_every_net_can_be_drawn_from_top_to_bottom(tmp_path):
    for name in ("alexnet", "lenet5-1998", "nin-cifar10", "googlenet-torchvision", "kim-multichannel", "policy-k192"):
        draw_columns([name], tmp_path / "a.svg")
    assert set(CATALOGUE)


# Worksheets and tables


def test_worksheets_are_drawn_by_the_seed_and_cover_all_kinds():
    one = questions(2 * len(KINDS), 5)
    assert one == questions(2 * len(KINDS), 5) != questions(2 * len(KINDS), 6)
    assert len({q.question for q in one}) == len(one) and all(q.working and q.answer for q in one)
    text = markdown(one)
    assert text.index("# Questions") < text.index("# Answers") and "# Answers" not in markdown(one, answers=False)
    assert latex(one).count(r"\item ") == 2 * len(one)


def test_answers_follow_from_their_sums():
    """The last number of the working, where the answer is one number, is the answer."""
    for seed in range(20):
        for q in questions(len(KINDS), seed):
            if re.fullmatch(r"[\d,]+", q.answer):
                assert q.answer in q.working[-1], q


def test_the_quiz_command(capsys):
    assert main(["vision", "quiz", "--questions", "3", "--seed", "1", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [q["question"] for q in found] == [q.question for q in questions(3, 1)]
    assert main(["vision", "quiz", "--no-answers"]) == 0
    assert "Answers" not in capsys.readouterr().out


def test_narrow_tables_and_latex(capsys):
    assert main(["vision", "table", "resnet152", "--narrow"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100
    assert main(["vision", "table", "vgg16", "--narrow"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"conv1_2 .* 36\.9 K +1\.85 G", said) and max(map(len, said.splitlines())) <= 100
    assert main(["vision", "table", "lenet5", "--format", "latex"]) == 0
    said = capsys.readouterr().out
    assert said.count(r"\midrule") == 2 and r"c1 & 5x5 conv, 6 + relu & 1 & 0 & 6x28x28 & 156 & 117,600" in said
    assert in_latex(("a_b", "c"), [("5 %", "1")], {"a_b"}).splitlines()[2:4] == [r"a\_b & c \\", r"\midrule"]
