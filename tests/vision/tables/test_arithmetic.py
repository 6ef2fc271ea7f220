"""The lecturer's questions: every number here was worked out by hand."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from casecnn.cli import casecnn, main
from casecnn.errors import InputError, UsageError
from casecnn.vision.tables.arithmetic import Answer, answer, parse, volume


def ask(size: str, question: str) -> Answer:
    return answer(volume(size), parse(question.split()))


def sums(size: str, question: str) -> list[str]:
    return [line for step in ask(size, question).steps for line in step.sums]


def test_alexnets_first_layer():
    lines = sums("227x227x3", "conv 11x11x96 /4")
    assert lines == [
        "output: (227-11)/4+1 = 55",
        "volume: 55x55x96 = 290,400 values",
        "parameters: 11*11*3*96 = 34,848 weights (not counting biases) + 96 biases = 34,944",
        "multiply-adds: 55*55 positions * 34,848 weights = 105,415,200; FLOPs 2*105,415,200 = 210,830,400",
        "memory: 290,400 x 4 bytes = 1.162 MB forward, 2.323 MB with its gradient",
        "receptive field: 11x11 cells of the input",
    ]


def test_its_pool_has_no_parameters():
    lines = sums("55x55x96", "pool 3x3 /2")
    assert lines[0] == "output: (55-3)/2+1 = 27"
    assert lines[2].startswith("parameters: 0")
    assert ask("55x55x96", "pool 3x3 /2").steps[0].row.output_shape == (96, 27, 27)


def test_224_does_not_fit_and_the_sum_is_shown():
    with pytest.raises(InputError) as error:
        ask("224x224x3", "conv 11x11x96 /4")
    text = str(error.value)
    assert text.startswith("layer 1: height (224-11)/4+1 = 54.25 is not a whole number of windows")
    assert text.endswith("or round: floor drops the rest, ceil adds zeros")


def test_the_remainder_when_it_is_dropped_or_added():
    assert sums("224x224x3", "conv 11x11x96 /4 floor")[0] == (
        "output: (224-11)/4+1 = 54.25, rounded down = 54, no window sees the last of the columns"
    )
    assert sums("112x112x64", "pool 3x3 /2 ceil")[0] == (
        "output: (112-3)/2+1 = 55.5, rounded up = 56, the last window hangs over by 1"
    )


def test_same_and_valid_on_width_13():
    assert sums("1x13x1", "conv 1x6x1 /1x5 pad valid")[1] == (
        "output width: VALID: (13-6)/5+1 = 2.4, rounded down = 2, no window sees the last 2 of the columns"
    )
    assert sums("1x13x1", "conv 1x6x1 /1x5 pad same")[1] == (
        "output width: SAME: 13/5 rounded up = 3; padding (3-1)*5+6-13 = 3: 1 before, 2 after"
    )


def test_padding_is_in_the_sum():
    assert sums("28x28x16", "conv 5x5x32 pad 2")[0] == "output: (28-5+2*2)/1+1 = 28"
    assert sums("9x7x4", "conv 3x3x2 pad 1x0")[:2] == [
        "output height: (9-3+2*1)/1+1 = 9",
        "output width: (7-3)/1+1 = 5",
    ]


def test_a_1x1_in_front_saves_nine_tenths():
    direct = ask("28x28x192", "conv 5x5x32 pad same")
    reduced = ask("28x28x192", "conv 1x1x16 conv 5x5x32 pad same")
    assert (direct.net.macs, reduced.net.macs) == (120_422_400, 12_443_648)
    assert "multiply-adds: 2,408,448 + 10,035,200 = 12,443,648" in reduced.text()
    assert round(direct.net.macs / reduced.net.macs, 1) == 9.7


def test_fully_connected_layers():
    both = ask("7x7x512", "fc 4096 fc 1000")
    assert [step.row.weights for step in both.steps] == [102_760_448, 4_096_000]
    assert sums("84", "fc 10")[0] == "parameters: 84*10 = 840 weights (not counting biases) + 10 biases = 850"
    assert ask("84", "fc 10").steps[0].title == "fc 10 on 84"


def test_groups_divide_the_weights():
    lines = sums("27x27x96", "conv 5x5x256 pad 2 groups 2")
    assert lines[2] == "parameters: 5*5*96*256/2 = 307,200 weights (not counting biases) + 256 biases = 307,456"


def test_the_way_it_is_written_does_not_matter():
    same = [
        ask("227x227x3", text).net for text in ("conv 11x11x96 /4", "CONV 11x11x96 / 4", "conv 11x11x96 stride 4x4")
    ]
    assert same[0] == same[1] == same[2]
    assert answer(volume("227x227x3"), parse(["conv 11x11x96 /4"])).net == same[0]
    assert ask("8x8x2", "meanpool 2x2").steps[0].title == "mean pool 2x2, stride 2, pad 0, on 8x8x2"


@pytest.mark.parametrize(
    ("size", "question", "text"),
    [
        ("227x227", "conv 3x3x3", "`input` (=227x227) must be height x width x channels"),
        ("0x3x3", "conv 3x3x3", "`input` (=0x3x3)"),
        ("227x227x3", "conv 11x11 /4", "'11x11' must be height x width x filters"),
        ("227x227x3", "conv", "after 'conv' there must be height x width x filters"),
        ("227x227x3", "/4", "'/4' must be conv, pool, meanpool or fc"),
        ("227x227x3", "conv 3x3x4 /0", "'0' must be the stride"),
        ("227x227x3", "conv 3x3x4 pad", "after 'pad' there must be cells, same or valid"),
        ("227x227x3", "conv 3x3x4 pad -1", "'-1' must be the padding"),
        ("227x227x3", "conv 3x3x4 pad 1x2x3", "'1x2x3' must be the padding"),
        ("227x227x3", "pool 3x3 groups 2", "'groups' must be /STRIDE, pad, floor, ceil"),
        ("227x227x3", "fc 10 /2", "'/2' must be conv, pool, meanpool or fc"),
        ("227x227x3", "conv 3x3x5 groups 2", "groups (=2) must divide channels (=5)"),
        ("5x5x3", "conv 7x7x2", "the kernel is larger than its input"),
        ("5x5x3", "fc 10 conv 3x3x2", "takes maps"),
        ("10", "conv 3x3x2", "takes maps"),
    ],
)
def test_what_cannot_be_read_is_one_line(size, question, text):
    with pytest.raises((UsageError, InputError)) as error:
        ask(size, question)
    assert text in str(error.value) and "\n" not in str(error.value)


def test_the_command():
    def run(*arguments):
        result = CliRunner().invoke(casecnn, ["vision", "arithmetic", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout

    question = ["--input", "227x227x3", "conv", "11x11x96", "/4"]
    assert "output: (227-11)/4+1 = 55" in run(*question)
    data = json.loads(run(*question, "--format", "json"))
    assert data["layers"][0]["output_shape"] == [96, 55, 55] and data["totals"]["parameters"] == 34_944


def test_the_commands_errors(capsys):
    assert main(["vision", "arithmetic", "--input", "224x224x3", "conv", "11x11x96", "/4"]) == 1
    assert "54.25" in capsys.readouterr().err
    assert main(["vision", "arithmetic", "--input", "224x224x3"]) == 2
