"""Training a policy net, from packed games to suggestions, in process and from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from random_games import random_archive

from casecnn.cli import main
from casecnn.errors import InputError
from casecnn.go.data.archive import save_archive
from casecnn.go.data.sampling import position_batch
from casecnn.go.net.policy import load_policy
from casecnn.go.net.training import policy_loss, supply, train_policy
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import load

ARCHIVE = random_archive(games=8)
RECIPE = Recipe(optimizer="adamw", lr=5e-3, steps=40, batch_size=32, precision="float32")

pytestmark = pytest.mark.usefixtures("one_thread")


def test_loss_is_the_cross_entropy_of_the_moves():
    planes, moves = position_batch(ARCHIVE, np.arange(5), np.zeros(5, int), 9)

    class Net(torch.nn.Module):
        def forward(self, x):
            assert x.dtype == torch.float32 and x.is_contiguous(memory_format=torch.channels_last)
            logits = torch.zeros(len(x), 81)
            logits[0, moves[0]] = 2.0
            return logits

    loss, figures = policy_loss(Net(), (torch.from_numpy(planes), torch.from_numpy(moves)))
    right = np.log(80 + np.exp(2.0)) - 2.0
    assert loss.item() == pytest.approx((right + 4 * np.log(81)) / 5, rel=1e-5)
    first = int((moves == 0).sum()) + (moves[0] != 0)  # a tie goes to point 0
    assert figures["top1"].item() == pytest.approx(first / 5)


def test_training_learns_and_the_file_says_what_it_is(tmp_path):
    rows = []
    result = train_policy(
        ARCHIVE, RECIPE, tmp_path / "run", k=8, layers=3, size=9, validation=ARCHIVE, validation_positions=50,
        evaluate_every=20, progress=False, log_every=10, log=rows.append, command="the command",
    )  # fmt: skip
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0] - 0.1
    assert all(0 <= row["wait_share"] <= 1 for row in rows if "wait_share" in row)
    assert result.best is not None and set(result.best.metrics) == {"top1", "log_loss"}
    loaded = load(tmp_path / "run" / "policy.safetensors")
    assert loaded.metadata["net"] == "policy_net"
    assert loaded.metadata["arguments"] == {"k": 8, "layers": 3, "size": 9}
    assert loaded.metadata["command"] == "the command" and loaded.metadata["steps"] == 40
    assert {tensor.dtype for tensor in loaded.tensors.values()} == {torch.float16}
    policy = load_policy(tmp_path / "run" / "policy.safetensors", "cpu")
    assert policy.size == 9 and policy.name == "policy.safetensors"
    for name, tensor in policy.module.state_dict().items():
        assert torch.allclose(tensor, result.weights[name], atol=1e-3)


def test_threads_that_prepare_positions(monkeypatch):
    assert supply("cpu", 9) == (False, 1) and supply("cpu", 9, 3) == (False, 3)
    monkeypatch.setattr("casecnn.go.net.training.choose_device", torch.device)
    monkeypatch.setattr("casecnn.go.net.training.works_on", lambda device, size: device.type == "cuda")
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert supply("cuda", 9) == (True, 8) and supply("cuda", 9, 2) == (True, 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert supply("cuda", 9) == (True, 4)


def test_training_can_start_from_weights(tmp_path):
    first = train_policy(ARCHIVE, RECIPE, tmp_path / "a", k=4, layers=3, size=9, progress=False)
    start = tmp_path / "a" / "policy.safetensors"
    frozen = Recipe(optimizer="sgd", lr=1e-12, momentum=0.0, steps=1, batch_size=4, precision="float32")
    second = train_policy(ARCHIVE, frozen, tmp_path / "b", k=4, layers=3, size=9, initial=start, progress=False)
    for name, tensor in first.weights.items():
        assert torch.equal(second.weights[name], tensor.half().float())
    with pytest.raises(InputError, match="does not fit the net: tensor 'conv1.weight' has the shape"):
        train_policy(ARCHIVE, frozen, tmp_path / "c", k=5, layers=3, size=9, initial=start, progress=False)


@pytest.mark.slow
def test_from_packed_games_to_suggestions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_archive("moves.npz", ARCHIVE)
    small = ["--filters", "4", "--layers", "3", "--size", "9", "--steps", "6", "--warmup", "2", "--batch", "16"]
    command = ["go", "train", "moves.npz", "-o", "run", *small, "--validation", "moves.npz", "--evaluate-every", "3"]
    assert main([*command, "--format", "json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["weights"] == "run/policy.safetensors" and summary["steps"] == 6
    assert set(summary["validation"]) == {"top1", "log_loss"}
    assert main(command) == 0  # a finished run: nothing is trained again
    assert capsys.readouterr().out.startswith("run/policy.safetensors: 6 steps in ")

    weights = ["--weights", "run/policy.safetensors"]
    assert main(["go", "eval", "moves.npz", *weights, "--positions", "30", "--format", "json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"positions", "top1", "top5", "top10", "log_loss", "phases"}
    assert figures["positions"] == 30 and 0 <= figures["top1"] <= figures["top5"] <= figures["top10"] <= 1
    assert main(["go", "eval", "moves.npz", *weights, "--game-range", "0:2", "--no-symmetries"]) == 0
    assert capsys.readouterr().out.startswith("7")  # two games of 40 moves, less some passes

    (tmp_path / "game.sgf").write_text("(;SZ[9];B[ee])")
    assert main(["go", "suggest", "game.sgf", *weights, "--format", "json"]) == 0
    suggestions = json.loads(capsys.readouterr().out)["suggestions"]
    assert len(suggestions) == 10
    assert main(["go", "eval", "game.sgf", *weights]) == 0  # SGF is read as well
    assert capsys.readouterr().out.startswith("1 positions")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "missing.npz", "-o", "run"], 1, "cannot read 'missing.npz': there is no such file"),
        (["train", "moves.npz", "-o", "run", "--steps", "0"], 2, "`--steps` (=0) must be a whole number of at least 1"),
        (
            ["train", "moves.npz", "-o", "run", "--filters", "0", "--size", "9"],
            2,
            "`--filters` (=0) must be a whole number of at least 1",
        ),
        (
            ["train", "moves.npz", "-o", "run"],
            1,
            "the archive holds no moves on a board of size 19; import games of that size",
        ),
        (["eval", "moves.npz", "--positions", "0"], 2, "`--positions` (=0) must be a whole number of at least 1"),
        (
            ["eval", "moves.npz", "--weights", "none.safetensors"],
            1,
            "cannot read 'none.safetensors': there is no such file",
        ),
        (["eval", "moves.npz", "--weights", "moves.npz"], 1, "'moves.npz' must end in .safetensors, .pt or .pth"),
    ],
)
def test_errors_are_one_line(tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    save_archive("moves.npz", ARCHIVE)
    assert main(["go", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith(f"casecnn: error: {message}")
