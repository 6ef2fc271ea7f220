"""The plain-against-residual experiment: what it trains, what it says of it, why residual nets need not degrade."""

from __future__ import annotations

import json

import pytest
import torch
from class_folders import write_folders
from PIL import Image

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.training.degradation import (
    Curve,
    draw_degradation,
    findings,
    read_curve,
    run_degradation,
    save_results,
)

torch.set_num_threads(1)


def curve(net: str, parameters: int, training: float, test: float) -> Curve:
    fall = (0.9, 0.5, 0.3)
    return Curve(net, parameters, 1, tuple((10 * i, f + training) for i, f in enumerate((*fall, 0), 1)),
                 tuple((10 * i, f + test) for i, f in enumerate((*fall, 0), 1)), 1.0)  # fmt: skip


CURVES = [
    curve("plain20", 20, 0.05, 0.10),
    curve("plain56", 56, 0.12, 0.15),
    curve("resnet20", 20, 0.04, 0.09),
    curve("resnet56", 56, 0.01, 0.07),
]


def test_a_deeper_residual_net_can_be_the_shallow_one():
    """Blocks whose last BatchNorm scales by 0 are the identity: ResNet-56 with six such a stage is ResNet-20."""
    torch.manual_seed(0)
    shallow, deep = build(get_net("resnet20"), seed=1).eval(), build(get_net("resnet56"), seed=2).eval()
    state = shallow.state_dict()
    with torch.no_grad():
        for name, value in deep.state_dict().items():
            if name in state:
                value.copy_(state[name])
            elif name.endswith(("norm2.weight", "norm2.bias")):
                value.zero_()
        x = torch.randn(4, 3, 32, 32)
        torch.testing.assert_close(deep(x), shallow(x), atol=1e-4, rtol=1e-4)
        deep.stage2.get_submodule("7.block.body.norm2").weight.fill_(1)
        assert (deep(x) - shallow(x)).abs().max() > 1e-3


def test_the_findings_compare_the_right_nets():
    plain, residual = findings(CURVES[::-1])
    assert plain == (
        "plain: from plain20 to plain56 training error goes 5.00% -> 12.00%, "
        "test error 10.00% -> 15.00%: depth degrades"
    )
    assert residual.startswith("residual: from resnet20 to resnet56") and residual.endswith("depth does not degrade")
    assert findings(CURVES[:1]) == []


def test_over_fitting_is_not_degradation():
    curves = [curve("plain20", 1, 0.10, 0.2), curve("plain56", 2, 0.05, 0.3)]
    assert findings(curves)[0].endswith("does not degrade")


@pytest.mark.parametrize("name", ["figure.png", "figure.svg", "figure.pdf"])
def test_the_figure_is_drawn(tmp_path, name):
    path = tmp_path / name
    draw_degradation(CURVES, path, "40 steps each")
    if name.endswith("png"):
        with Image.open(path) as image:
            assert image.width > 1200 and len(image.convert("RGB").getcolors(1 << 24)) > 50
    if name.endswith("svg"):
        text = path.read_text()
        assert all(f"{one.net}" in text for one in CURVES) and "15.0%" in text and "residual nets" in text


def test_a_figure_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"must end in .png, .svg or .pdf"):
        draw_degradation(CURVES, tmp_path / "figure.gif")
    with pytest.raises(UsageError, match="no runs to draw"):
        draw_degradation([], tmp_path / "figure.png")


def test_results_are_whole(tmp_path):
    content = json.loads(save_results(CURVES, tmp_path, {"seed": 3}).read_text())
    assert content["seed"] == 3 and len(content["nets"]) == 4 and len(content["findings"]) == 2
    assert content["nets"][2]["paper_test_error"] == 0.0875 and content["nets"][0]["paper_test_error"] is None
    assert content["nets"][1]["test_error"][-1] == [40, 0.15]


def test_a_last_mean_over_few_steps_joins_the_one_before_it(tmp_path):
    log = tmp_path / "log.jsonl"

    def training(*points):
        log.write_text("".join(json.dumps({"step": step, "error": error}) + "\n" for step, error in points))
        return read_curve("plain20", tmp_path, 1, 1, 1.0).training

    assert training((10, 0.9), (20, 0.5), (22, 0.8)) == ((10, 0.9), (22, pytest.approx((10 * 0.5 + 2 * 0.8) / 12)))
    assert training((10, 0.9), (13, 0.3)) == ((13, pytest.approx((9 + 0.9) / 13)),)
    assert training((10, 0.9), (20, 0.5), (25, 0.8)) == ((10, 0.9), (20, 0.5), (25, 0.8))  # half as many are enough
    assert training((10, 0.9)) == ((10, 0.9),)


def test_nets_that_cannot_be_compared_are_refused(tmp_path):
    cases = [
        ((), "at least one net"),
        (("plain20", "plain20"), "each once"),
        (("plain20", "lenet5"), "images of one size"),
        (("plain21",), "no net 'plain21'"),
    ]
    for nets, message in cases:
        with pytest.raises(UsageError, match=message):
            run_degradation(tmp_path, tmp_path / "out", nets, steps=1)
    folder = write_folders(tmp_path / "data", {"": 2}, 32, 32)
    with pytest.raises(UsageError, match="has no test images"):
        run_degradation(folder, tmp_path / "out", ("plain20",), steps=1)


@pytest.mark.slow
def test_the_command_trains_all_nets_alike_and_goes_on(tmp_path, capsys):
    folder = write_folders(tmp_path / "data", {"train": 8, "test": 4}, 32, 32)
    arguments = ["vision", "degradation", str(folder), "-o", str(tmp_path / "out"), "--nets", "plain20,resnet20",
                 "--steps", "4", "--batch", "8", "--evaluations", "2", "--lr", "0.01"]  # fmt: skip
    assert main([*arguments, "--format", "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    plain, residual = content["nets"]
    assert plain["parameters"] == residual["parameters"]  # shortcuts of option A have none
    for row in (plain, residual):
        assert [step for step, _ in row["test_error"]] == [2, 4] == [step for step, _ in row["training_error"]]
        assert all(0 <= error <= 1 for _, error in (*row["test_error"], *row["training_error"]))
    assert (tmp_path / "out" / "degradation.png").is_file()
    assert main(arguments) == 0  # everything is there already
    said = capsys.readouterr().out
    assert f"{'plain20':<12}" in said and "8.75%" in said
    again = json.loads((tmp_path / "out" / "degradation.json").read_text())["nets"]
    for row in (*again, *content["nets"]):
        del row["seconds"]
    assert again == content["nets"]
