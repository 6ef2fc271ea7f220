"""The commands that the documents show are commands: they and their options exist, under today's names."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator

import click
import pytest
from source_tree import ROOT

from casecnn.cli import casecnn
from casecnn.cli.options import Option

DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))


def shown(text: str) -> Iterator[list[str]]:
    """The arguments of every call of casecnn in the fenced blocks of a document."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if "casecnn" not in line or language not in ("", "sh", "console"):
                continue
            tokens = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)  # "a && b" is three
            tokens.whitespace_split = True
            for ends, words in itertools.groupby(tokens, lambda token: set(token) <= set("();<>|&")):
                call = list(words)
                if not ends and (call[0] == "casecnn" or ("-m", "casecnn") in itertools.pairwise(call)):
                    yield call[call.index("casecnn") + 1 :]


def find(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and its arguments."""
    command: click.Command = casecnn
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(click.Context(command), words[0])
        assert inner is not None, f"there is no command {words[0]}"
        command, words = inner, words[1:]
    return command, words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_of_a_document_exist(document):
    for words in shown(document.read_text(encoding="utf-8")):
        command, arguments = find(words)
        context = click.Context(command, ignore_unknown_options=False)
        try:
            command.make_parser(context).parse_args(list(arguments))
        except click.UsageError as error:
            pytest.fail(f"casecnn {' '.join(words)}: {error.format_message()}")
        former = {name for option in command.params if isinstance(option, Option) for name in option.renamed}
        assert not former & {word.partition("=")[0] for word in arguments}, f"casecnn {' '.join(words)}"


def names(group: click.Group) -> Iterator[str]:
    """Every command, as one calls it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        inner = group.get_command(context, name)
        yield from (f"{name} {rest}" for rest in names(inner)) if isinstance(inner, click.Group) else [name]


def test_the_readme_lists_every_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```text\n(casecnn .*?)^```", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    listed = re.findall(r"^casecnn ((?:(?:go|text|vision) )?[a-z-]+)", block[1], re.MULTILINE)
    assert sorted(listed) == sorted(names(casecnn))


def test_commands_are_found_in_every_form():
    text = """
```sh
pip install . && casecnn go suggest game.sgf --top 3   # a comment; casecnn is no command here, it's not
zcat a.gz | casecnn text classify - > out.txt
torchrun -m casecnn go train a.npz \\
    -o run
casecnn go match --black 'casecnn go gtp' --white 'gnugo --mode gtp'
```
"""
    found = [" ".join(words) for words in shown(text)]
    assert found[:3] == ["go suggest game.sgf --top 3", "text classify -", "go train a.npz -o run"]
    assert found[3].startswith("go match --black casecnn go gtp")
