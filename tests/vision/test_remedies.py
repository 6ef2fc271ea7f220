"""What messages and pages name exists: options in errors, and commands with their options in the documents."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

import casecnn.vision
from casecnn.cli import casecnn as root
from casecnn.cli.command import PARAMETER

VISION = Path(casecnn.vision.__file__).parent
PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("vision.md", "results-vision.md")]


def group() -> dict[str, click.Command]:
    found = root.get_command(None, "vision")
    return {name: found.get_command(None, name) for name in found.list_commands(None)}


def spellings(command: click.Command) -> set[str]:
    """The options of a command as they are shown, without former names."""
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def messages() -> list[tuple[str, str]]:
    """The texts that the application raises or warns of, with the file."""
    found = []
    for path in sorted(VISION.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if name.endswith(("Error", "NoSplit", "Unlabelled")) or name in ("warn", "rule"):
                parts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
                found.append((path.name, " ".join(parts)))
    return found


PYTHON_ONLY = {"colour_basis", "shorter", "area"}
"""Names that only a caller from Python can get wrong."""


def test_options_that_messages_name_exist():
    commands = group()
    names = {parameter.name for command in commands.values() for parameter in command.params}
    options = {option for command in commands.values() for option in spellings(command)}
    texts = messages()
    assert len(texts) > 100
    wrong = [
        (file, name) for file, text in texts for name in PARAMETER.findall(text)
        if name not in names | PYTHON_ONLY and not name.isupper()
    ]  # fmt: skip
    wrong += [(f, o) for f, text in texts for o in re.findall(r"(?<![\w-])--[a-z][\w-]*", text) if o not in options]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_the_pages_exist_with_their_options(page):
    commands = group()
    every = {option for command in commands.values() for option in spellings(command)}
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"casecnn vision ([a-z][^`\n]*)", text)
    assert len(lines) > 5
    for line in lines:
        name, *words = shlex.split(line.partition("#")[0].replace("'", ""))
        assert name in commands, line
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= spellings(commands[name]), line
    for option in re.findall(r"`(--[a-z-]+)", text):
        assert option in every, option
