"""SGF text to game trees, one at a time; a broken game does not take its neighbours along.

A collection is read from left to right. What stands before a game, between games and after the last one is ignored. A
game ends where its parentheses close. Where they don't, it ends where the next one visibly starts, at ``(;`` followed
by a property that only a root has, and so do all games after it. A text that starts with a property or with the ``;``
of a node, its ``(`` lost (some servers write that), is read as if the ``(`` stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sgfmill.sgf_grammar import Coarse_game_tree

from casecnn.go.sgf.failure import Failure, NotRead
from casecnn.go.sgf.parser import Parsed, Unclosed, parse_game, place

_BLANK = b"\0 \t\f\v\r\n"
_SPACE = rb"(?:[\s\0]|\xef\xbb\xbf)*"
_ROOT_NAMES = rb"(?:GM|FF|SZ|CA|AP|ST|GaMe|FileFormat|SiZe)"
_HEADER_NAMES = rb"(?:GM|FF|SZ|CA|AP|ST|TE|RD|TM|KO|KM|RE|PB|PW|EV|DT|PC|RU|GN|HA|AB|AW|US|SO|C|gm|ff|sz)"
_START = re.compile(rb"\(" + _SPACE + rb"(?:;|" + _HEADER_NAMES + _SPACE + rb"\[)")
_ROOT = re.compile(rb"\(" + _SPACE + rb";" + _SPACE + _ROOT_NAMES + _SPACE + rb"\[")
_NO_OPENING = re.compile(_SPACE + rb"(?:;" + _SPACE + rb"[A-Za-z]{1,64}|" + _HEADER_NAMES + rb")" + _SPACE + rb"\[")
_MOVES_BEHIND = re.compile(_SPACE + rb";" + _SPACE + rb"[BW]" + _SPACE + rb"\[")


class GameTree(NamedTuple):
    """A game with all its variations: its name for messages, its tree, and what was repaired in it, in whole lines.

    ``start`` is where it starts in the text.
    """

    name: str
    tree: Coarse_game_tree
    warnings: tuple[str, ...] = ()
    start: int = 0


def starts_of_games(text: bytes) -> list[int]:
    """Where games visibly start: at ``(;`` with a property that only a root has, whatever the text is written in."""
    return [found.start() for found in _ROOT.finditer(text)]


def game_trees(text: bytes, source: str) -> Iterator[GameTree | Failure]:
    """The games of a text in order, with a `Failure` in the place of each that is broken.

    ``text`` is in an ASCII-compatible encoding (see `casecnn.go.sgf.charset`). A game's name is ``source``, with its
    number from 1 where there are several. A text without any game gives one `Failure`. Doesn't look at what properties
    mean.
    """
    opened = bool(_NO_OPENING.match(text))
    start = 0 if opened else _find(_START, text, 0)
    if start < 0:
        if text.strip(_BLANK):
            yield Failure(source, "not SGF", "is not SGF: a game starts with `(;`")
        else:
            yield Failure(source, "empty", "is empty: a game starts with `(;`")
        return
    roots = _Roots(text)
    number, unclosed = 1, False
    while 0 <= start < len(text):
        found, next_start, unclosed = _next_game(text, start, roots, unclosed, opened)
        opened = False
        nothing = isinstance(found, GameTree) and not any(found.tree.sequence) and not found.tree.children
        if nothing and 0 <= next_start < len(text):  # such as "for (;;)" in a page around a game
            start = next_start
            continue
        several = number > 1 or 0 <= next_start < len(text)
        name = f"{source} game {number}" if several else source
        yield found._replace(source=name) if isinstance(found, Failure) else found._replace(name=name, start=start)
        start = next_start
        number += 1


def _next_game(
    text: bytes, start: int, roots: _Roots, unclosed: bool, opened: bool
) -> tuple[GameTree | Failure, int, bool]:
    """The game at ``start``, where the next one starts (or a number beyond the text), and whether one is unclosed."""
    stop = roots.after(start) if unclosed else len(text)
    try:
        try:
            parsed = parse_game(text, start, stop, close=unclosed, opened=opened)
        except Unclosed:
            unclosed = True
            parsed = parse_game(text, start, roots.after(start), close=True, opened=opened)
    except NotRead as broken:
        return Failure("", broken.reason, str(broken)), roots.after(start), True
    return _with_rest(text, parsed), _find(_START, text, parsed.end), unclosed


def _with_rest(text: bytes, parsed: Parsed) -> GameTree:
    """The game, with a warning where moves follow its last parenthesis."""
    if _MOVES_BEHIND.match(text, parsed.end):
        rest = f"moves behind the `)` that closes the game are left out, {place(text, parsed.end)}"
        return GameTree("", parsed.tree, (*parsed.warnings, rest))
    return GameTree("", parsed.tree, parsed.warnings)


class _Roots:
    """Where games visibly start, asked for from left to right so that a text is searched once."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._found = -1

    def after(self, position: int) -> int:
        """The first such place behind a position, or the length of the text."""
        if self._found <= position:
            found = _find(_ROOT, self._text, position + 1)
            self._found = found if found >= 0 else len(self._text)
        return self._found


def _find(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    match = pattern.search(text, start)
    return match.start() if match else -1
