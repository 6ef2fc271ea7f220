"""torchvision for the tests that compare with it; they skip where it is not installed or does not work."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from types import ModuleType

import pytest
import torch

DECLARED: list[torch.library.Library] = []  # a library's operators go when it does


def torchvision_module(name: str) -> ModuleType:
    """`torchvision.NAME`. A wheel for CUDA beside torch for the CPU lacks its operators: two are declared for it."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed: pip install --no-deps torchvision")
    if not DECLARED:
        DECLARED.append(torch.library.Library("torchvision", "FRAGMENT"))
        for operator in ("nms", "qnms"):
            with contextlib.suppress(RuntimeError):  # it is declared already
                DECLARED[0].define(f"{operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
    try:
        return importlib.import_module(f"torchvision.{name}")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision does not work with this torch: {error}")
