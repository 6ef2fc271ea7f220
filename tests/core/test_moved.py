"""Modules of version 0.1 under their old names."""

from __future__ import annotations

import importlib
import sys

import pytest

from casecnn.moved import MOVED, TAKEN_APART


@pytest.mark.parametrize("old", sorted({*MOVED, *TAKEN_APART}))
def test_every_old_module_can_be_imported_with_a_warning(old):
    sys.modules.pop(f"casecnn.{old}", None)
    with pytest.warns(DeprecationWarning, match=f"^casecnn.{old} is now casecnn"):
        module = importlib.import_module(f"casecnn.{old}")
    for name in TAKEN_APART.get(old, ()):
        assert getattr(module, name).__module__.startswith("casecnn.")
    if old in TAKEN_APART:
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            module.nothing  # noqa: B018
