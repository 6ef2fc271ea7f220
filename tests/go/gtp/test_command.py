"""The command `casecnn go gtp`: its options, what it compiles before a game, and the engine as a process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from casecnn.cli import main
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.weights.state_dict import save


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    arguments = {"k": 4, "layers": 3, "size": 9}
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save(path, build(policy_net(**arguments)).state_dict(), {"net": "policy_net", "arguments": arguments})
    return path


def test_wrong_options_are_told_before_anything_is_loaded(capsys):
    assert main(["go", "gtp", "--temperature", "-1"]) == 2
    assert "temperature` (=-1.0) must be a number of at least 0\n" in capsys.readouterr().err
    assert main(["go", "gtp", "--weights", "no.safetensors"]) == 1
    assert capsys.readouterr().err == "casecnn: error: cannot read 'no.safetensors': there is no such file\n"


REHEARSED = """
import sys
from numba.core.dispatcher import Dispatcher
from casecnn.go.planes.warm_up import warm_up
from casecnn.go.players.player import PolicyPlayer, Settings, rehearse
from casecnn.go.search.dead_stones import estimate_ending
from casecnn.go.position import Position
from casecnn.go.net.move_policy import UniformPolicy

def versions():
    modules = [module for name, module in sys.modules.items() if name.startswith("casecnn.go.")]
    found = {id(f): f for module in modules for f in vars(module).values() if isinstance(f, Dispatcher)}
    return {f.py_func.__qualname__: len(f.signatures) for f in found.values()}

warm_up(rehearse)
before = versions()
net, position = UniformPolicy(), Position(5)
player = PolicyPlayer(net, Settings(temperature=1.0))
for _ in range(60):
    move = player.choose(position)
    position.play(move)
    estimate_ending(position, policy=net)
player.choose(position, cleanup=True)
print(sum(before.values()), {name: (before.get(name), n) for name, n in versions().items() if n != before.get(name)})
"""


@pytest.mark.slow
def test_after_a_rehearsal_nothing_is_left_to_compile():
    """Or to load: in a game that costs time."""
    process = subprocess.run([sys.executable, "-c", REHEARSED], capture_output=True, text=True, timeout=300)
    known, later = process.stdout.split(maxsplit=1)
    assert int(known) > 10 and later == "{}\n", process.stderr


@pytest.mark.slow
def test_the_engine_as_a_process(weights_file):
    """Answers come at once through pipes, an analysis streams until the next line, Ctrl-C ends in one line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "casecnn", "go", "gtp", "--weights", weights_file, "--device", "cpu"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdin and process.stdout and process.stderr

    def ask(line: str) -> None:
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def answer() -> list[str]:
        lines = [process.stdout.readline()]
        while lines[-1].strip():
            lines.append(process.stdout.readline())
        return [line.rstrip("\n") for line in lines[:-1]]

    try:
        ask("1 boardsize 9")
        assert answer() == ["=1"]
        ask("2 genmove b")
        (moved,) = answer()
        assert re.fullmatch(r"=2 [A-HJ][1-9]", moved)
        ask("3 lz-analyze w 1")
        assert process.stdout.readline() == "=3\n"
        assert process.stdout.readline() == process.stdout.readline() != "\n"
        ask("4 undo")
        assert {line[:10] for line in answer()} <= {"info move "}
        assert answer() == ["=4"]
        process.send_signal(signal.SIGINT)
        process.wait(60)  # while its input stays open, as a terminal does
        out, err = process.communicate()
        assert (process.returncode, out) == (130, "") and err.splitlines()[-1] == "casecnn: interrupted", err
        assert "Traceback" not in err
    finally:
        process.kill()
        process.communicate()
