"""Self-play and reinforcement by several processes, as torchrun starts them, on the CPU (gloo)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from casecnn.cli import main
from casecnn.training.checkpoint import load_checkpoint
from casecnn.training.log import read_log
from casecnn.weights.state_dict import load

NET = ["--size", "5", "--filters", "4", "--layers", "3", "--komi", "0.5"]
LEARN = [*NET, "--optimizer", "sgd", "--lr", "0.05", "--pool-every", "2", "--evaluate-games", "4", "--device", "cpu"]

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


def torchrun(*arguments) -> subprocess.Popen:
    """`casecnn go ...` in two processes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "casecnn", "go", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def children(process: subprocess.Popen) -> list[int]:
    """The processes that torchrun has started, by rank."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    ranks = {}
    for pid in map(int, found.stdout.split()):
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        ranks |= {int(entry[5:]): pid for entry in variables if entry.startswith(b"RANK=")}
    return [ranks[rank] for rank in sorted(ranks)]


def wait_until(holds, process: subprocess.Popen, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.01)


@pytest.mark.parametrize("baseline", ["batch", "moving"])
def test_two_processes_learn_what_one_learns_from_the_games_of_both(tmp_path, baseline):
    options = [*LEARN, "--steps", "4", "--baseline", baseline]
    process = torchrun("reinforce", "-o", tmp_path / "two", "--games-per-step", "4", *options)
    output, errors = process.communicate(timeout=580)
    assert process.returncode == 0, errors
    assert main(["go", "reinforce", "-o", str(tmp_path / "one"), "--games-per-step", "8", *options]) == 0
    one, two = (load(tmp_path / name / "policy.safetensors").tensors for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
    rows = {
        name: [row for row in read_log(tmp_path / name / "log.jsonl") if "entropy" in row] for name in ("one", "two")
    }
    for ours, theirs in zip(rows["one"], rows["two"], strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)
        assert ours["pool_win_rate"] == pytest.approx(theirs["pool_win_rate"])
    assert output.count("policy.safetensors") == 1  # the first process alone prints


def test_two_processes_play_the_games_of_a_search_and_learn_from_them(tmp_path):
    options = ["--visits", "6", "--round-games", "4", "--round-steps", "2", "--steps", "4", "--batch", "8"]
    process = torchrun("reinforce", "-o", tmp_path / "run", *NET, *options, "--evaluate-games", "2", "--device", "cpu")
    output, errors = process.communicate(timeout=580)
    assert process.returncode == 0, errors
    for number in (0, 1):
        folder = tmp_path / "run" / "games" / f"round-{number:04d}"
        assert len(list(folder.glob("game-*.npz"))) == 4
        assert json.loads((folder / "summary.json").read_text())["games"] == 4
    rows = [row for row in read_log(tmp_path / "run" / "log.jsonl") if "round" in row]
    assert [row["round"] for row in rows] == [0, 1] and rows[0]["loss"] > 0
    assert load(tmp_path / "run" / "policy-value.safetensors").metadata["steps"] == 4
    assert output.count("policy-value.safetensors") == 1


def test_a_process_that_dies_ends_the_run_with_a_checkpoint_and_one_line(tmp_path):
    options = [*LEARN, "--steps", "100000", "--games-per-step", "4"]
    process = torchrun("reinforce", "-o", tmp_path / "run", *options)
    log = tmp_path / "run" / "log.jsonl"
    wait_until(lambda: log.exists() and '{"step": 3,' in log.read_text(), process)
    os.kill(children(process)[1], signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode != 0
    lines = [line for line in errors.splitlines() if line.startswith("casecnn: ")]
    assert len(lines) == 1 and "checkpoint.pt" in lines[0] and "start the same command again to go on" in lines[0], (
        errors
    )
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] >= 3


def games(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("game-*.sgf")}


def numbers(folder: Path) -> list[int]:
    return sorted(int(re.search(r"\d+", name)[0]) for name in games(folder))


@pytest.fixture
def weights(tmp_path) -> Path:
    assert main(["go", "reinforce", "-o", str(tmp_path / "start"), "--steps", "1", *LEARN]) == 0
    return tmp_path / "start" / "policy.safetensors"


def test_two_processes_play_the_games_of_one(tmp_path, weights):
    options = ["--games", "11", "--weights", weights, "--device", "cpu", "--seed", "3", "--format", "json"]
    process = torchrun("selfplay", "-o", tmp_path / "two", *options)
    output, errors = process.communicate(timeout=580)
    assert process.returncode == 0, errors
    assert main(["go", "selfplay", "-o", str(tmp_path / "one"), *map(str, options)]) == 0
    assert games(tmp_path / "one") == games(tmp_path / "two") and len(games(tmp_path / "one")) == 11
    summaries = [json.loads((tmp_path / name / "summary.json").read_text()) for name in ("one", "two")]
    for key in ("games", "wins", "moves", "mean_score", "ended"):
        assert summaries[0][key] == summaries[1][key]
    assert len(output.strip().splitlines()) == 1 and json.loads(output)["played_now"] == 11


def test_self_play_of_two_processes_is_taken_up_by_one(tmp_path, weights):
    options = ["--weights", weights, "--device", "cpu", "--batch", "1"]
    process = torchrun("selfplay", "-o", tmp_path / "run", "--games", "500", *options)
    log = tmp_path / "run" / "games.jsonl"
    wait_until(lambda: log.exists() and log.read_text().count("\n") >= 4, process)
    os.kill(children(process)[1], signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    lines = [line for line in errors.splitlines() if line.startswith("casecnn: ")]
    assert len(lines) == 1 and "of 500 games are in" in lines[0] and lines[0].endswith("the same command goes on"), (
        errors
    )
    total = max(numbers(tmp_path / "run")) + 3  # one process may be ahead: numbers below the highest may be missing
    assert main(["go", "selfplay", "-o", str(tmp_path / "run"), "--games", str(total), *map(str, options)]) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["games"] == total
    assert numbers(tmp_path / "run") == list(range(1, total + 1))
