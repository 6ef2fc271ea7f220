"""Why a game could not be taken from a file: a value, so that a bulk import can count it and go on."""

from __future__ import annotations

from typing import NamedTuple

from casecnn.errors import InputError


def printable(text: str) -> str:
    """The text on one line that is safe to show: what cannot be printed is replaced by a question mark."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


class NotRead(Exception):
    """A game that cannot be taken: the reason to count it under, and the rest of the sentence after its name."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Failure(NamedTuple):
    """A game or file that was skipped: where, the reason to count it under, and the rest of the sentence."""

    source: str  # file, and the game in it
    reason: str  # a few words, the same for all of a kind: "truncated", "illegal move", "not Go"
    message: str  # continues the sentence that starts with the source

    def __str__(self) -> str:
        return printable(f"{self.source} {self.message}")

    def error(self) -> InputError:
        """The same as an exception of one line."""
        return InputError(str(self))
