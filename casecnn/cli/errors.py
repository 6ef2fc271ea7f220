"""How every error becomes one line and an exit code, and how the output ends where nobody reads it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys

import click

from casecnn.choose import either
from casecnn.cli.options import Option
from casecnn.console import printable
from casecnn.errors import CasecnnError
from casecnn.files import reason


def describe(error: BaseException) -> tuple[str, int]:
    """The line for an exception that reached the command line, without the program's name, and the exit code."""
    if isinstance(error, CasecnnError):
        return f"error: {printable(str(error))}", error.exit_code
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "casecnn"
        return f"error: {printable(_usage(error)).rstrip('.')} (see '{path} --help')", error.exit_code
    if isinstance(error, click.ClickException):
        return f"error: {printable(error.format_message())}", error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return "interrupted", 130
    if isinstance(error, OSError) and error.filename is not None:
        return f"error: '{printable(str(error.filename))}': {reason(error)}", 1
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return f"error: cannot write the output: {reason(error)}", 1
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's own, not imported here
        return "error: out of memory; use a smaller batch or net, or another --device", 1
    what = f"{type(error).__name__}: {printable(str(error))}"
    return f"internal error: {what} (run again with --debug for the traceback)", 1


def _usage(error: click.UsageError) -> str:
    """Click's message, but for an unknown option, whose wording and hint change from one version to the next."""
    if not isinstance(error, click.NoSuchOption):
        return error.format_message()
    command = error.ctx.command if error.ctx else None
    options = [option for option in (command.params if command else []) if isinstance(option, Option)]
    now = {former: option.spelling for option in options for former in option.renamed}
    names = sorted({now.get(name, name) for name in error.possibilities or []})
    return f"there is no option '{error.option_name}'" + (f"; did you mean {either(names)}?" if names else "")


def drop_unwritten_output() -> None:
    """Where stdout takes no more (a full disk), keeps the interpreter from trying again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reader_is_gone() -> bool:
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
