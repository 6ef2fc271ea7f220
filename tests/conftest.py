"""Fixtures that more than one domain uses."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casecnn.errors import InputError
from casecnn.files import cache_folder

ROOT = Path(__file__).resolve().parents[1]
try:
    COMPILED: Path | None = cache_folder()
except InputError:  # no home folder
    COMPILED = None

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
    """No test reads or fills the cache folder of whoever runs it, or shows tracebacks because they want them.

    But compiled functions stay where they are from run to run: to compile them takes most of a minute.
    """
    own = str(tmp_path_factory.getbasetemp() / "cache")
    monkeypatch.setenv("CASECNN_CACHE", own)
    monkeypatch.delenv("CASECNN_DEBUG", raising=False)
    compiled = sys.modules.get("casecnn.compiled")
    if compiled is not None and COMPILED is not None:
        monkeypatch.setattr(
            compiled, "cache_folder", lambda: COMPILED if os.environ.get("CASECNN_CACHE") == own else cache_folder()
        )


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch computes with one thread: small nets are done sooner, and machines with many cores agree."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
