"""The Go Text Protocol as text: lines to commands, arguments to values, results to responses. Keeps no state.

Source: GTP version 2 draft 2 (Farnebäck 2002), sections 2 (protocol) and 3.2 (types). What is checked here is the form
only: whether a move is legal or a command exists is for others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from casecnn.errors import InputError
from casecnn.go.board.coordinates import from_vertex

MAX_LINE = 1 << 20  # characters, comment not counted: far above any game or list of points
_COLOURS = {"b": 1, "black": 1, "w": 2, "white": 2}
_CONTROLS = {code: None for code in (*range(32), 127) if code not in (9, 10)} | {9: " "}


class GtpError(Exception):
    """A command that fails; the text is the response."""


class Command(NamedTuple):
    """One line of a controller. `id` is the text of the number, or empty; `name` is empty if there is only a number."""

    id: str
    name: str
    arguments: tuple[str, ...] = ()


def parse(line: str) -> Command | None:
    """The command on a line; None where there is none (blank, or a comment).

    Control characters are dropped, but a tab is a space; from "#" on the line is a comment. Raises `GtpError`, with the
    id to answer to in `GtpError.args[1]`, for a line that is too long.

    >>> parse("12 play b Q16 # the first move")
    Command(id='12', name='play', arguments=('b', 'Q16'))
    """
    text = line.translate(_CONTROLS).partition("#")[0].strip(" \n")
    head = text[:MAX_LINE].split(" ", 1)[0]
    number = head if head.isascii() and head.isdigit() and len(head) <= 20 else ""
    if len(text) > MAX_LINE:
        raise GtpError(f"line too long: {len(text)} characters, {MAX_LINE} are allowed", number)
    words = [word for word in text.split(" ") if word]
    if not words:
        return None
    if number:
        words = words[1:]
    return Command(number, words[0] if words else "", tuple(words[1:]))


def respond(text: str, id: str = "", failed: bool = False) -> str:
    r"""A whole response, with the empty line that ends it.

    Empty lines within the text are left out, as they would end the response, except that a text may start with one line
    feed to stand below the "="; control characters become spaces.

    >>> respond("B+3.5", "7")
    '=7 B+3.5\n\n'
    """
    return f"{opening(text, id, failed)}\n\n"


def opening(text: str = "", id: str = "", failed: bool = False) -> str:
    """A response without its end: what a command that goes on writing starts with."""
    lines = [_printable(line).rstrip() for line in text.split("\n")]
    body = "\n".join(line for line in lines if line)
    gap = "" if not body else "\n" if text.startswith("\n") and not failed else " "
    return f"{'?' if failed else '='}{id}{gap}{body}"


def _printable(line: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", line).encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class Parameter:
    """What a command takes at one place: the name for messages, and the function from (text, board size) to the value.

    `optional` may be left out; `many` takes all arguments that are left (none, too, if it is optional).
    """

    name: str
    read: Callable[[str, int], Any]
    optional: bool = False
    many: bool = False


def read_arguments(command: Command, parameters: tuple[Parameter, ...], size: int) -> list[Any]:
    """The values of a command's arguments, in order, one for each parameter given; `many` gives one list.

    Raises `GtpError("syntax error: ...")` for an argument that is missing, has the wrong form, or is too much.
    """
    values: list[Any] = []
    left = list(command.arguments)
    for parameter in parameters:
        if not left and not parameter.optional:
            raise GtpError(f"syntax error: {command.name} needs {_usage(parameters)}")
        if parameter.many:
            values.append([_read(parameter, text, size) for text in left])
            left = []
        elif left:
            values.append(_read(parameter, left.pop(0), size))
    if left:
        raise GtpError(f"syntax error: {command.name} takes {_usage(parameters)}, '{left[0][:20]}' is too much")
    return values


def _usage(parameters: tuple[Parameter, ...]) -> str:
    names = [p.name + (" ..." if p.many else "") for p in parameters]
    texts = [f"[{name}]" if p.optional else name for name, p in zip(names, parameters, strict=True)]
    return " ".join(texts) or "no argument"


def _read(parameter: Parameter, text: str, size: int) -> Any:
    try:
        return parameter.read(text, size)
    except (ValueError, InputError) as error:
        raise GtpError(f"syntax error: {error}") from error


def _whole(text: str, size: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**31):
        raise ValueError(f"'{text[:20]}' is no whole number")
    return int(text)


def _number(text: str, size: int = 0) -> float:
    """A float: GTP's are those of scanf; only plain decimal numbers are taken here."""
    if len(text) > 40 or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        raise ValueError(f"'{text[:20]}' is no number")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"'{text[:20]}' is too large")
    return value


def _colour(text: str, size: int = 0) -> int:
    colour = _COLOURS.get(text.lower())
    if colour is None:
        raise ValueError(f"'{text[:20]}' is no colour, which are b, w, black and white")
    return colour


COLOUR = Parameter("colour", _colour)
VERTEX = Parameter("vertex", from_vertex)
WHOLE = Parameter("number", _whole)
NUMBER = Parameter("number", _number)
WORD = Parameter("word", lambda text, size: text)
WORDS = Parameter("word", lambda text, size: text, optional=True, many=True)
