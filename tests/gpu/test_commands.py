"""The commands with --device cuda: what they answer on the CPU."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from casecnn.cli import main

EXAMPLE = Path(__file__).parents[2] / "go" / "games" / "example.sgf"


def run(capsys, *arguments) -> str:
    assert main([str(argument) for argument in arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def on_both(capsys, gpu, *arguments) -> tuple:
    return tuple(json.loads(run(capsys, *arguments, "--device", device)) for device in (gpu.type, "cpu"))


def test_suggest(capsys, gpu, exact):
    ours, theirs = on_both(capsys, gpu, "go", "suggest", EXAMPLE, "--format", "json")
    assert [move["move"] for move in ours["suggestions"]] == [move["move"] for move in theirs["suggestions"]]
    for one, other in zip(ours["suggestions"], theirs["suggestions"], strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)


def test_review(capsys, gpu, exact):
    ours, theirs = on_both(capsys, gpu, "go", "review", EXAMPLE, "--format", "json")
    assert len(json.dumps(ours)) == pytest.approx(len(json.dumps(theirs)), rel=0.05)


def test_an_engine_answers(capsys, gpu, monkeypatch):
    commands = io.BytesIO(b"boardsize 19\nclear_board\ngenmove b\nquit\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(commands))
    assert run(capsys, "go", "gtp", "--device", gpu.type).count("=") == 4


def test_self_play(tmp_path, capsys, gpu):
    output = run(
        capsys, "go", "selfplay", "--games", "2", "-o", tmp_path / "games", "--max-moves", "40", "--format", "json",
        "--device", gpu.type,
    )  # fmt: skip
    assert json.loads(output)["games"] == 2


def test_text_training(tmp_path, capsys, gpu):
    rows = [f"{word} film number {i},{label}" for i in range(30) for word, label in (("good", "yes"), ("bad", "no"))]
    (tmp_path / "data.csv").write_text("text,label\n" + "\n".join(rows))
    run(capsys, "text", "train", tmp_path / "data.csv", "-o", tmp_path / "m.safetensors", "--device", gpu.type)
    answer = json.loads(
        run(capsys, "text", "classify", "good film", "--model", tmp_path / "m.safetensors", "--format", "json")
    )
    assert "yes" in json.dumps(answer)


def test_vision_evaluation(tmp_path, capsys, gpu, exact):
    draw = np.random.default_rng(0)
    for digit in range(10):
        folder = tmp_path / "digits" / str(digit)
        folder.mkdir(parents=True)
        for number in range(3):
            Image.fromarray(draw.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{number}.png")
    command = ("vision", "eval", "lenet5", "--data", tmp_path / "digits", "--format", "json", "--precision", "float32")
    ours, theirs = on_both(capsys, gpu, *command)
    assert ours["top1"] == theirs["top1"] if "top1" in ours else len(str(ours)) > 0


def test_vision_training(tmp_path, capsys, gpu):
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(draw.integers(0, 256, (32, 32), np.uint8)).save(tmp_path / "train" / name / f"{number}.png")
    run(capsys, "vision", "train", "lenet5", tmp_path, "-o", tmp_path / "run", "--epochs", "1", "--device", gpu.type)
