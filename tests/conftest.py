"""Fixtures that more than one domain uses."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job of a shell, and inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Leave the million objects of imports and collection out of every later garbage collection: they stay anyway."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of large data that lies beside the project; tests that want it skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder.parent.name}/{folder.name} is not beside the project")
    return folder


@pytest.fixture(autouse=True)
def no_cache_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or fills the cache folder of whoever runs it, or shows tracebacks because they want them."""
    monkeypatch.setenv("CASECNN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("CASECNN_DEBUG", raising=False)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch computes with one thread: small nets are done sooner, and machines with many cores agree."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
