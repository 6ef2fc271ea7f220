"""Training on a GPU: exact shapes of the log, resuming, several processes on one GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from trainee import RECIPES, start

from casecnn.interruption import Interrupted


def largest(a, b) -> float:
    return max(float((a[name].float() - b[name].float()).abs().max()) for name in a)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_run_that_is_taken_up_ends_near_one_that_was_not(tmp_path, name, precision, gpu, exact):
    recipe = replace(RECIPES[name], precision=precision)
    whole = start(tmp_path / "whole", recipe, device=str(gpu))

    class Stop(Exception):
        pass

    def listen(row):
        if row.get("step", 0) >= recipe.steps // 2:
            raise Stop

    with pytest.raises((Stop, Interrupted)):
        start(tmp_path / "cut", recipe, device=str(gpu), log=listen, checkpoint_minutes=1e-6)
    cut = start(tmp_path / "cut", recipe, device=str(gpu), checkpoint_minutes=1e-6)
    assert cut.step == whole.step
    assert largest(cut.weights, whole.weights) < (0.05 if precision == "bfloat16" else 5e-3)


def test_the_cpu_learns_the_same(tmp_path, gpu, exact):
    recipe = replace(RECIPES["sgd"], precision="float32", steps=10)
    ours = start(tmp_path / "gpu", recipe, dropout=False, device=str(gpu))
    theirs = start(tmp_path / "cpu", recipe, dropout=False, device="cpu")
    assert largest(ours.weights, theirs.weights) < 1e-3


def test_one_process_under_torchrun(tmp_path, gpu):
    weights = tmp_path / "run"
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"),
        *("-m", "casecnn", "go", "reinforce", "-o", str(weights), "--size", "5", "--filters", "4", "--layers", "3"),
        *("--steps", "2", "--games-per-step", "4", "--evaluate-games", "2", "--device", gpu.type),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert (weights / "policy.safetensors").is_file()


def test_memory_is_pinned_and_nothing_waits(gpu):
    if gpu.type != "cuda":
        pytest.skip("pinned memory is CUDA's")
    assert torch.zeros(4).pin_memory().is_pinned()
