"""Tests on a GPU. Without one they skip; CASECNN_REHEARSE=1 runs them on the CPU, to find slips beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

REHEARSAL = os.environ.get("CASECNN_REHEARSE", "") not in ("", "0")
if REHEARSAL and not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before anything imports Triton


@pytest.fixture(scope="session")
def gpu() -> torch.device:
    """The device that is tested: a GPU, or the CPU in a rehearsal."""
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    if REHEARSAL:
        return torch.device("cpu")
    pytest.skip("torch finds no CUDA device (CASECNN_REHEARSE=1 runs these tests on the CPU)")


@pytest.fixture(params=[False, True], ids=["float32", "tf32"])
def tolerance(request: pytest.FixtureRequest, gpu: torch.device) -> Iterator[float]:
    """Products in float32 and in TF32, whose factors keep 10 bits; the value is the relative error allowed."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = request.param
    yield 2e-2 if request.param else 2e-4
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.fixture
def exact(gpu: torch.device) -> Iterator[None]:
    """No TF32."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
