"""Fixtures that more than one domain uses."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of large data that lies beside the project; tests that want it skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder.parent.name}/{folder.name} is not beside the project")
    return folder
