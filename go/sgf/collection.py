"""SGF text to game trees, one at a time, through sgfmill's grammar; a broken game does not take its neighbours along.

A collection is read from left to right. What stands before a game, between games and after the last one is ignored. A
game ends where its parentheses close. Where they don't, it is reported, and from then on a game also ends where the
next one visibly starts: at ``(;`` followed by a property that only a root has. A text that starts with the
``;`` of a node, its ``(`` lost (some servers write that), is read as if the ``(`` stood there.

Limits, so that no text can take the machine down: a game has at most 8 MiB of text and a million marks (nodes,
property names and values; escapes are counted apart).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sgfmill import sgf_grammar

from casecnn.go.sgf.failure import Failure

MAX_GAME_BYTES = 8 << 20
MAX_GAME_MARKS = 1_000_000
_FIRST_WINDOW = 64 << 10
_BLANK = b"\0 \t\f\v\r\n"
_START = re.compile(rb"\(\s*;")
_ROOT = re.compile(rb"\(\s*;\s*(?:GM|FF|SZ|CA|AP|ST|GaMe|FileFormat|SiZe)\s*\[")
_NO_OPENING = re.compile(rb"\s*;\s*[A-Za-z]{1,64}\s*\[")
_NOT_SPACE = re.compile(rb"\S")


def game_trees(text: bytes, source: str) -> Iterator[tuple[str, sgf_grammar.Coarse_game_tree | Failure]]:
    """Name and tree of each game of a text in order, with a `Failure` in the place of each tree that is broken.

    ``text`` is in an ASCII-compatible encoding (see `casecnn.go.sgf.charset`). A game's name is ``source``, with its
    number from 1 where there are several. A text without any game gives one `Failure`. Doesn't look at what properties
    mean.
    """
    if _NO_OPENING.match(text):
        text = b"(" + text
    start = _find(_START, text, 0)
    if start < 0:
        if text.strip(_BLANK):
            failure = Failure(source, "not SGF", "is not SGF: a game starts with `(;`")
        else:
            failure = Failure(source, "empty", "is empty: a game starts with `(;`")
        yield source, failure
        return
    roots = _Roots(text)
    number, broken_before = 1, False
    while 0 <= start < len(text):
        stop = roots.after(start) if broken_before else len(text)
        tree: sgf_grammar.Coarse_game_tree | Failure
        try:
            end = _game_end(text, start, stop)
        except _Broken as broken:
            tree, broken_before = Failure("", broken.reason, str(broken)), True
            start = roots.after(start)
        else:
            try:
                tree = sgf_grammar.parse_sgf_game(memoryview(text)[start:end])
            except ValueError as error:
                tree = Failure("", "broken", f"is broken SGF: {error}, game at byte {start}")
            start = _find(_START, text, end)
        several = number > 1 or 0 <= start < len(text)
        name = f"{source} game {number}" if several else source
        yield name, tree._replace(source=name) if isinstance(tree, Failure) else tree
        number += 1


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


class _Broken(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _find(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    match = pattern.search(text, start)
    return match.start() if match else -1


def _game_end(text: bytes, start: int, stop: int) -> int:
    """Where the parentheses of the game at ``start`` close; `_Broken` where they do not before ``stop``.

    Tokenises growing windows: sgfmill stops at the end of a game, but keeps every token until then in memory.
    """
    window = _FIRST_WINDOW
    while True:
        if text.count(b"\\", start, min(stop, start + window)) > MAX_GAME_MARKS:  # each costs the regular expressions
            raise _Broken("too large", f"is too large: a game may have {MAX_GAME_MARKS:,} escapes")
        tokens, length = sgf_grammar.tokenise(memoryview(text)[start : min(stop, start + window)])
        opened, closed = tokens.count(("D", b"(")), tokens.count(("D", b")"))
        marks = len(tokens)
        del tokens
        if marks > MAX_GAME_MARKS:
            raise _Broken("too large", f"is too large: a game may have {MAX_GAME_MARKS:,} marks (nodes, names, values)")
        if opened and opened == closed:
            return start + length
        rest = _NOT_SPACE.search(text, start + length, stop)
        if rest and rest.group() != b"[" and rest.start() < start + window:
            raise _Broken("broken", f"is broken SGF: text outside of a property at byte {rest.start()}")
        if start + window >= stop:
            raise _Broken("truncated", f"is truncated: the game at byte {start} does not close with `)`")
        if window >= MAX_GAME_BYTES:
            raise _Broken("too large", f"is too large: a game may have {MAX_GAME_BYTES >> 20} MiB of text")
        window = min(window * 2, MAX_GAME_BYTES)
