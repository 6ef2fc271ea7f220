"""Commands are thin: they parse, call the library and show; and what they call is near."""

from __future__ import annotations

import ast
import inspect
import statistics
import textwrap
from collections import deque

import pytest
from source_tree import HOMES, commands, imported, nodes

from casecnn.cli import casecnn

COMMANDS = dict(commands(casecnn))


def body_length(function) -> int:
    """The lines of a command's function after its docstring."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    body = found.body[1:] if ast.get_docstring(found) else found.body
    return (found.end_lineno or 0) - body[0].lineno + 1


def test_the_body_of_a_command_is_short():
    lengths = {name: body_length(command.callback) for name, command in COMMANDS.items()}
    assert {name: length for name, length in lengths.items() if length >= 30} == {}
    assert statistics.median(lengths.values()) <= 15


def test_modules_of_commands_hold_little_else():
    """Beside commands only functions that say what options mean; none is longer than a command may be."""
    for module, path in HOMES.items():
        if ".cli" in module:
            for node in nodes(path):
                if isinstance(node, ast.FunctionDef):
                    assert (node.end_lineno or 0) - node.body[-1].lineno < 30, f"{module}:{node.lineno}"


def hops(start: str, end: str) -> list[str]:
    """The shortest way from module to module over their imports."""
    ways, seen = deque([[start]]), {start}
    while ways:
        way = ways.popleft()
        if way[-1] == end:
            return way
        for following in sorted(imported(way[-1]) - seen):
            seen.add(following)
            ways.append([*way, following])
    raise AssertionError(f"{start} does not reach {end}")


@pytest.mark.parametrize(
    ("command", "kernel"),
    [
        ("go suggest", "casecnn.numpy_net"),  # one position
        ("go suggest", "casecnn.kernels.convolution"),  # many
        ("text classify", "casecnn.text.model.projection"),
        ("vision eval", "casecnn.kernels.convolution"),
    ],
)
def test_a_command_reaches_its_kernel_in_six_files(command, kernel):
    way = hops(COMMANDS[command].callback.__module__, kernel)
    assert len(way) <= 6, " -> ".join(way)


def test_progress_is_shown_in_one_way():
    """Only casecnn/console.py knows tqdm."""
    wrong = [
        f"{module}:{node.lineno}"
        for module, path in HOMES.items()
        if module != "casecnn.console"
        for node in nodes(path)
        if (isinstance(node, ast.ImportFrom) and node.module == "tqdm")
        or (isinstance(node, ast.Import) and any(alias.name == "tqdm" for alias in node.names))
    ]
    assert wrong == []
