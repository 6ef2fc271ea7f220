"""What is checked of a net without data: that it is right, and that a wrong net would be told."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
import torch

from casecnn.cli import main
from casecnn.torch_net.normalisation import BatchNorm
from casecnn.vision.evaluation import selfcheck
from casecnn.vision.evaluation.selfcheck import TOLERANCE, compare, self_check, smallest

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_resnet20_without_data(capsys):
    assert main(["vision", "eval", "resnet20", "--device", "cpu", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["good"] and answer["parameters"] == 269_722
    assert answer["reference"]["relative_error"]["float32"] < TOLERANCE
    assert {row["printed"] for row in answer["published"]} == {"0.27 M"} and answer["published"][0]["agrees"]
    assert answer["pictures_per_second"]["float32"] > 0 and "labelled images" in answer["next"]


@pytest.mark.slow
def test_for_people(capsys):
    assert main(["vision", "eval", "lenet5-1998", "--device", "cpu"]) == 0
    text = capsys.readouterr().out
    assert "60000  agrees (LeCun 1998, section II.B)" in text and "fast path against the float64 reference" in text
    assert text.rstrip().splitlines()[-1].startswith("to measure its error, give labelled images")


def test_a_fast_path_that_is_wrong_is_told(monkeypatch):
    """A folded BatchNorm that forgets its mean."""
    right = selfcheck.build_fast

    def wrong(module, device, precision="auto"):
        changed = deepcopy(module)
        with torch.no_grad():
            next(part for part in changed.modules() if isinstance(part, BatchNorm)).bias.add_(0.05)
        return right(changed, device, precision)

    monkeypatch.setattr(selfcheck, "build_fast", wrong)
    errors = compare(smallest("resnet20"), torch.device("cpu"), ["float32"])
    assert errors["float32"] > TOLERANCE
    checked = self_check("resnet20", device="cpu", batch=1, seconds=0)
    assert not checked.good and "WRONG" in checked.table()


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "googlenet", "resnet50", "zfnet"])
def test_the_reference_is_given_a_small_input(name):
    small = smallest(name)
    assert small.input[1] < 164 and small.name == name


def test_an_unknown_net_is_one_line(capsys):
    assert main(["vision", "eval", "resnet51"]) == 2
    assert "there is no net 'resnet51'; did you mean" in capsys.readouterr().err
