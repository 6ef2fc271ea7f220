"""Tables of nets: sums by hand, another counter, every format; the commands that print them."""

from __future__ import annotations

import csv
import io
import json

import pytest
import torch
from click.testing import CliRunner
from torch.utils.flop_counter import FlopCounterMode

from casecnn.cli import casecnn, main
from casecnn.errors import UsageError
from casecnn.nets.catalogue import CATALOGUE, declaration, get_net
from casecnn.torch_net.build import build
from casecnn.vision.tables.table import NetTable


def table(name: str, batch: int = 1, **options) -> NetTable:
    row = declaration(name)
    return NetTable(row.net(**options), row, batch)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(casecnn, ["vision", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


COUNTED = ["lenet5", "alexnet-grouped", "zfnet", "vgg11-bn", "googlenet", "resnet34-c", "resnet50-v1.5", "resnet20"]
COUNTED += ["nin-imagenet", "policy-k128", "kim-multichannel"]


@pytest.mark.parametrize("name", COUNTED)
def test_torchs_own_counter_counts_the_same(name):
    net = get_net(name)
    with torch.device("meta"):
        module = build(net, init="zeros").eval()
        with FlopCounterMode(display=False) as counter:
            module(torch.empty(1, *net.input))
    assert counter.get_total_flops() == net.flops
    parameters = sum(p.numel() for p in module.parameters())
    assert parameters == net.parameters + net.auxiliary_parameters


def test_json_has_the_issued_keys():
    data = json.loads(run("table", "alexnet", "--format", "json"))
    assert data["net"] == "alexnet" and data["input"] == [3, 227, 227]
    assert data["totals"] == {
        "parameters": 62_378_344,
        "parameters_without_biases": 62_367_776,
        "macs": 1_135_256_096,
        "flops": 2_270_512_192,
        "activation_bytes": data["totals"]["activation_bytes"],
    }
    first = data["layers"][0]
    assert first["name"] == "conv1" and first["kind"] == "Conv" and first["output_shape"] == [96, 55, 55]
    assert (first["parameters"], first["parameters_without_biases"], first["macs"]) == (34_944, 34_848, 105_415_200)
    assert (first["kernel"], first["stride"], first["receptive_field"]) == ([11, 11], [4, 4], [11, 11])
    assert first["activation_bytes"] == 4 * 96 * 55 * 55
    assert data["published"][0]["agrees"] is False and "two GPUs" in data["published"][0]["reason"]


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "lenet5-1998", "vgg16-bn"])
def test_the_layers_add_up_to_the_totals(name):
    data = table(name, batch=3).as_dict()
    totals, layers = data["totals"], data["layers"]
    for key in ("parameters", "parameters_without_biases", "macs", "flops"):
        assert totals[key] == sum(layer[key] for layer in layers)
    inputs = 4 * 3 * torch.Size(data["input"]).numel()
    assert totals["activation_bytes"] == inputs + sum(layer["activation_bytes"] for layer in layers)
    assert data["training_activation_bytes"] == inputs + sum(layer["training_activation_bytes"] for layer in [
        *layers, *data["auxiliary"]["layers"]])  # fmt: skip


def test_vgg16s_memory_is_the_lectures():
    """15,237,608 numbers, 61.0 MB; the layers that the lecture lists are convolutions, pools and the three FC."""
    data = table("vgg16").as_dict()
    assert data["totals"]["activation_bytes"] == 4 * 15_237_608
    assert table("vgg16", batch=2).as_dict()["totals"]["activation_bytes"] == 8 * 15_237_608
    assert data["totals"]["macs"] == table("vgg16", batch=2).as_dict()["totals"]["macs"]


def test_heads_stand_apart():
    made = table("googlenet")
    data = made.as_dict()
    assert data["totals"]["parameters"] == 6_998_552
    assert data["auxiliary"]["parameters"] == 13_378_280 - 6_998_552
    assert [layer["name"] for layer in data["auxiliary"]["layers"]][:3] == ["aux1.pool", "aux1.conv", "aux1.flatten"]
    assert "(together 13,378,280)" in made.text()


def test_the_text_has_a_line_for_each_layer():
    lines = table("alexnet").text().splitlines()
    conv1 = next(line for line in lines if line.startswith("conv1"))
    assert conv1.split("  ")[0] == "conv1"
    words = conv1.split()
    assert words == ["conv1", "11x11", "conv,", "96", "+", "relu", "4", "0", "96x55x55", "34,944", "34,848",
                     "105,415,200", "210,830,400", "1.162", "2.323", "11"]  # fmt: skip
    total = next(line for line in lines if line.startswith("total"))
    assert "62,378,344" in total and "62,367,776" in total and "1,135,256,096" in total
    assert any(line.startswith("Differs: input 227") for line in lines)
    assert any("\u2713 conv1: 35 K weights (the lectures); ours 34,848" in line for line in lines)
    assert any("\u2717 60 M parameters" in line for line in lines)


def test_other_inputs_are_not_compared_with_the_published_totals():
    made = table("vgg16", size=64)
    assert made.comparisons() == () and made.as_dict()["published"] == []
    assert "Published figures are of 3x224x224 to 1000." in made.text()
    assert "Published: no totals." in table("lenet5").text()


def test_markdown_is_a_table():
    lines = run("table", "lenet5-1998", "--format", "markdown").splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert rows[1].replace("|", "").replace("-", "").replace(":", "").strip() == ""
    assert "| c3 | 5x5 conv, 16, table + scaled tanh | 1 | 0 | 16x10x10 | 1,516 | 1,500 | 150,000 |" in rows[5]


def test_csv_is_for_a_spreadsheet():
    rows = list(csv.DictReader(io.StringIO(run("table", "resnet18", "--format", "csv"))))
    assert sum(int(row["parameters"]) for row in rows[:-1]) == int(rows[-1]["parameters"]) == 11_689_512
    assert rows[-1]["name"] == "total" and rows[0]["kernel"] == "7x7" and rows[0]["padding"] == "3 floor"


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_net_has_a_table(name):
    if name in ("resnet1202", "resnet152", "resnet152-v1.5"):
        return  # as the others, only longer
    made = table(name)
    text = made.text()
    assert f"{made.net.parameters:,}" in text and "no reason is known" not in text
    assert len(text.splitlines()) >= len(made.layers) + 5


def test_batch():
    with pytest.raises(UsageError, match="`batch` .=0. must be at least 1"):
        table("lenet5", batch=0)
    assert "a batch of 8" in run("table", "lenet5", "--batch", "8")


def test_the_list():
    rows = json.loads(run("list", "--format", "json"))
    assert [row["name"] for row in rows] == list(CATALOGUE)
    vgg = next(row for row in rows if row["name"] == "vgg16")
    assert (vgg["input"], vgg["outputs"], vgg["parameters"], vgg["macs"]) == (
        [3, 224, 224], 1000, 138_357_544, 15_470_264_320,
    )  # fmt: skip
    lines = run("list").splitlines()
    assert len(lines) == len(CATALOGUE) + 1
    assert any(line.startswith("policy-k192 ") and "3,882,793" in line for line in lines)


def test_options_of_the_command():
    data = json.loads(
        run("table", "resnet18", "--input", "96x64", "--classes", "7", "--channels", "1", "--format", "json")
    )
    assert data["input"] == [1, 96, 64] and data["layers"][-1]["output_shape"] == [7]
    pattern = "[(CONV-RELU)*2-POOL]*3-(FC-RELU)*1-FC-SOFTMAX"
    data = json.loads(run("table", pattern, "--widths", "8,16,32,64", "--format", "json"))
    assert [layer["output_shape"][0] for layer in data["layers"] if layer["kind"] == "Conv"] == [8, 8, 16, 16, 32, 32]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["vgg-17"], 2, "there is no net 'vgg-17'; did you mean vgg1"),
        (["alexnet", "--input", "224"], 1, "(224-11)/4+1 = 54.25"),
        (["alexnet", "--input", "big"], 2, "`--input` (=big) must be a size such as 224"),
        (["alexnet", "--input", "0"], 2, "input height (=0) must be at least 1"),
        (["alexnet", "--batch", "0"], 2, "`--batch` (=0) must be at least 1"),
        (["alexnet", "--widths", "3"], 2, "net 'alexnet' has its paper's widths"),
        (["CONV-FC", "--widths", "a"], 2, "`--widths` (=a) must be whole numbers"),
        (["CONV-FC", "--widths", "1,2"], 2, "widths (=2 numbers) must be 1"),
        (["alexnet", "--image", "net.jpg"], 2, "`--image` (=net.jpg) must end in .png, .svg or .pdf"),
    ],
)
def test_errors_are_one_line(arguments, code, text, capsys):
    assert main(["vision", "table", *arguments]) == code
    out, err = capsys.readouterr()
    assert text in err and err.startswith("casecnn: error: ") and err.count("\n") == 1 and out == ""
