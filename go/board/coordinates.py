"""Every way to write a point: move number, (row, column), GTP vertex and SGF point.

Row 0 is the top edge and column 0 the left edge; a move is ``row * size + column`` and a pass is ``size * size``. A
GTP vertex counts its numbers from the bottom and has no letter I: on 19x19 the move 72 is (3, 15), ``Q16`` and the SGF
point ``pd``. Boards are 2x2 to 25x25. All errors are `InputError`; nothing here keeps state.

Sources: GTP version 2 draft 2, section 2.11; SGF FF[4], "Go-specific properties".
"""

from __future__ import annotations

from functools import cache

from casecnn.errors import InputError
from casecnn.go.board.record import MAX_SIZE, MIN_SIZE

_GTP_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_SGF_LETTERS = "abcdefghijklmnopqrstuvwxy"
_LARGEST_WITH_TT = 19  # up to this size the SGF point "tt" is a pass


def check_size(size: int) -> int:
    """The size itself; `InputError` unless it is a whole number from 2 to 25."""
    if isinstance(size, bool) or not isinstance(size, int) or not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(f"`size` (={size!r}) must be a whole number from {MIN_SIZE} to {MAX_SIZE}")
    return size


def _check_move(move: int, size: int) -> None:
    check_size(size)
    if not 0 <= move <= size * size:
        raise InputError(f"`move` (={move}) must be from 0 to {size * size} (the pass) on a {size}x{size} board")


def from_row_column(row: int, column: int, size: int) -> int:
    """The move on a row and a column, both counted from 0 at the top left."""
    check_size(size)
    if not (0 <= row < size and 0 <= column < size):
        raise InputError(f"`row, column` (={row}, {column}) must each be from 0 to {size - 1} on a {size}x{size} board")
    return row * size + column


def to_row_column(move: int, size: int) -> tuple[int, int]:
    """The row and column of a move; a pass has none and is an `InputError`."""
    _check_move(move, size)
    if move == size * size:
        raise InputError(f"`move` (={move}) must be a point: a pass has no row and column")
    return divmod(move, size)


def from_vertex(text: str, size: int) -> int:
    """The move that a GTP vertex names, in capitals or not: ``Q16``, ``d4``, ``pass``."""
    check_size(size)
    word = text.strip().upper()
    if word == "PASS":
        return size * size
    letter, number = word[:1], word[1:]
    if letter and letter in _GTP_LETTERS[:size] and number.isascii() and number.isdigit() and len(number) <= 2:
        line = int(number)
        if number[0] != "0" and 1 <= line <= size:
            return (size - line) * size + _GTP_LETTERS.index(letter)
    raise InputError(
        f"`vertex` (={text[:20]!r}) must be a point from A1 to {_GTP_LETTERS[size - 1]}{size} (no letter I) or pass"
    )


def to_vertex(move: int, size: int) -> str:
    """The GTP vertex of a move, or ``pass``."""
    _check_move(move, size)
    if move == size * size:
        return "pass"
    row, column = divmod(move, size)
    return f"{_GTP_LETTERS[column]}{size - row}"


@cache
def sgf_moves(size: int) -> dict[bytes, int]:
    """All SGF move values of a board as a table: point, empty value, and ``tt`` up to 19x19. Not to be changed."""
    check_size(size)
    letters = _SGF_LETTERS[:size]
    table = {(x + y).encode(): row * size + column for row, y in enumerate(letters) for column, x in enumerate(letters)}
    table[b""] = size * size
    if size <= _LARGEST_WITH_TT:
        table[b"tt"] = size * size
    return table


def from_sgf(text: str, size: int) -> int:
    """The move of an SGF move value: column letter, row letter; an empty value is a pass, and ``tt`` up to 19x19."""
    table = sgf_moves(size)
    move = table.get(text.encode("utf-8", "replace"))
    if move is None:
        last = _SGF_LETTERS[size - 1]
        raise InputError(f"`point` (={text[:20]!r}) must be two letters from a to {last} on a {size}x{size} board")
    return move


def to_sgf(move: int, size: int) -> str:
    """The SGF point of a move; a pass is the empty text."""
    _check_move(move, size)
    if move == size * size:
        return ""
    row, column = divmod(move, size)
    return _SGF_LETTERS[column] + _SGF_LETTERS[row]


def from_sgf_points(text: str, size: int) -> list[int]:
    """The points of an SGF point-list value: one point (``dd``) or a rectangle by two corners (``aa:ss``)."""
    corners = [from_sgf(part, size) for part in text.split(":")]
    if len(corners) > 2 or size * size in corners:
        raise InputError(f"`points` (={text[:20]!r}) must be one point (dd) or the two corners of a rectangle (aa:ss)")
    (top, left), (bottom, right) = divmod(corners[0], size), divmod(corners[-1], size)
    rows = range(min(top, bottom), max(top, bottom) + 1)
    columns = range(min(left, right), max(left, right) + 1)
    return [row * size + column for row in rows for column in columns]
