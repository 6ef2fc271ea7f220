"""No message speaks Python to a user of the command line.

Messages are read from the source: what a check or an error of casecnn names in backticks, or in words with an
underscore. Where a command can reach the message, one that does must have an option of that name, which the command
line then shows in its place; other names are listed here with the reason why no command prints them.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache

import pytest
from source_tree import HOMES, commands, imported, nodes

from casecnn.cli import casecnn
from casecnn.cli.command import PARAMETER

CHECKS = {"one_of", "whole", "positive", "within"}
TOLD = {"UsageError", "InputError", "NotRead", "Unlabelled", "GtpError", "ShapeError", "warn"}
SNAKE = re.compile(r"(?<![\w./`'])[a-z]+(?:_[a-z]+)+(?![\w./(`'])")

NEVER_PRINTED = {
    # what a file holds, in plain words
    "vertex": "a point of the board, as GTP writes it",
    "point": "a point of the board, as SGF writes it",
    "points": "points of the board, as SGF writes them",
    "class_to_idx": "what torchvision calls the numbers of classes, and the file of them",
    # commands of the Go Text Protocol
    "time_settings": "a command of GTP, named to who sends it",
    # arguments that the functions of commands make themselves
    "max_nodes": "engines search with the default",
    "rollout_games": "engines search with the default",
    "seconds": "an engine has a clock where no time is set",
    "stop": "an engine has a clock where no time is set",
    "hidden": "`go train` leaves it at its default",
    "owned": "`go train` leaves it at its default",
    "planes": "a command computes the planes",
    "colour": "a game's moves have one",
    "opening_moves": "the rules that `go reinforce` makes leave it out",
    "resign": "the rules that `go reinforce` makes leave it out",
    "symmetries": "the rules that `go reinforce` makes leave it out",
    "phase": "a review asks for each in turn",
    "classes": "the labels of the data, or what a net finds likeliest",
    "sentences": "a command cleans the texts",
    "words": "a command cleans the texts",
    "texts": "a command reads a list of them",
    "sample_weight": "no command gives it",
    "which": "a command names the weights that it wants",
    "last": "a command says how an epoch ends",
    "log_every": "a command leaves the default",
    "evaluate": "`vision train` tells first that there is nothing to measure on",
    "max_norm": "the recipes have both or neither",
    "max_norm_parameters": "a recipe names weights that the net has",
    "worker_kind": "a command names one of the two",
    "channels_last": "a command leaves the default",
    "betas": "no command gives them",
    "nesterov": "no command gives it",
    "milestones": "a preset's, which a test runs",
    "better": "a command names one of the two",
    "ties": "a command names one of the two",
    "metric": "a command names one that it measures",
    "colour_basis": "a training takes them before it asks for them",
    "spans": "the tables of nets ask with the size of an input",
    "shorter": "a preset's",
    "area": "a preset's",
}


def reached(module: str) -> set[str]:
    """The modules that a module imports, those that they import, and so on."""
    found: set[str] = set()
    todo = [module]
    while todo:
        here = todo.pop()
        if here not in found:
            found.add(here)
            todo += imported(here)
    return found


def constant(node: ast.expr) -> str:
    """The constant parts of a text; a blank for each value."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(constant(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp):
        return constant(node.left) + constant(node.right)
    return " ".join(map(constant, (node.body, node.orelse))) if isinstance(node, ast.IfExp) else ""


def called(call: ast.Call) -> str:
    """The last name of what is called: "whole" of `checks.whole(...)`."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def names(call: ast.Call) -> set[str]:
    """The names that a check or an error says."""
    function = called(call)
    if function in CHECKS and call.args and isinstance(call.args[0], ast.Constant):
        return {str(call.args[0].value)}
    if function not in TOLD:
        return set()
    text = " ".join(map(constant, call.args))
    return set(PARAMETER.findall(text)) | set(SNAKE.findall(text))


@cache
def said() -> dict[str, dict[str, int]]:
    """The names that the messages of each module say, each with the first line where it stands."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for module, path in HOMES.items():
        for node in nodes(path):
            if isinstance(node, ast.Call):
                for name in names(node):
                    found[module].setdefault(name, node.lineno)
    return found


@cache
def modules_of_commands() -> dict[str, set[str]]:
    """The modules that each command reaches."""
    return {name: reached(command.callback.__module__) for name, command in commands(casecnn) if command.callback}


@cache
def unknown() -> dict[str, str]:
    """The names that no command which reaches their message has an option for, each with where it stands."""
    parameters = {name: {str(p.name) for p in command.params} for name, command in commands(casecnn)}
    found = {}
    for module, lines in said().items():
        who = [name for name, modules in modules_of_commands().items() if module in modules]
        for name, line in lines.items():
            if who and not any(name in parameters[command] for command in who):
                found[name] = f"{module}:{line}"
    return found


def test_messages_name_parameters_that_are_options():
    assert {name: place for name, place in unknown().items() if name not in NEVER_PRINTED} == {}


def test_the_list_of_other_names_is_as_short_as_can_be():
    assert sorted(set(NEVER_PRINTED) - set(unknown())) == []


def test_no_message_of_a_library_spells_an_option():
    """A message that names `--top` would be wrong in Python, and in a command where the option is called otherwise."""
    wrong = [
        f"{module}:{node.lineno}"
        for module, path in HOMES.items()
        if ".cli" not in module
        for node in nodes(path)
        if isinstance(node, ast.Call) and called(node) in TOLD
        if any(re.search(r"(?<![\w-])--[a-z]", constant(argument)) for argument in node.args)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('whole("top_k", 1, 2)', {"top_k"}),
        ('raise UsageError(f"`lr` (={x}) is odd" if x else "set clip_norm")', {"lr", "clip_norm"}),
        ("raise errors.InputError(\"file 'some_name.sgf' of `net.pt`\")", set()),
        ('print("warmup_steps")', set()),
    ],
)
def test_the_reader_of_messages(code, expected):
    found = [names(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    assert set().union(*found) == expected


def test_there_are_messages_to_read():
    assert len(modules_of_commands()) > 20 and sum(map(len, said().values())) > 150
    modules = modules_of_commands()["go train"]
    assert "casecnn.training.recipe" in modules and "casecnn.text.model.model" not in modules
