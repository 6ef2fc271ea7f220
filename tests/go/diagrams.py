"""Boards as pictures for the tests: X black, O white, dot empty, small letters are marks on empty points.

A `Diagram` may be smaller than its board: it then shows the upper left corner and the rest is empty. `CASES` are made
positions with what the two ladder planes must say about them; points without a letter are named as players do (C5).
"""

from __future__ import annotations

from typing import NamedTuple

EMPTY, BLACK, WHITE = 0, 1, 2
PLAY, SET_UP = 0, 1
COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"


def event(size: int, point: tuple[int, int] | None, colour: int, kind: int = PLAY) -> int:
    """One number of a game record; no point is a pass."""
    move = size * size if point is None else point[0] * size + point[1]
    return move | colour << 10 | kind << 12


class Diagram(NamedTuple):
    size: int
    board: list[list[int]]  # [row][column], 0 empty, 1 black, 2 white
    letters: dict[tuple[int, int], str]

    def point(self, letter: str) -> tuple[int, int]:
        """The one point with a letter."""
        (point,) = (point for point, mark in self.letters.items() if mark == letter)
        return point

    def move(self, letter: str) -> int:
        row, column = self.point(letter)
        return row * self.size + column

    def name(self, row: int, column: int) -> str:
        """The letter of a point, or its name as in C5."""
        return self.letters.get((row, column), f"{COLUMNS[column]}{self.size - row}")

    def found(self, plane) -> set[str]:
        """The letters, or names, of the points that are not 0 in a plane [size][size]."""
        points = [(row, column) for row in range(self.size) for column in range(self.size)]
        return {self.name(row, column) for row, column in points if plane[row][column]}

    def lettered(self, plane) -> str:
        """The letters that are not 0 in a plane, in order, whatever the other points are."""
        return "".join(sorted(letter for (row, column), letter in self.letters.items() if plane[row][column]))

    def set_up(self) -> list[int]:
        """Events that set up the stones."""
        points = [(row, column) for row in range(self.size) for column in range(self.size)]
        return [event(self.size, (r, c), self.board[r][c], SET_UP) for r, c in points if self.board[r][c]]


def diagram(text: str, size: int | None = None, **more: str) -> Diagram:
    """Read a picture; `black="C3 D4"` and `white=...` add stones outside it, on a larger board of the given size."""
    rows = [line.split() for line in text.strip().splitlines()]
    if size is None:
        size = len(rows)
        assert all(len(row) == size for row in rows), f"not a square of {size}"
    board = [[EMPTY] * size for _ in range(size)]
    letters = {}
    for row, marks in enumerate(rows):
        for column, mark in enumerate(marks):
            if mark in "XO":
                board[row][column] = BLACK if mark == "X" else WHITE
            elif mark != ".":
                assert mark.islower(), f"{mark!r} is not a mark"
                letters[row, column] = mark
    for colour, names in more.items():
        for name in names.split():
            row, column = size - int(name[1:]), COLUMNS.index(name[0])
            assert board[row][column] == EMPTY, f"{name} is taken"
            board[row][column] = {"black": BLACK, "white": WHITE}[colour]
    return Diagram(size, board, letters)


class Case(NamedTuple):
    """A made position, the letters played from it (the last one by the opponent of `to_play`), the ladder planes."""

    diagram: Diagram
    to_play: int
    captures: str = ""
    escapes: str = ""
    played: str = ""

    def events(self) -> list[int]:
        """Stones set up, letters played, then a pass of `to_play`: the last row of planes is the position meant."""
        events = self.diagram.set_up()
        for number, letter in enumerate(self.played):
            colour = self.to_play if (len(self.played) - number) % 2 == 0 else BLACK + WHITE - self.to_play
            events.append(event(self.diagram.size, self.diagram.point(letter), colour))
        return [*events, event(self.diagram.size, None, self.to_play)]


LADDER = """
. . . . .
. . X X .
. X O b .
. . a . .
. . . . .
"""

RUNNING = """
. . . . .
. . X X .
. X O b .
. . X . .
. . . . .
"""

# As LADDER, but once White has extended at b the two black stones above have their last liberty at c.
COUNTER = """
. O O O . . . . .
. O X X c . . . .
. X O b . . . . .
. . a . . . . . .
. . . . . . . . .
. . . . . . . . .
. . . . . . . . .
. . . . . . . . .
. . . . . . . . .
"""

# Black a is taken by b, and Black takes back; after Black b White connects at a.
SNAPBACK = """
. X X . . . .
X O O X . . .
X O a O O . .
X O b X . . .
. X X . . . .
. . . . . . .
. . . . . . .
"""

# Black takes the ko with w; White's stone at D6 is then in atari, and taking the ko back would save it.
KO = """
. . . X X . .
. . X O e X .
. X O w O X .
. . X O X . .
. . . O . . .
. . . . . . .
. . . . . . .
"""
# The same without a ko: w was there before.
NO_KO = KO.replace(" O w O ", " k X O ")

# Extending at d is suicide and nothing can be taken.
NO_WAY_OUT = """
. X X . .
X O d X .
. X X . .
. . . . .
. . . . .
"""

# Where ladders are broken on both sides, only the net at a works, and that is no ladder.
NET = """
. . . . .
. . X X .
. X O . .
. X . a .
. . . . .
"""

# On the first line White cannot get out alone, whichever side Black plays.
FIRST_LINE = """
. a O b .
. . X . .
. . . . .
. . . . .
. . . . .
"""

# The long chain has the liberties a and b. At a it would connect, so Black must play there.
CONNECTION = """
. X . . . . . . .
X O X O . O . . .
X O a O . . . . .
X O b X . . . . .
X O X . . . . . .
. X . . . . . . .
. . . . . . . . .
. . . . . . . . .
. . . . . . . . .
"""

IN_ATARI = """
. . X . .
. X O a .
. . X . .
. . . . .
. . . . .
"""

CASES: dict[str, Case] = {
    "ladder over an empty board": Case(diagram(LADDER, 19), BLACK, captures="a"),
    "ladder on 5x5": Case(diagram(LADDER), BLACK, captures="a"),
    "ladder on 25x25": Case(diagram(LADDER, 25), BLACK, captures="a"),
    "ladder breaker on the path": Case(diagram(LADDER, 19, white="K10"), BLACK),
    "ladder breaker in the far corner": Case(diagram(LADDER, 19, white="R3"), BLACK),
    "ladder breaker beside the path": Case(diagram(LADDER, 19, white="K11"), BLACK),
    "stone too far from the path": Case(diagram(LADDER, 19, white="K14"), BLACK, captures="a"),
    "attacker's stone on the path": Case(diagram(LADDER, 19, black="K10"), BLACK, captures="a"),
    "attacker's stone before the breaker": Case(diagram(LADDER, 19, black="K10", white="Q4"), BLACK, captures="a"),
    "breaker before the attacker's stone": Case(diagram(LADDER, 19, white="K10", black="Q4"), BLACK),
    "running in a ladder": Case(diagram(RUNNING, 19), WHITE),
    "running into a ladder breaker": Case(diagram(RUNNING, 19, white="K10"), WHITE, escapes="b"),
    "running, the attacker's turn": Case(diagram(RUNNING, 19), BLACK),
    "an attacker in atari": Case(diagram(COUNTER), BLACK),
    "snapback": Case(diagram(SNAPBACK), BLACK, captures="a"),
    "the ko cannot be taken back": Case(diagram(KO), WHITE, played="w"),
    "the ko may be taken": Case(diagram(NO_KO), WHITE, escapes="k"),
    "no way out": Case(diagram(NO_WAY_OUT), WHITE),
    "a net is no ladder": Case(diagram(NET, 19, white="K10"), BLACK),
    "on the first line": Case(diagram(FIRST_LINE), BLACK, captures="a b"),
    "on the first line, with help": Case(diagram(FIRST_LINE, 9, white="F8"), BLACK, captures="b"),
    "away from a connection": Case(diagram(CONNECTION), BLACK, captures="a"),
    "a chain in atari is taken, not laddered": Case(diagram(IN_ATARI), BLACK),
    "out of atari": Case(diagram(IN_ATARI), WHITE, escapes="a"),
    "no stones": Case(diagram(". . . . .\n" * 5), BLACK),
}
