"""Compiled files that are older than a source file are forgotten; nothing else is touched."""

from __future__ import annotations

import os

from casecnn.stale import forget_stale


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
