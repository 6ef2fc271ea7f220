"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import re

import pytest
from source_tree import FILES, MODULES, ROOT

SLOW = {"casecnn.go.gtp.engine", "casecnn.go.play.selfplay", "casecnn.go.reviews.moves", "casecnn.text.estimator"}
EXAMPLE = re.compile(r">>> (?!.*# doctest: \+SKIP)")
WITH_EXAMPLES = [MODULES[path] for path in FILES if EXAMPLE.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in WITH_EXAMPLES]
)
def test_examples(name, tmp_path, monkeypatch):
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)  # some write files
    failed, tried = doctest.testmod(module)
    assert failed == 0
    assert tried > 0, "the examples stand where doctest does not look"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["index", "go"])
def test_the_programs_of_a_page_run(page, capsys):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert programs
    for program in programs:
        exec(program.replace('"game.sgf"', repr(str(ROOT / "go" / "games" / "example.sgf"))), {})
    assert capsys.readouterr().out


def test_there_are_examples():
    assert len(WITH_EXAMPLES) >= 21
