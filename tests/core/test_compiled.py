"""What numba compiles is kept in the cache folder, and forgotten where it is older than a source file."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from numba.core import config

from casecnn.compiled import forget_stale, kept_in

SOURCE = """
from casecnn.compiled import njit

@njit(cache=True)
def double(x):
    return 2 * x
"""


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    """A module with a compiled function, and a cache folder of its own."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setenv("CASECNN_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "package" / "doubling.py"
    file.parent.mkdir()
    file.write_text(SOURCE)
    return file


def double_once(file: Path):
    """Import the module anew, call its function, and return it."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.double(21) == 42
    return module.double


def compiled_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nb[ci]"))


def test_nothing_compiled_lies_beside_the_source(source):
    first = double_once(source)
    assert compiled_files(source.parent) == []
    kept = compiled_files(kept_in(source.parent))
    assert len(kept) == 2 and sum(first.stats.cache_misses.values()) == 1
    again = double_once(source)
    assert sum(again.stats.cache_hits.values()) == 1 and not config.CACHE_DIR
    for file in kept:
        os.utime(file, (1, 1))
    forget_stale(source.parent)
    assert compiled_files(kept_in(source.parent)) == []


def test_a_folder_that_the_user_names_to_numba_is_used(source, monkeypatch, tmp_path):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "own"))
    double_once(source)
    assert len(compiled_files(tmp_path / "own")) == 2 and kept_in(source.parent) is None


def test_without_a_cache_folder_numba_decides(source, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CASECNN_CACHE", str(tmp_path / "file" / "cache"))
    assert kept_in(source.parent) is None
    double_once(source)


def test_what_is_older_than_a_source_file_goes(tmp_path):
    (tmp_path / "__pycache__" / "deeper").mkdir(parents=True)
    ages = {
        "a.py": 10,
        "b.py": 30,
        "other.nbi": 1,
        "__pycache__/a.f-1.py311.nbi": 20,  # a.py has not changed since, but b.py, whose functions it may call
        "__pycache__/a.f-1.py311.1.nbc": 29,
        "__pycache__/b.g-1.py311.nbi": 31,
        "__pycache__/b.g-1.py311.1.nbc": 31,
        "__pycache__/a.cpython-311.pyc": 1,
        "__pycache__/deeper/a.f-1.py311.nbi": 1,
    }
    for name, age in ages.items():
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (age, age))
    forget_stale(tmp_path)
    assert {name for name in ages if not (tmp_path / name).exists()} == {
        "__pycache__/a.f-1.py311.nbi",
        "__pycache__/a.f-1.py311.1.nbc",
    }


def test_what_cannot_be_read_is_left(tmp_path):
    forget_stale(tmp_path)
    forget_stale(tmp_path / "none")
    (tmp_path / "a.py").write_text("")
    (tmp_path / "__pycache__").write_text("a file")
    forget_stale(tmp_path)
    assert (tmp_path / "__pycache__").read_text() == "a file"
