"""Standard input and output for a command that speaks a protocol with another program."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import BinaryIO, TextIO


@contextlib.contextmanager
def protocol_streams() -> Iterator[tuple[BinaryIO, TextIO]]:
    """Give the bytes of standard input, and standard output for answers alone: what else is printed goes to stderr.

    Answers are the same bytes in every locale, and on Windows.
    """
    answers = sys.stdout
    if isinstance(answers, io.TextIOWrapper):
        answers.reconfigure(encoding="utf-8", newline="\n")
    with contextlib.redirect_stdout(sys.stderr):
        yield _own(sys.stdin.buffer), answers


def _own(source: BinaryIO) -> BinaryIO:
    """A reader of its own for the same file.

    A thread that waits in that of `sys.stdin` when Ctrl-C ends the process would hold the lock that Python wants for
    closing it, and Python would abort.
    """
    try:
        return open(source.fileno(), "rb", closefd=False)  # noqa: SIM115  (the thread reads from it until the end)
    except io.UnsupportedOperation:  # no file
        return source
