"""The rules of the house about what ships: one version, no path of one machine, and a README whose commands run."""

from __future__ import annotations

import importlib
import re

import pytest
from source_tree import HOMES, ROOT, home, pyproject, tracked

import casecnn


def test_the_version_is_written_once_and_repeated_right():
    assert pyproject()["project"]["version"] == casecnn.__version__


def test_no_path_of_one_machine_is_in_the_tree():
    folders = ("home", "root", "work", "Users", "opt", "mnt", "srv")
    pattern = re.compile(rb"(?<![\w./:~-])/(" + "|".join(folders).encode() + rb")/\w")
    allowed = {"test_house_shipped.py", "test_state_dict.py"}  # the second sets HOME to a made-up folder
    wrong = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content[:4096] or path.name in allowed:
            continue
        wrong += [
            f"{path.relative_to(ROOT)}: {line.decode(errors='replace').strip()}"
            for line in content.splitlines()
            if pattern.search(line)
        ]
    assert wrong == []


# The README's commands are those that .ci/run runs.


def readme_command(name: str) -> list[str]:
    """The lines of the fenced block after `<!-- command: NAME -->`, as .ci/run reads them."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f"from_readme {name}" in script, f".ci/run does not run the README's {name} command"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"<!-- command: {name} -->\n```\w*\n(.*?)\n```", text, re.DOTALL)
    assert len(blocks) == 1
    return blocks[0].splitlines()


def test_the_readme_has_one_command_to_run_and_one_to_test():
    run, test = readme_command("run"), readme_command("test")
    assert len(run) == 1 and run[0].startswith("pip install . && casecnn go suggest ")
    assert (ROOT / run[0].split()[-1]).is_file()
    assert len(test) == 1 and test[0].startswith("pip install ") and test[0].endswith("pytest -n auto")


def test_links_of_the_documents_lead_to_files():
    for document in [
        ROOT / "README.md",
        ROOT / "CHANGES.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]:
        text = document.read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if not re.match(r"[a-z]+:", link):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document):
    """Files by their paths, modules and what they hold by their dotted names."""
    text = document.read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:casecnn|go|text|vision|tests|benchmarks|\.ci)/[\w/.-]*)`", text))
    assert [name for name in sorted(files) if not (ROOT / name).exists()] == []
    modules = {path: module for module, path in HOMES.items()}
    for name in sorted(set(re.findall(r"`(casecnn(?:\.\w+)+)[`(]", text))):
        module = modules[home(name)]
        found = importlib.import_module(module)
        for part in name.removeprefix(module).split(".")[1:]:
            assert hasattr(found, part), f"{name}: {found.__name__} has no {part}"
            found = getattr(found, part)
