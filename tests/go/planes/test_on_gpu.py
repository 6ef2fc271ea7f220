"""The GPU's planes against the CPU's: the kernel runs in Triton's interpreter, and compiles without a GPU."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from compact_positions import joined, made, of_events
from diagrams import CASES, SET_UP, diagram, event
from random_games import random_game

from casecnn.go.planes.on_gpu import works_on
from casecnn.go.planes.table import PLANE_NAMES

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed: it comes with torch's CUDA builds"
)

# Black's big eye is shared with White's: nobody may fill it. The eyes of Black's left chain lean on each other.
SEKI = """
. X X O O . .
X O X O X O .
X O . . X O .
X O X . X O .
X O X X O O .
X O O O O . .
X X X X . . .
"""
EYES = """
. X . X O . .
X X X O O . .
. X . X O . .
X X X O . . .
O O O . . . .
. . . . . . .
. . . . . . .
"""
SUICIDE = """
. O . O . . .
O O O X . . .
. . O . . . .
X X X . X . .
X . X X X . .
X X O O X . .
. O . O . . .
"""
SPIRAL = """
X X X X X X X X X
. . . . . . . . X
X X X X X X X . X
X . . . . . X . X
X . X X X . X . X
X . X . . . X . X
X . X X X X X . X
X . . . . . . . X
X X X X X X X X X
"""
HANDICAP = [event(19, (row, column), 1, SET_UP) for row in (3, 9, 15) for column in (3, 9, 15)]


def set_up(picture: str, colour: int) -> tuple[int, list[int]]:
    """Stones set up, and one to play."""
    board = diagram(picture)
    return board.size, [*board.set_up(), event(board.size, None, colour)]


def of_stones(size: int, colour: int, others: int) -> list[int]:
    """A board full of stones of one colour, but for some of the other: their chains have no liberties."""
    points = [(row, column) for row in range(size) for column in range(size)]
    return [event(size, p, colour if i >= others else 3 - colour, SET_UP) for i, p in enumerate(points)]


def small() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Made positions, all of them of boards where something is special."""
    rng = np.random.default_rng(2)
    found = {name: of_events(case.diagram.size, case.events()) for name, case in CASES.items()}
    pictures = {"seki": SEKI, "eyes": EYES, "suicide": SUICIDE, "spiral": SPIRAL}
    for name, picture in pictures.items():
        found[name] = joined(*(of_events(*set_up(picture, colour)) for colour in (1, 2)))
    found["empty board"] = of_events(19, [event(19, None, 1)])
    found["handicap"] = of_events(19, [*HANDICAP, event(19, (2, 5), 2), event(19, None, 1)])
    found["full board"] = joined(*(of_events(9, [*of_stones(9, 1, 5), event(9, None, colour)]) for colour in (1, 2)))
    found["one liberty"] = joined(
        *(of_events(9, [*of_stones(9, 1, 0), event(9, (4, 4), 0, SET_UP), event(9, None, colour)]) for colour in (1, 2))
    )
    for size in (9, 13, 19):
        found[f"random games on {size}"] = of_events(size, random_game(rng, size, size * size).events, size + 2)
    return found


@pytest.fixture(scope="module")
def positions(tmp_path_factory):
    cases = small()
    planes = made({name: compact for name, (compact, _) in cases.items()}, tmp_path_factory.mktemp("planes"))
    return {name: (planes[name], expected) for name, (_, expected) in cases.items()}


def assert_equal(found: np.ndarray, expected: np.ndarray) -> None:
    wrong = [PLANE_NAMES[i] for i in np.flatnonzero((found != expected).any((0, 2, 3)))]
    assert found.shape == expected.shape and not wrong, wrong


@needs_triton
@pytest.mark.slow
def test_made_positions_and_random_games(positions):
    for name, (found, expected) in positions.items():
        try:
            assert_equal(found, expected)
        except AssertionError as error:
            raise AssertionError(name) from error
    assert sum(len(found) for found, _ in positions.values()) > 70


def test_what_the_made_positions_are_about():
    cases = small()
    planes = {name: expected for name, (_, expected) in cases.items()}
    named = {name: i for i, name in enumerate(PLANE_NAMES)}
    assert planes["spiral"][:, named["liberties >=8"]].sum() == 2 * 49
    assert (planes["full board"].sum((1, 2, 3)) == 3 * 81).all()  # colour, ones, age: no liberties
    assert planes["one liberty"][0, named["sensibleness"]].sum() == 0  # for Black suicide
    assert planes["one liberty"][1, named["capture size >=7"]].sum() == 1
    assert (cases["the ko cannot be taken back"][0] & 3 == 3).sum(1).tolist() == [0, 1]


@needs_triton
@pytest.mark.slow
def test_amateur_games(shared_data, tmp_path):
    from casecnn.go.sgf.game import read_games

    games = read_games(shared_data / "go" / "tygem-9d" / "2016-12.sgf.gz")
    compact, expected = joined(*(of_events(19, next(games).events, 17) for _ in range(3)))
    assert len(compact) > 25
    assert_equal(made({"games": compact}, tmp_path)["games"], expected)


COMPILE = """
import inspect, sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from casecnn.go.planes.kernel import planes_kernel, set_words

size, block = 19, 512
signature = {"compact": "*u8", "planes": "*bf16", "scratch": "*i32"}
constants = {"size": size, "block": block, "words": set_words(size)}
if "constexprs" in inspect.signature(ASTSource).parameters:  # since Triton 3.3
    signature |= dict.fromkeys(constants, "constexpr")
    source = ASTSource(planes_kernel, signature=signature, constexprs=constants)
else:
    source = ASTSource(planes_kernel, signature=signature, constants=constants)
done = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 16, "num_stages": 1})
print(done.asm["ptx"].count("bar.sync"), len(done.asm["cubin"]))
"""


@needs_triton
@pytest.mark.slow
def test_it_compiles_for_an_h100(tmp_path):
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", COMPILE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    barriers, size = map(int, done.stdout.split())
    assert barriers >= 9 and size > 1000  # as many barriers as the kernel has, and machine code


def test_the_cpu_makes_planes_itself(capsys):
    assert not works_on(torch.device("cpu"), 19)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_kernel_that_does_not_run_is_a_warning(capsys):
    assert not works_on.__wrapped__(torch.device("cuda"), 9)
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "planes are made on the CPU, since the GPU's kernel does not run: " in error


def test_other_planes_than_the_cpu_s_are_a_warning(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.device", lambda device: nullcontext())
    monkeypatch.setattr("casecnn.go.planes.on_gpu.planes_on_gpu", lambda compact, size: torch.zeros(3, 48, size, size))
    monkeypatch.setattr("torch.Tensor.to", lambda tensor, device: tensor)
    assert not works_on.__wrapped__(torch.device("cuda"), 9)
    assert "planes are made on the CPU, since the GPU's kernel gives others" in capsys.readouterr().err
