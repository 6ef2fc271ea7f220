"""casecnn.vision: the case-study nets of the lectures, from LeNet-5 to ResNet, as an application.

Names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES: dict[str, str] = {}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'casecnn.vision' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"casecnn.vision.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
