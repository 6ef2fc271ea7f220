"""casecnn.text: Kim's sentence CNN as an application: classify, explain, train, evaluate.

Names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES: dict[str, str] = {}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'casecnn.text' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"casecnn.text.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
