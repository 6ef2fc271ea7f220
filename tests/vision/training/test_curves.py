"""Curves from logs, the learning-rate finder, class weights, stopping early."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from class_folders import write_folders
from PIL import Image

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.training.log import read_log
from casecnn.vision.training.class_weights import class_weights
from casecnn.vision.training.curves import draw_curves, read_curves
from casecnn.vision.training.fit import train_net
from casecnn.vision.training.rate_finder import find_rate, steepest
from casecnn.vision.training.recipes import PRESETS
from casecnn.vision.training.run import classification_loss
from casecnn.weights.state_dict import load


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("folders"), {"train": 30, "test": 10})


def test_curves_are_those_of_the_log(tmp_path):
    rows = [
        {"event": "start", "step": 0, "recipe": {"batch_size": 50}, "metadata": {"training_pictures": 200}},
        {"step": 4, "loss": 2.0, "error": 0.5, "lr": 0.1},
        {"event": "evaluation", "step": 4, "validation": {"error": 0.4}},
        {"step": 8, "loss": 1.0, "error": 0.25, "lr": 0.05},
        {"event": "evaluation", "step": 8, "validation": {"error": 0.45}},
    ]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = read_curves(tmp_path / "a")
    assert found.training == ((1.0, 0.5), (2.0, 0.25)) and found.validation == ((1.0, 0.4), (2.0, 0.45))
    assert (
        found.rate == ((1.0, 0.1), (2.0, 0.05)) and found.name == "a" == read_curves(tmp_path / "a" / "log.jsonl").name
    )
    assert found.line() == "a: 2.0 epochs, training error 25.00%, validation error 45.00%, least 40.00% after 1.0"
    draw_curves([found], tmp_path / "x.svg")
    drawn = (tmp_path / "x.svg").read_text()
    assert "a  45.0 %" in drawn and "learning rate (dotted)" in drawn
    draw_curves([found], tmp_path / "y.svg")
    assert (tmp_path / "y.svg").read_text() == drawn
    with pytest.raises(InputError, match="is not the log of a training run"):
        read_curves(tmp_path / "x.svg.none")


@pytest.mark.slow
def test_the_command_draws_several_runs(folders, tmp_path, capsys):
    for seed in (0, 1):
        train_net(
            "lenet5", folders, tmp_path / str(seed), PRESETS["lenet"], steps=4, channels=3, seed=seed, progress=False
        )
    out = str(tmp_path / "curves.png")
    assert main(["vision", "curves", str(tmp_path / "0"), str(tmp_path / "1"), "-o", out, "--format", "json"]) == 0
    assert [run["run"] for run in json.loads(capsys.readouterr().out)] == ["0", "1"]
    with Image.open(out) as image:
        assert image.width > 1000
    assert main(["vision", "curves", str(tmp_path / "0"), "-o", "x.gif"]) == 2
    assert "must end in .png, .svg or .pdf" in capsys.readouterr().err


@pytest.mark.slow
def test_the_steepest_place_is_not_in_the_noise_of_the_first_batches():
    noise = [9.0, 5.0, 4.9, 5.0, 4.8]
    fall = [5.0 - 0.01 * step for step in range(20)] + [4.8 - 0.4 * step for step in range(10)] + [0.8] * 15
    assert 24 <= steepest(noise + fall) <= 35


@pytest.mark.slow
def test_the_rate_finder_finds_where_the_loss_falls(folders, tmp_path, capsys):
    found = find_rate("lenet5", folders, PRESETS["lenet"], steps=60, channels=3, changes={"batch_size": 16})
    assert all(a < b for a, b in zip(found.rates, found.rates[1:], strict=False))
    assert math.isclose(found.suggested * 10, found.rates[int(np.argmin(found.losses))])
    assert min(found.losses) < 0.7 * found.losses[0]
    with pytest.raises(UsageError, match=r"`steps` \(=5\) must be a whole number of at least 20"):
        find_rate("lenet5", folders, PRESETS["lenet"], steps=5, channels=3)
    out = str(tmp_path / "rate.svg")
    assert main(["vision", "find-rate", "lenet5", str(folders), "-o", out, "--channels", "3", "--steps", "30"]) == 0
    assert (
        "take a peak rate of about" in capsys.readouterr().out
        and "mathdefault" not in (tmp_path / "rate.svg").read_text()
    )


def test_class_weights():
    labels = np.repeat([0, 1, 2], [6, 3, 1])
    assert class_weights("balanced", ("a", "b", "c"), labels) == pytest.approx((10 / 18, 10 / 9, 10 / 3))
    assert class_weights("c=2, a=0.5", ("a", "b", "c"), labels) == (0.5, 1.0, 2.0)
    assert class_weights(None, ("a",), labels) is None
    for text, words in (("2", "must be balanced, or weights such as a=2"), ("d=2", "there is no class 'd'"),
                        ("a=x", "must be a number"), ("a=-1", "must be a number above 0")):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            class_weights(text, ("a", "b", "c"), labels)


def test_weights_and_smoothing_are_those_of_the_formula():
    logits, labels = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0])

    class Fixed(torch.nn.Module):
        def forward(self, x):
            return logits

    logs = logits.log_softmax(1)
    loss, _ = classification_loss(label_smoothing=0.2)(Fixed(), (torch.zeros(2, 1), labels))
    assert loss.item() == pytest.approx(-(0.9 * logs[:, 0] + 0.1 * logs[:, 1]).mean().item())
    loss, _ = classification_loss(class_weights=(3.0, 1.0))(Fixed(), (torch.zeros(2, 1), torch.tensor([0, 1])))
    assert loss.item() == pytest.approx(-(3 * logs[0, 0] + logs[1, 1]).item() / 4)


def test_a_run_stops_early_and_keeps_its_best_weights(folders, tmp_path):
    """With a rate of next to nothing no measurement after the first is a new best."""
    settings = {"steps": 60, "channels": 3, "progress": False, "changes": {"lr": 1e-12, "batch_size": 9}}
    done = train_net("lenet5", folders, tmp_path, PRESETS["lenet"], stop_after=2, **settings)
    assert done.result.step == 27 and done.result.best.step == 9  # an epoch is 81 of 90 images
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["step"] for row in rows if row.get("event") == "evaluation"] == [9, 18, 27]
    assert load(done.weights).metadata["chosen"] == "the best of the measurements, after 9 steps"
    again = train_net("lenet5", folders, tmp_path, PRESETS["lenet"], stop_after=2, **settings)
    assert again.result.step == 27  # it has ended, and does not go on
    with pytest.raises(UsageError, match=r"`stop_after` \(=0\) must be a whole number of at least 1"):
        train_net("lenet5", folders, tmp_path, PRESETS["lenet"], stop_after=0)


def test_training_ends_with_figures_curves_and_confusions(folders, tmp_path, capsys):
    arguments = ["vision", "train", "lenet5", str(folders), "-o", str(tmp_path), "--steps", "20", "--channels", "3"]
    assert main([*arguments, "--momentum", "0.8", "--warmup", "2", "--clip-norm", "1", "--label-smoothing", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "test error" in said and "95 % sure" in said and "validation error" in said and "errors by class" in said
    assert {"curves.png", "confusion.png", "lenet5.safetensors", "log.jsonl"} <= {p.name for p in tmp_path.iterdir()}
    recipe = read_log(tmp_path / "log.jsonl")[0]["recipe"]
    assert (recipe["momentum"], recipe["warmup_steps"], recipe["clip_norm"]) == (0.8, 2, 1.0)
    assert load(tmp_path / "lenet5.safetensors").metadata["label_smoothing"] == 0.1
