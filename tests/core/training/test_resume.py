"""Runs that are killed, stopped, resumed, or shared out among processes end where an undisturbed run ends."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from trainee import RECIPES, start

from casecnn.errors import InputError
from casecnn.interruption import Interrupted
from casecnn.training.checkpoint import load_checkpoint
from casecnn.training.log import read_log

SCRIPT = str(Path(__file__).parents[1] / "trainee.py")


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def largest_difference(a, b):
    assert a.keys() == b.keys()
    return max((a[name] - b[name]).abs().max().item() for name in a)


def curve(folder):
    return {row["step"]: row["loss"] for row in read_log(folder / "log.jsonl") if "loss" in row}


def python(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-W", "error::UserWarning", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_for_step(process, log, step, seconds=300):
    """Wait until the log of another process shows that the step is done."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if log.exists() and f'{{"step": {step},' in log.read_text():
            return
        time.sleep(0.002)
    process.kill()
    raise AssertionError(f"step {step} not reached: {process.communicate()}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The undisturbed run with everything that has state: Muon, AdamW, plateau, average, batch norm, dropout."""
    folder = tmp_path_factory.mktemp("whole")
    return start(folder, RECIPES["muon"]), folder


@pytest.mark.slow
def test_killed_at_a_random_step_and_resumed_gives_the_same_bits(tmp_path, whole):
    step = random.SystemRandom().randrange(2, 31)
    command = [SCRIPT, "muon", str(tmp_path), "dropout", "1e-9", "0.1"]  # a checkpoint after every step
    process = python(*command)  # the last steps take a second, so that it is not at its end before it is killed
    wait_for_step(process, tmp_path / "log.jsonl", step)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    reached = load_checkpoint(tmp_path / "checkpoint.pt")["step"]
    assert step - 1 <= reached < 40, (step, reached)

    resumed = start(tmp_path, RECIPES["muon"])
    expected, folder = whole
    assert same(resumed.weights, expected.weights), f"killed after step {step}"
    assert resumed.best is not None and expected.best is not None
    assert resumed.best.step == expected.best.step and same(resumed.best.weights, expected.best.weights)
    assert curve(tmp_path) == curve(folder)
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["step"] for row in rows if row.get("event") == "resume"] == [reached]
    one, other = load_checkpoint(tmp_path / "checkpoint.pt"), load_checkpoint(folder / "checkpoint.pt")
    assert same(one["model"], other["model"]) and same(one["average"]["values"], other["average"]["values"])
    assert one["schedule"] == other["schedule"] and one["schedule"]["drops"] > 0
    assert not [*tmp_path.glob(".*.tmp.pt")]


@pytest.mark.parametrize("step", [0, 1, 17, 38])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_and_resumed_gives_the_same_bits(tmp_path, whole, step, number):
    def stop(row):
        if row["step"] == step:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught:
        start(tmp_path, RECIPES["muon"], log=stop)
    assert signal.getsignal(number) is before
    assert caught.value.exit_code == 128 + number
    assert str(caught.value) == (
        f"stopped after step {max(step, 1)} of 40; the state is in '{tmp_path / 'checkpoint.pt'}': "
        "start the same command again to go on"
    )
    assert same(start(tmp_path, RECIPES["muon"]).weights, whole[0].weights)


@pytest.mark.slow
def test_ctrl_c_in_another_process_ends_it_with_one_line(tmp_path):
    process = python(SCRIPT, "sgd", str(tmp_path), "plain", "60", "0.25")
    wait_for_step(process, tmp_path / "log.jsonl", 1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line]
    assert lines[0] == "stopping after this step, with a checkpoint; once more to stop at once"
    assert lines[1].startswith("error: stopped after step ") and len(lines) == 2
    assert read_log(tmp_path / "log.jsonl")[-1]["event"] == "interrupted"


def test_a_finished_run_returns_at_once(tmp_path, whole):
    expected, folder = whole
    log = (folder / "log.jsonl").read_bytes()
    again = start(folder, RECIPES["muon"], delay=60.0)  # a batch would take a minute
    assert same(again.weights, expected.weights) and again.step == 40
    assert again.best is not None and same(again.best.weights, expected.best.weights)
    assert (folder / "log.jsonl").read_bytes() == log


def test_without_resume_a_run_starts_anew(tmp_path):
    recipe = replace(RECIPES["sgd"], steps=4)
    first = start(tmp_path, recipe)
    second = start(tmp_path, replace(recipe, lr=0.01), resume=False)
    assert not same(first.weights, second.weights)
    assert [row["step"] for row in read_log(tmp_path / "log.jsonl")] == [0, 1, 2, 3, 4, 4, 4]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("lr", 0.03, "`lr` 0.05, this run has 0.03"),
        ("steps", 50, "`steps` 40, this run has 50"),
        ("optimizer", "adamw", "`optimizer` 'sgd', this run has 'adamw'"),
        ("ema_decay", None, "`ema_decay` 0.9, this run has None"),
        ("batch_size", 16, "`batch_size` times processes 8, this run has 16"),
    ],
)
def test_another_recipe_is_refused_by_the_field(tmp_path_factory, field, value, shown):
    folder = tmp_path_factory.getbasetemp() / "sgd-run"
    if not folder.exists():
        start(folder, RECIPES["sgd"])
    with pytest.raises(InputError) as caught:
        start(folder, replace(RECIPES["sgd"], **{field: value}))
    assert str(caught.value) == (
        f"checkpoint '{folder / 'checkpoint.pt'}' has {shown}; give the same recipe, or another output folder"
    )


def test_another_net_is_refused_by_the_parameter(tmp_path):
    start(tmp_path, replace(RECIPES["sgd"], steps=2), dropout=False)
    with pytest.raises(InputError, match="is of another net: its `norm1.weight` has shape None, this net's"):
        start(tmp_path, replace(RECIPES["sgd"], steps=2), dropout=True)


def torchrun(*arguments):
    return python("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", SCRIPT, *arguments)


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    """One process with the batch that two would share."""
    folder = tmp_path_factory.mktemp("doubled")
    return start(folder, replace(RECIPES["sgd"], batch_size=16), dropout=False), folder


@pytest.mark.slow
def test_two_processes_equal_one_with_the_doubled_batch(tmp_path, doubled):
    process = torchrun("sgd", str(tmp_path), "plain", "60")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    expected, folder = doubled
    ours, theirs = curve(tmp_path), curve(folder)
    assert len(ours) == 40 and ours.keys() == theirs.keys()
    assert max(abs(ours[step] - theirs[step]) for step in ours) < 1e-5
    assert ours[40] < 0.8 * ours[1]
    content = load_checkpoint(tmp_path / "checkpoint.pt")
    assert content["processes"] == 2
    assert largest_difference(content["average"]["values"], expected.weights) < 1e-5
    best = content["best"]
    assert best["step"] == expected.best.step and best["figure"] == pytest.approx(expected.best.figure, abs=1e-5)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[0]["processes"] == 2 and len([row for row in rows if row.get("event") == "start"]) == 1


@pytest.mark.slow
def test_two_processes_stop_together_and_one_goes_on(tmp_path, doubled):
    process = torchrun("sgd", str(tmp_path), "plain", "60", "0.25")
    wait_for_step(process, tmp_path / "log.jsonl", 1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "stopped after step" in errors and "KeyboardInterrupt" not in errors
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] < 40
    resumed = start(tmp_path, replace(RECIPES["sgd"], batch_size=16), dropout=False)
    assert largest_difference(resumed.weights, doubled[0].weights) < 1e-5


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_with_a_checkpoint(tmp_path, doubled):
    process = torchrun("sgd", str(tmp_path), "plain", "60", "0.25")
    wait_for_step(process, tmp_path / "log.jsonl", 1)
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True)
    second = [pid for pid in found.stdout.split() if b"\0RANK=1\0" in Path(f"/proc/{pid}/environ").read_bytes()]
    os.kill(int(second[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "another process of the run ended after step" in errors and "start the same command again to go on" in errors
    assert 1 <= load_checkpoint(tmp_path / "checkpoint.pt")["step"] < 40
    resumed = start(tmp_path, replace(RECIPES["sgd"], batch_size=16), dropout=False)
    assert largest_difference(resumed.weights, doubled[0].weights) < 1e-5
