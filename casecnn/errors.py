"""The family of errors that a user can cause; the command line turns them into one line and an exit code."""

from __future__ import annotations


class CasecnnError(Exception):
    """Base of all errors that a user can cause: one line that names the thing, the rule and the remedy."""

    exit_code = 1


class InputError(CasecnnError):
    """A file or a value inside it is not what it should be (exit code 1)."""

    exit_code = 1


class UsageError(CasecnnError):
    """An option or an argument is not what it should be (exit code 2)."""

    exit_code = 2
