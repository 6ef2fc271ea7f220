"""One game of SGF text to a game tree: as FF[4] says where the text follows it, and by small repairs where it does not.

Repaired, each with its line and column in a warning: a ``;`` missing after ``(``, the last ``)`` missing, a ``]``
inside a value that is not escaped, a value that is not closed before the next move, text between nodes, a node after
the variations, names in lower case; and without a warning byte order marks and zero bytes anywhere. Refused is what
leaves a choice: a value without a name, a move without a value, and text in which nothing is left after the repairs.
Editors such as Sabaki (`@sabaki/sgf`) read the same files.

The tree is sgfmill's `Coarse_game_tree`, whose values keep their escapes. sgfmill's own parser takes none of these
files, reads a text twice to find its end, and needs several times as long.

Limits, so that no text can take the machine down: a game has at most 64 MiB of text and a million marks (nodes,
property names, values and escapes).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sgfmill.sgf_grammar import Coarse_game_tree

from casecnn.go.sgf.failure import NotRead

MAX_GAME_BYTES = 64 << 20
MAX_GAME_MARKS = 1_000_000
MAX_BRACKETS = 200  # values that are put together again: each costs a copy
_SPACE = rb"(?:[\s\0]|\xef\xbb\xbf)*"
_TOKEN = re.compile(
    _SPACE
    + rb"(?:(?P<run>(?:;[BW]\[[a-z]{2}\][ \r\n\t]*){2,500})"  # most of a game without comments
    + rb"|(?P<name>[A-Za-z]{1,64})"
    + _SPACE
    + rb"\[(?P<first>[^\\\]]*)(?P<first_end>[\\\]])|\[(?P<value>[^\\\]]*)(?P<value_end>[\\\]])|(?P<mark>[;()]))"
)
_MOVE = re.compile(rb"([BW])\[(..)")
_COLOURS = {b"B": "B", b"W": "W"}
_RUN, _FIRST_END, _VALUE_END = (_TOKEN.groupindex[name] for name in ("run", "first_end", "value_end"))
_AFTER_ESCAPE = re.compile(rb"[\\\]]")
_JUNK = re.compile(rb"[^][;()]*")
_LAST_NAME = re.compile(rb"(?<![A-Za-z0-9_])[A-Za-z]{1,64}" + _SPACE + rb"\Z")
_BLANK = re.compile(_SPACE)
_OPENS = re.compile(_SPACE + rb"(?:[;(]|[A-Za-z]{1,64}" + _SPACE + rb"\[)")
_MOVE_INSIDE = re.compile(rb"\s*\(?\s*;\s*[BW]\[")
_ENDS_IN_MOVE = re.compile(rb";\s*[BW]\[(?:[a-z]{2})?\Z")  # a value that was not closed before that move
_LOWER_CASE = b"abcdefghijklmnopqrstuvwxyz"


class Unclosed(Exception):
    """A game that is not closed where its text stops."""


class Parsed(NamedTuple):
    """A game tree, where its text ends, and what was repaired, in at most one line."""

    tree: Coarse_game_tree
    end: int
    warnings: tuple[str, ...]


def place(text: bytes, offset: int) -> str:
    """Line and column of a byte, both from 1, the column in characters: "line 3, column 14"."""
    before = text[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line = before.rfind(b"\n") + 1
    column = len(before[line:].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")) + 1
    return f"line {before.count(bytes([10])) + 1}, column {column}"


def parse_game(text: bytes, start: int, stop: int, *, close: bool = False, opened: bool = False) -> Parsed:
    """The game whose ``(`` stands at ``start``, or has been lost just before it where ``opened``.

    Raises `Unclosed` for a game that is not closed before ``stop``, unless it is to be closed there (``close``), and
    `NotRead` for one that cannot be read or exceeds the limits. Doesn't look at what properties mean.
    """
    return _Game(text, start, stop, close, opened).parse()


class _Game:
    """The state of one parse: the tree so far, the place in it and in the text, the repairs."""

    def __init__(self, text: bytes, start: int, stop: int, close: bool, opened: bool) -> None:
        self.text, self.start, self.close = text, start, close
        self.stop = min(stop, start + MAX_GAME_BYTES)
        self.beyond = stop > self.stop
        self.position = start if opened else text.index(b"(", start) + 1
        self.root = self.tree = Coarse_game_tree()
        self.node: dict[str, list[bytes]] | None = None
        self.above: list[tuple[Coarse_game_tree | None, bool]] = []  # None: a "(" that is text; True: not closed itself
        self.names: dict[bytes, str] = {}
        self.marks = 0
        self.moves = False
        self.repairs: list[tuple[int, str]] = []
        self.brackets = 0
        self.unclosed = ""  # the name of the value in which the text ends
        # Where the value begins that an unescaped bracket may have cut short: the node before it, its name, its start.
        self.doubtful: tuple[dict[str, list[bytes]], str, int] | None = None
        self.last: tuple[str, int] | None = None  # name and start of the latest value

    def parse(self) -> Parsed:
        text, match = self.text, _TOKEN.match
        while True:
            found = match(text, self.position, self.stop)
            self.marks += 1
            if self.marks > MAX_GAME_MARKS:
                raise _too_many_marks()
            if found is None:
                if self._repair():
                    continue
                return self._finish()
            kind = found.lastindex
            if kind == _RUN:
                self._run(found.start(), found.end(), found["run"])
            elif kind == _FIRST_END:
                name = self.names.get(found["name"]) or self._name(found["name"], found.start("name"))
                self.position = found.end()
                value = found["first"] if found["first_end"] == b"]" else self._escaped(found.start("first"))
                if value is None:
                    self.position, self.unclosed = found.start("name"), name
                    return self._finish()
                self._add(name, value, found.start("first"), found.start("name"))
            elif kind == _VALUE_END:
                if self.node is None or self.last is None:
                    raise self._broken(found.start("value") - 1, "a value without a name")
                self.position = found.end()
                value = found["value"] if found["value_end"] == b"]" else self._escaped(found.start("value"))
                if value is None:
                    self.position, self.unclosed = found.start("value") - 1, self.last[0]
                    return self._finish()
                self._value(self.last[0], value, found.start("value"))
            else:
                self.position = found.end()
                if self._mark(found["mark"], found.start("mark")):
                    return self._finish(closed=True)

    # Properties

    def _name(self, written: bytes, at: int) -> str:
        name = written.translate(None, _LOWER_CASE)
        if not name:
            name = written.upper()
            self.repairs.append((at, "a name in lower case"))
            return name.decode()
        self.names[written] = name.decode()
        return self.names[written]

    def _add(self, name: str, value: bytes, start: int, at: int) -> None:
        if self.node is None:
            self.repairs.append((at, "a `;` is missing"))
            self._new_node(at)
        if name in ("B", "W"):
            self.moves = True
        self._value(name, value, start)

    def _value(self, name: str, value: bytes, start: int) -> None:
        node = self.node
        assert node is not None
        inside = _MOVE_INSIDE.search(value) if b"[" in value and _ENDS_IN_MOVE.search(value[-12:]) else None
        if inside:
            self.repairs.append((start + inside.start(), f"the value of {name} is not closed with `]`"))
            self.position = start + inside.start()
            value = value[: inside.start()]
            if value.endswith(b"\\]"):  # a path of Windows: its last backslash was meant as one
                value = value[:-1] + b"\\"
        if b"[" in value and self.doubtful is None:
            self.doubtful = ({key: list(values) for key, values in node.items()}, name, start)
        values = node.get(name)
        if values is None:
            node[name] = [value]
        else:
            values.append(value)
        self.last = (name, start)

    def _escaped(self, start: int) -> bytes | None:
        """The value from ``start`` on, where the first escape or the end was found; None if it does not end."""
        position = self.position
        while self.text[position - 1 : position] == b"\\":
            self.marks += 1
            found = _AFTER_ESCAPE.search(self.text, position + 1, self.stop)
            if found is None or self.marks > MAX_GAME_MARKS:
                return None
            position = found.end()
        self.position = position
        return self.text[start : position - 1]

    # Nodes and variations

    def _run(self, start: int, end: int, run: bytes) -> None:
        """Takes nodes that hold a move each and nothing else."""
        if self.tree.children:
            self._new_node(start)
            self.tree.sequence.pop()
        nodes = [{_COLOURS[colour]: [point]} for colour, point in _MOVE.findall(run)]
        self.tree.sequence += nodes
        self.node = nodes[-1]
        self.marks += 3 * len(nodes)
        self.moves, self.doubtful = True, None
        value = self.text.rfind(b"[", start, end) + 1
        self.last = (next(iter(nodes[-1])), value)
        self.position = end

    def _new_node(self, at: int) -> None:
        if self.tree.children:  # a node after the variations is one more variation
            self.repairs.append((at, "a node stands after the variations"))
            self._open(True)
        self.node = {}
        self.tree.sequence.append(self.node)
        self.doubtful = self.last = None

    def _open(self, implicit: bool) -> None:
        child = Coarse_game_tree()
        self.tree.children.append(child)
        self.above.append((self.tree, implicit))
        self.tree = child

    def _mark(self, mark: bytes, at: int) -> bool:
        """Takes a ``;``, ``(`` or ``)``; True where it closes the game."""
        if mark == b";":
            self._new_node(at)
            return False
        self.node = self.doubtful = self.last = None
        if mark == b"(":
            if not _OPENS.match(self.text, self.position, self.stop):
                self.repairs.append((at, "text stands between nodes"))
                self.above.append((None, False))
            elif self.tree.sequence:
                self._open(False)
            else:  # "((;": the first is one too many
                self.repairs.append((at, "a `(` without a node"))
                self.above.append((None, False))
            return False
        while self.above:
            tree, implicit = self.above.pop()
            if tree is None:
                return False
            if not self.tree.sequence:
                tree.children.pop()
            self.tree = tree
            if not implicit:
                return False
        return True

    # Repairs

    def _repair(self) -> bool:
        """Goes on where no token is: text between nodes, a bracket in a value. False at the end of the text."""
        text = self.text
        blank = _BLANK.match(text, self.position, self.stop)
        begin = blank.end() if blank else self.position
        if begin >= self.stop:
            self.position = begin
            return False
        junk = _JUNK.match(text, begin, self.stop)
        end = junk.end() if junk else begin
        if text[end : end + 1] == b"]" and end < self.stop:
            self._close_again(end, begin)
            return True
        if end < self.stop and text[end : end + 1] == b"[":
            name = _LAST_NAME.search(text, max(begin, end - 80), end)
            if not name:
                raise self._broken(end, "a value without a name")
            end = name.start()
            if end == begin:  # a value that does not end
                self.position, self.unclosed = begin, name.group().decode("ascii", "replace").strip()
                return False
        words = text[begin:end].strip()
        if words in (b"B", b"W") and end >= self.stop:
            self.position, self.unclosed = begin, words.decode()
            return False
        if words in (b"B", b"W"):
            raise self._broken(begin, "a move without a value")
        self.repairs.append((begin, "text stands between nodes"))
        self.position = end
        self.last = None
        return True

    def _close_again(self, end: int, at: int) -> None:
        """Takes the text up to the ``]`` at ``end`` into the value before it."""
        text = self.text
        while True:  # as far as the value goes on
            blank = _BLANK.match(text, end + 1, self.stop)
            junk = _JUNK.match(text, blank.end() if blank else end + 1, self.stop)
            if not junk or text[junk.end() : junk.end() + 1] != b"]" or junk.end() >= self.stop:
                break
            end = junk.end()
        if self.node is not None and self.doubtful is not None:
            before, name, start = self.doubtful
            self.node.clear()
            self.node.update({key: list(values) for key, values in before.items()})
        elif self.node is not None and self.last is not None:
            name, start = self.last
            self.node[name].pop()
        else:
            self.repairs.append((at, "a `]` closes nothing"))
            self.position = end + 1
            return
        self.brackets += 1
        if self.brackets > MAX_BRACKETS:
            raise self._broken(end, f"more than {MAX_BRACKETS} brackets in values that are not escaped")
        self.repairs.append((at, "a `]` inside a value is not escaped"))
        self.node.setdefault(name, []).append(_escape(text[start:end]))
        self.position = end + 1

    # The end

    def _finish(self, closed: bool = False) -> Parsed:
        """The game as far as it was read; raises where that is nothing."""
        if not closed:
            self._end_unclosed()
        if self.repairs and not any(self.root.sequence) and not self.root.children:
            raise self._broken(*self.repairs[0])
        return Parsed(self.root, self.position, tuple(self._warnings()))

    def _end_unclosed(self) -> None:
        if self.marks > MAX_GAME_MARKS:
            raise _too_many_marks()
        if self.beyond:
            raise NotRead("too large", f"is too large: a game may have {MAX_GAME_BYTES >> 20} MiB of text")
        if not self.close:
            raise Unclosed
        if (self.unclosed or not any(self.root.sequence)) and not self.moves:
            what = f"the value of {self.unclosed} is not closed with `]`" if self.unclosed else "it has no closing `)`"
            raise NotRead("truncated", f"is truncated: {what}, {place(self.text, self.position)}")
        what = f"the game breaks off in a value of {self.unclosed}" if self.unclosed else "the last `)` is missing"
        self.repairs.append((self.position, what))

    def _warnings(self) -> list[str]:
        if not self.repairs:
            return []
        at, what = self.repairs[0]
        rest = len(self.repairs) - 1
        more = f", and {rest} more {'place' if rest == 1 else 'places'}" if rest else ""
        return [f"broken SGF is read as it seems to be meant: {what}, {place(self.text, at)}{more}"]

    def _broken(self, at: int, what: str) -> NotRead:
        return NotRead("broken", f"is broken SGF: {what}, {place(self.text, at)}")


def _too_many_marks() -> NotRead:
    message = f"is too large: a game may have {MAX_GAME_MARKS:,} marks (nodes, names, values, escapes)"
    return NotRead("too large", message)


def _escape(value: bytes) -> bytes:
    """A value with its unescaped ``]`` and a last backslash escaped; what is escaped stays."""
    return re.sub(rb"(?s)\\.|[]\\]", lambda found: found[0] if len(found[0]) > 1 else b"\\" + found[0], value)
