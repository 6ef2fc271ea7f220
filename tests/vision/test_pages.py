"""The commands that the pages show exist, with their options."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from casecnn.cli import casecnn as root

PAGES = [Path(__file__).parents[2] / "docs" / name for name in ("vision.md", "results-vision.md")]


def group() -> dict[str, click.Command]:
    found = root.get_command(None, "vision")
    return {name: found.get_command(None, name) for name in found.list_commands(None)}


def spellings(command: click.Command) -> set[str]:
    """The options of a command as they are shown, without former names."""
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


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
