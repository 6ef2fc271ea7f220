"""The benchmark of the GPU runs in pieces and takes up where it stopped; rehearsed on the CPU everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"


@pytest.mark.slow
def test_it_stops_in_time_and_goes_on(tmp_path):
    def run(*options: str) -> str:
        command = [sys.executable, SCRIPT, "-o", tmp_path, "--rehearse", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "not done yet" in run("--minutes", "0")
    assert "all done" in run("--minutes", "5")
    (file,) = tmp_path.glob("*.json")
    before = file.read_text()
    results = json.loads(before)
    assert len(results["rows"]) == 6 and set(results["ceilings"]) == {"float32", "bfloat16"}
    for row in results["rows"].values():
        assert row["macs"] > 0 and all(c["rate"] > 0 and c["error"] < 0.1 for c in row["contenders"].values())
    planes = results["planes"]
    assert all(row["rate"] > 0 for row in planes.values())
    assert {"CPU's planes, 1 threads", "compact positions, 1 threads"} < planes.keys()
    assert 0 <= planes["training, CPU's planes, 1 threads"]["wait_share"] <= 1
    assert "all done" in run() and file.read_text() == before
    assert run("--markdown").count("\n| ") == 7 + 1 + len(planes)
