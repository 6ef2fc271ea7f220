"""The options of all commands: one meaning a spelling, one spelling a meaning, and the page that lists them."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import click
import pytest
from source_tree import commands

from casecnn.cli import casecnn, main
from casecnn.cli.command import Command, in_options
from casecnn.cli.options import Option, option

ROOT = Path(__file__).resolve().parents[3]


COMMANDS = dict(commands(casecnn))
USES: dict[str, dict[str, Option]] = defaultdict(dict)  # spelling -> command -> option
for _name, _command in COMMANDS.items():
    for _parameter in _command.params:
        if isinstance(_parameter, Option):
            USES[_parameter.spelling][_name] = _parameter

OTHER_MEANINGS: dict[str, str] = {}
OTHER_TYPES = {
    **OTHER_MEANINGS,
    "--batch": "an exported net may take batches of any size: `dynamic`",
    "--epochs": "texts are gone through whole times, images also for part of an epoch",
    "--size": "an import may take boards of `any` size",
    "--input": "a net is trained on images of one height and width; a table takes both, a volume channels too",
}


def test_every_option_is_declared_in_the_one_voice():
    for name, command in COMMANDS.items():
        assert isinstance(command, Command), name
        for parameter in command.params:
            assert isinstance(parameter, (Option, click.Argument)), f"{name} {parameter.name}"
            if isinstance(parameter, Option):
                assert not parameter.meaning.endswith("."), f"{name} {parameter.spelling}"


def test_a_spelling_has_one_meaning():
    several = {
        spelling: meanings
        for spelling, uses in USES.items()
        if len(meanings := {use.meaning for use in uses.values()}) > 1
    }
    assert set(several) == set(OTHER_MEANINGS)


def test_a_meaning_has_one_spelling():
    by_meaning = defaultdict(set)
    for spelling, uses in USES.items():
        for use in uses.values():
            by_meaning[use.meaning].add(spelling)
    assert {meaning: found for meaning, found in by_meaning.items() if len(found) > 1} == {}


def test_a_spelling_has_one_type_but_for_named_exceptions():
    kinds = {
        spelling: {type(use.type).__name__.removesuffix("Range") + str(use.multiple) for use in uses.values()}
        for spelling, uses in USES.items()
    }
    assert {spelling for spelling, found in kinds.items() if len({k.replace("Int", "INT") for k in found}) > 1} == (
        set(OTHER_TYPES)
    )


def test_a_former_spelling_is_no_option_of_the_same_command():
    for name, command in COMMANDS.items():
        shown = {opt for parameter in command.params for opt in (*parameter.opts, *parameter.secondary_opts)}
        former = [old for parameter in command.params if isinstance(parameter, Option) for old in parameter.renamed]
        assert len(former) == len(set(former)) and not shown & set(former), name


def test_the_page_of_options_is_up_to_date():
    done = subprocess.run([sys.executable, ROOT / ".ci" / "options"], capture_output=True, check=True)
    page = (ROOT / "docs" / "options.md").read_bytes()
    assert done.stdout == page, "run `python .ci/options > docs/options.md`"


# Former spellings


def test_a_former_spelling_works_and_names_the_new_one(capsys):
    arguments = ["vision", "arithmetic", "{}", "227x227x3", "conv", "11x11x96", "/4"]
    assert main([argument.format("--input") for argument in arguments]) == 0
    now = capsys.readouterr()
    assert now.err == "" and "34,944" in now.out
    assert main([argument.format("--in") for argument in arguments]) == 0
    warning = "casecnn: warning: '--in' is now called '--input'; the old name goes with the next version\n"
    assert capsys.readouterr() == (now.out, warning)


def test_help_and_suggestions_show_no_former_spelling(capsys):
    assert main(["vision", "arithmetic", "--help"]) == 0
    assert "--in " not in capsys.readouterr().out
    assert main(["text", "classify", "--modell", "x"]) == 2
    assert capsys.readouterr().err == (
        "casecnn: error: there is no option '--modell'; did you mean --weights? (see 'casecnn text classify --help')\n"
    )


@pytest.mark.parametrize("arguments", [["--old=3"], ["--old", "3"], ["--new", "3"], ["--new", "3", "--", "--old"]])
def test_former_spellings_by_the_way_they_are_written(arguments, capsys):
    @option("--new", type=int, meaning="A number", renamed=["--old"])
    @click.argument("rest", nargs=-1)
    @click.command(cls=Command)
    def command(new, rest):
        click.echo(str(new))

    assert command.main(arguments, standalone_mode=False) is None
    out, err = capsys.readouterr()
    assert out == "3\n"
    assert err == ("" if "--new" in arguments else "casecnn: warning: '--old' is now called '--new'; "
                   "the old name goes with the next version\n")  # fmt: skip


# Errors of the library in the words of the command


@pytest.mark.parametrize(
    ("name", "message", "spoken"),
    [
        ("go train", "`k` (=0) must be at least 1", "`--filters` (=0) must be at least 1"),
        ("go train", "set `clip_norm` or `warmup_steps`", "set `--clip-norm` or `--warmup`"),
        ("vision train", "lower `lr`, or set `clip_norm`", "lower `--lr`, or set `--clip-norm`"),
        ("go train", "start anew without `resume`", "start anew with `--no-resume`"),
        ("vision train", "net `lenet5`, layer `test`: too small", "net `lenet5`, layer `test`: too small"),
        ("go suggest", "'a`path`.sgf' is empty", "'a`path`.sgf' is empty"),
        ("go train", "`data` (=x) is odd", "`MOVES.npz` (=x) is odd"),
    ],
)  # fmt: skip
def test_a_message_of_the_library_names_the_options_of_the_command(name, message, spoken):
    assert in_options(message, COMMANDS[name]) == spoken
