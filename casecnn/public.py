"""Public names of a package that load on first use, so that importing the package costs nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a package whose names live in its submodules has as `__getattr__`, `__dir__` and `__all__`.

    ``homes`` says for each public name in which submodule of ``package`` it is defined, or in which module of the core,
    then by its whole name.

    >>> __getattr__, __dir__, __all__ = lazily("casecnn.layers", {"Conv": "convolution"})
    >>> __getattr__("Conv").__name__
    'Conv'
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        home = homes[name] if homes[name].startswith("casecnn.") else f"{package}.{homes[name]}"
        value = getattr(importlib.import_module(home), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names, sorted(homes)
