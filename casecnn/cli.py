"""The command line's root: groups that load their commands on first use, and the one place that prints errors.

`casecnn --help` must answer at once, so a group knows its commands as a table of names, where each is found and a
one-line summary; a command's module, and with it torch, is imported only when that command runs.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from casecnn import __version__
from casecnn.errors import CasecnnError
from casecnn.files import reason

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LazyTable = Mapping[str, tuple[str, str, str]]


class LazyGroup(click.Group):
    """A click group whose commands are rows `name -> (module, attribute, one-line summary)`.

    Listing and help read the table only. Every command gets the `--debug` flag. A row whose module does not exist
    raises what the import raises: that is a fault of the program, not of the user.
    """

    def __init__(self, *args: Any, lazy: LazyTable | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy: LazyTable = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order, then those added in other ways."""
        return [*self.lazy, *(name for name in super().list_commands(ctx) if name not in self.lazy)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Imports the command's module and gives the command; None for a name that is not in the table."""
        if name in self.lazy and name not in self.commands:
            module, attribute, _ = self.lazy[name]
            command = getattr(importlib.import_module(module), attribute)
            if not any("--debug" in parameter.opts for parameter in command.params):
                debug_option(command)
            self.add_command(command, name)
        return super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the summaries, importing none of the lazy ones."""
        rows = [(name, summary) for name, (_, _, summary) in self.lazy.items()]
        rows += [(name, c.get_short_help_str(80)) for name, c in self.commands.items() if name not in self.lazy]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What the shell offers after a Tab: commands from the table, importing none, then the group's options."""
        from click.shell_completion import CompletionItem

        helps = {name: c.get_short_help_str() for name, c in self.commands.items()}
        helps = {name: summary for name, (_, _, summary) in self.lazy.items()} | helps
        commands = [CompletionItem(name, help=text) for name, text in helps.items() if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names in the message for a name that does not exist."""
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or name in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        names = self.list_commands(ctx)
        close = get_close_matches(name, names, n=3)
        remedy = f"did you mean {_either(close)}?" if close else f"choose from {_either(names)}"
        raise click.UsageError(f"there is no command '{name}'; {remedy}", ctx)


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


# Options that several commands share; each passes the named argument to the command's function.

debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error (also: CASECNN_DEBUG=1)."
)
"""`--debug`: every lazily loaded command has it already."""

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Print for people or for programs.",
)
"""`--format table|json`, passed as `output_format`."""

device_option = click.option(
    "--device",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="Where to compute: auto, cpu, cuda or cuda:N.",
)
"""`--device`, passed as `device` (not checked here: that would import torch)."""

seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Start of the random numbers: the same seed gives the same result on one device.",
)
"""`--seed`, passed as `seed`."""


def warn(message: str) -> None:
    """Prints one line `casecnn: warning: ...` to stderr."""
    click.echo(f"casecnn: warning: {one_line(message)}", err=True)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    lazy={
        "go": ("casecnn.go.cli", "go", "AlphaGo's policy net: suggest, review, play, train, evaluate."),
        "text": ("casecnn.text.cli", "text", "Kim's sentence CNN: classify, explain, train, evaluate."),
        "vision": ("casecnn.vision.cli", "vision", "LeNet-5 to ResNet: tables, evaluation, training, understanding."),
    },
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@debug_option
def casecnn() -> None:
    """The case-study CNNs of the deep-learning lectures, made to work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line (`sys.argv[1:]` where no arguments are given) and returns the exit code.

    0: done; 1: a file or its content is not what it should be, or an internal error; 2: wrong usage; 130: interrupted;
    141: whoever read the output went away. Every error is one line on stderr, after the traceback with `--debug`.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options or os.environ.get("CASECNN_DEBUG", "0") not in ("", "0")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets a "?" in its place
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except SystemExit:
        raise
    except BaseException as error:  # the last stop: whatever it is becomes a line and a code
        if isinstance(error, OSError):
            _drop_unwritten_output()
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            return 141
        if debug:
            traceback.print_exc()
        message, code = describe(error)
        click.echo(f"casecnn: {message}", err=True)
        return code


def _drop_unwritten_output() -> None:
    """Where stdout takes no more (a full disk), keeps the interpreter from trying again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reader_is_gone() -> bool:
    """Whether stdout itself is the pipe that broke, and not one to a worker process."""
    import select

    if not hasattr(select, "poll"):  # Windows
        return True
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):  # a stdout without a file behind it
        return False


def _run(arguments: list[str]) -> int:
    instruction = os.environ.get("_CASECNN_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(casecnn, {}, "casecnn", "_CASECNN_COMPLETE", instruction)
    with casecnn.make_context("casecnn", arguments) as context:
        casecnn.invoke(context)
    return 0


def describe(error: BaseException) -> tuple[str, int]:
    """The line for an exception that reached the command line, without the program's name, and the exit code."""
    if isinstance(error, CasecnnError):
        return f"error: {one_line(str(error))}", error.exit_code
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "casecnn"
        return f"error: {one_line(_usage(error)).rstrip('.')} (see '{path} --help')", error.exit_code
    if isinstance(error, click.ClickException):
        return f"error: {one_line(error.format_message())}", error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "interrupted", 130
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: '{one_line(str(error.filename))}': {reason(error)}", 1
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return f"error: cannot write the output: {reason(error)}", 1
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's own, not imported here
        return "error: out of memory; use a smaller batch or net, or another --device", 1
    what = f"{type(error).__name__}: {one_line(str(error))}"
    return f"internal error: {what} (run again with --debug for the traceback)", 1


def _usage(error: click.UsageError) -> str:
    """Click's message, but for an unknown option, whose wording and hint change from one version to the next."""
    if not isinstance(error, click.NoSuchOption):
        return error.format_message()
    names = sorted(error.possibilities or [])
    return f"there is no option '{error.option_name}'" + (f"; did you mean {_either(names)}?" if names else "")


def one_line(text: str) -> str:
    """The text on one line, with control characters (a file's name may hold any) written as escapes."""
    text = re.sub(r"\s*\n\s*", " ", text.strip())
    shown = (c.isprintable() or c in "\u00a0\u3000" for c in text)
    escaped = (c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    return "".join(c if show else escape for c, show, escape in zip(text, shown, escaped, strict=True))
