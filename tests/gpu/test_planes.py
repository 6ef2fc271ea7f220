"""The 48 planes made on a GPU: those of the CPU, bit by bit, and training with them."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from random_games import random_archive

from casecnn.go.board.symmetry import SYMMETRIES
from casecnn.go.data.archive import Archive, pack_records
from casecnn.go.data.history import History
from casecnn.go.data.outcomes import OutcomeSource
from casecnn.go.data.sampling import PositionSource, compact_batch, plays, position_batch
from casecnn.go.net.training import policy_loss, supply, train_policy
from casecnn.go.planes.on_gpu import net_input, planes_on_gpu, works_on
from casecnn.go.planes.table import PLANE_NAMES
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.training.recipe import Recipe

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed: it comes with torch's CUDA builds"
)


def assert_equal(archive: Archive, size: int, gpu: torch.device, most: int, **options) -> None:
    indices = plays(archive, size)
    indices = np.random.default_rng(0).permutation(indices)[: most if gpu.type == "cuda" else 3]
    symmetries = np.arange(len(indices)) % SYMMETRIES
    compact, moves = compact_batch(History(archive), indices, symmetries, size)
    found = planes_on_gpu(torch.from_numpy(compact).to(gpu), size, **options)
    expected, same = position_batch(archive, indices, symmetries, size)
    assert found.is_contiguous(memory_format=torch.channels_last) and np.array_equal(moves, same)
    wrong = (found.cpu() != torch.from_numpy(expected)).flatten(2).any(2).any(0)
    assert not wrong.any(), [PLANE_NAMES[i] for i in wrong.nonzero().flatten().tolist()]


@pytest.mark.parametrize("size", [5, 9, 13, 19, 25])
def test_planes_of_random_games(size, gpu):
    moves = 2 * size * size if size < 19 else size * size
    assert_equal(random_archive(games=12, size=size, moves=moves if gpu.type == "cuda" else 60), size, gpu, 5000)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("warps", [1, 4, 8, 16])
def test_number_formats_and_threads(dtype, warps, gpu):
    archive = random_archive(games=2, size=19, moves=300 if gpu.type == "cuda" else 60)
    assert_equal(archive, 19, gpu, 500, dtype=dtype, warps=warps)


def test_planes_of_amateur_games(shared_data, gpu):
    from casecnn.go.sgf.game import read_games

    games = read_games(shared_data / "go" / "tygem-9d" / "2016-12.sgf.gz")
    assert_equal(pack_records(next(games) for _ in range(200 if gpu.type == "cuda" else 2)), 19, gpu, 20_000)


def test_no_positions_at_all(gpu):
    assert planes_on_gpu(torch.zeros(0, 81, dtype=torch.uint8, device=gpu), 9).shape == (0, 48, 9, 9)


def test_the_kernel_is_used(gpu):
    if gpu.type != "cuda":
        pytest.skip("the CPU makes planes itself")
    assert works_on(gpu, 19) and supply(gpu, 19)[0]


def test_a_step_is_that_with_planes_of_the_cpu(gpu, exact):
    archive = random_archive(games=8, size=9, moves=80)
    batches = [PositionSource(archive, 16, size=9, compact=compact)(0) for compact in (True, False)]
    model = build(policy_net(16, 4, 9), seed=0).to(gpu, memory_format=torch.channels_last)
    found = []
    for batch in batches:
        model.zero_grad()
        loss, figures = policy_loss(model, tuple(tensor.to(gpu) for tensor in batch))
        loss.backward()
        found.append([loss.detach(), figures["top1"], *(p.grad for p in model.parameters())])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_ends_where_planes_of_the_cpu_lead(precision, gpu, exact, tmp_path, monkeypatch):
    recipe = Recipe(optimizer="sgd", lr=1e-2, steps=20 if gpu.type == "cuda" else 2, batch_size=8, precision=precision)
    archive = random_archive(games=8, size=9, moves=80)
    found = []
    for compact in (True, False):
        monkeypatch.setattr("casecnn.go.net.training.works_on", lambda device, size, compact=compact: compact)
        result = train_policy(archive, recipe, tmp_path / str(compact), k=8, layers=3, size=9, device=str(gpu),
                              progress=False, workers=2)  # fmt: skip
        found.append(result.weights)
    for name, tensor in found[0].items():
        assert torch.allclose(tensor, found[1][name], atol=1e-3 if precision == "float32" else 1e-2)


def test_values_have_the_same_inputs(gpu):
    archive = random_archive(games=8, size=9, moves=80)
    archive = Archive(**{**vars(archive), "winner": np.ones(8, np.int8)})
    compact, planes = (OutcomeSource(archive, 8, size=9, compact=compact)(0)[0].to(gpu) for compact in (True, False))
    assert torch.equal(net_input(compact, torch.float32), net_input(planes, torch.float32))
