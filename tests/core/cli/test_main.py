"""The command line's root: whole messages and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import click
import pytest

from casecnn import __version__, cli
from casecnn.choose import either
from casecnn.cli.errors import describe
from casecnn.cli.lazy import LazyGroup
from casecnn.console import printable
from casecnn.errors import InputError, UsageError
from casecnn.go.cli import COMMANDS as GO


def run(*arguments: str, env: dict[str, str] | None = None, **options):
    """Runs `python -m casecnn` as a user does."""
    environment = {k: v for k, v in os.environ.items() if k != "CASECNN_DEBUG"} | (env or {})
    command = [sys.executable, "-m", "casecnn", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, **options)


@pytest.fixture
def lazy(monkeypatch, tmp_path):
    """Puts commands into the root group: their module is written here, with one command for every way to end."""
    (tmp_path / "endings.py").write_text(
        textwrap.dedent("""
        import click, errno, os
        from casecnn.cli.options import format_option, device_option, seed_option
        from casecnn.console import warn
        from casecnn.errors import InputError, UsageError

        def command(body):
            return click.command()(body)

        @command
        def input_error(): raise InputError("'game.sgf' is empty; give a file with a game")
        @command
        def usage_error(): raise UsageError("`--top` (=0) must be at least 1")
        @command
        def two_lines(): raise InputError("'a\\x1b[31mb' is bad:\\n   second line")
        @command
        def fault(): raise ZeroDivisionError("division by zero")
        @command
        def interrupt(): raise KeyboardInterrupt
        @command
        def abort(): raise click.Abort
        @command
        def missing(): open("no-such-file.sgf")
        @command
        def full(): raise OSError(errno.ENOSPC, "No space left on device")
        @command
        def memory(): raise MemoryError
        @command
        def pipe(): raise BrokenPipeError("to a worker")
        @command
        def leave(): raise SystemExit(7)
        @click.command()
        @format_option
        @device_option
        @seed_option
        def options(output_format, device, seed):
            warn("a line\\nand another")
            click.echo(f"{output_format} {device} {seed}")
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("CASECNN_DEBUG", raising=False)
    names = "input_error usage_error two_lines fault interrupt abort missing full memory pipe leave options".split()
    table = {name.replace("_", "-"): ("endings", name, f"Ends with {name}.") for name in names}
    monkeypatch.setattr(cli.casecnn, "lazy", {**cli.casecnn.lazy, **table})
    monkeypatch.setattr(cli.casecnn, "commands", {})
    yield
    sys.modules.pop("endings", None)


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("input-error", 1, "casecnn: error: 'game.sgf' is empty; give a file with a game"),
        ("usage-error", 2, "casecnn: error: `--top` (=0) must be at least 1"),
        ("two-lines", 1, r"casecnn: error: 'a\x1b[31mb' is bad: second line"),
        (
            "fault",
            1,
            "casecnn: internal error: ZeroDivisionError: division by zero (run again with --debug for the traceback)",
        ),
        (
            "pipe",
            1,
            "casecnn: internal error: BrokenPipeError: to a worker (run again with --debug for the traceback)",
        ),
        ("interrupt", 130, "casecnn: interrupted"),
        ("abort", 130, "casecnn: interrupted"),
        ("missing", 1, "casecnn: error: 'no-such-file.sgf': there is no such file"),
        (
            "full",
            1,
            "casecnn: error: cannot write the output: the disk is full; free some space or choose another folder",
        ),
        ("memory", 1, "casecnn: error: out of memory; use a smaller batch or net, or another --device"),
    ],
)
def test_an_error_is_one_line_and_a_code(lazy, capsys, name, code, line):
    assert cli.main([name]) == code
    assert capsys.readouterr() == ("", line + "\n")


@pytest.mark.parametrize("arguments", [["--debug", "fault"], ["fault", "--debug"]])
def test_debug_shows_the_traceback_before_the_line(lazy, capsys, arguments):
    assert cli.main(arguments) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "Traceback (most recent call last):"
    assert err[-2] == "ZeroDivisionError: division by zero"
    assert err[-1].startswith("casecnn: internal error: ")


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("0", False), ("", False)])
def test_debug_by_the_environment(lazy, capsys, monkeypatch, value, shown):
    monkeypatch.setenv("CASECNN_DEBUG", value)
    assert cli.main(["input-error"]) == 1
    assert ("Traceback" in capsys.readouterr().err) is shown


def test_debug_after_two_dashes_is_an_argument(lazy, capsys):
    assert cli.main(["input-error", "--", "--debug"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_command_that_leaves_by_itself_keeps_its_code(lazy):
    with pytest.raises(SystemExit) as caught:
        cli.main(["leave"])
    assert caught.value.code == 7


def test_shared_options_and_warnings(lazy, capsys):
    assert cli.main(["options"]) == 0
    assert capsys.readouterr() == ("table auto 0\n", "casecnn: warning: a line and another\n")
    assert cli.main(["options", "--format", "json", "--device", "cpu", "--seed", "7"]) == 0
    assert capsys.readouterr().out == "json cpu 7\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'table', 'json' (see 'casecnn options --help')",
        ),
        (
            ["--seed", "-1"],
            "Invalid value for '--seed': -1 is not in the range 0<=x<=4294967295 (see 'casecnn options --help')",
        ),
    ],
)
def test_wrong_values_of_shared_options(lazy, capsys, arguments, line):
    assert cli.main(["options", *arguments]) == 2
    assert capsys.readouterr() == ("", f"casecnn: error: {line}\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["chess"], "there is no command 'chess'; choose from go, text, vision or export (see 'casecnn --help')"),
        (["gos"], "there is no command 'gos'; did you mean go? (see 'casecnn --help')"),
        (["go", "sugest"], "there is no command 'sugest'; did you mean suggest? (see 'casecnn go --help')"),
        (
            ["go", "xyz"],
            f"there is no command 'xyz'; choose from {either(GO)} (see 'casecnn go --help')",
        ),
        (["--colour"], "there is no option '--colour' (see 'casecnn --help')"),
        (["go", "--debgu"], "there is no option '--debgu'; did you mean --debug? (see 'casecnn go --help')"),
    ],
)
def test_unknown_commands_and_options(arguments, line):
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"casecnn: error: {line}\n")


def test_version_and_help():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"casecnn {__version__}\n", "")
    done = run("go", "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert "  suggest    Suggest moves for a position of a game.\n" in done.stdout
    assert run("go", "-h").stdout == done.stdout


def test_no_command_shows_the_help_as_an_error():
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == run("--help").stdout


def test_every_command_of_the_tables_exists_and_has_help():
    groups = [cli.casecnn, *(cli.casecnn.get_command(click.Context(cli.casecnn), name) for name in cli.casecnn.lazy)]
    groups = [group for group in groups if isinstance(group, LazyGroup)]
    assert len(groups) == 4
    for group in groups:
        for name, (_, _, summary) in group.lazy.items():
            command = group.get_command(click.Context(group), name)
            assert command is not None and command.help, name
            assert sum("--debug" in parameter.opts for parameter in command.params) == 1, name
            assert summary.endswith(".") and len(summary) <= 80 and "\n" not in summary


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "casecnn", "--help"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    line = "casecnn: error: cannot write the output: the disk is full; free some space or choose another folder\n"
    assert (done.returncode, done.stderr) == (1, line)


def test_a_reader_that_goes_away():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "casecnn", "--help"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_in_a_real_process(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import click, sys, time\n@click.command()\ndef slow():\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    program = (
        "import sys; from casecnn import cli; cli.casecnn.lazy['slow'] = ('slow', 'slow', 'Sleep.'); "
        "sys.exit(cli.main(['slow']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "casecnn: interrupted\n")


def test_output_in_an_encoding_without_the_character():
    program = "import sys; from casecnn import cli; import click; cli.casecnn.callback = None; "
    program += "cli._run = lambda arguments: click.echo('größer 囲碁') or 0; sys.exit(cli.main([]))"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "größer ??\n".encode("latin-1"), b"")


def test_shell_completion_names_the_commands():
    done = run(env={"_CASECNN_COMPLETE": "bash_complete", "COMP_WORDS": "casecnn go ", "COMP_CWORD": "2"})
    assert [line.split(",")[1] for line in done.stdout.split()] == list(GO)


@pytest.mark.parametrize("arguments", [["--help"], ["go", "--help"], ["--version"], ["go", "nothing"]])
def test_the_command_line_starts_at_once(arguments):
    """In a process of its own: no heavy import, and less than half a second of CPU time, interpreter included."""
    program = textwrap.dedent("""
        import json, resource, sys
        from casecnn.cli import main
        code = main(sys.argv[1:])
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "modules": sorted(sys.modules)}), file=sys.stderr)
    """)
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    report = json.loads(done.stderr.splitlines()[-1])
    heavy = {"torch", "numpy", "numba", "matplotlib", "PIL", "sgfmill", "safetensors", "sklearn", "gensim", "tqdm"}
    assert heavy & set(report["modules"]) == set()
    assert report["cpu"] < 0.5


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  two\n   lines ", "two lines"),
        ("\x1b[31mred\a", r"\x1b[31mred\x07"),
        ("棋譜\u3000一.sgf", "棋譜\u3000一.sgf"),
        ("bad \udcff byte", r"bad \udcff byte"),
        ("right to left \u202e", r"right to left \u202e"),
    ],
)
def test_any_text_becomes_one_line(text, line):
    assert printable(text) == line


def test_exit_codes_of_the_family():
    assert describe(InputError("a")) == ("error: a", 1)
    assert describe(UsageError("a")) == ("error: a", 2)
