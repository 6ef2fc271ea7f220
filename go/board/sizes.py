"""Which boards are played on: square ones of 5 to 25 lines."""

from __future__ import annotations

from casecnn.errors import InputError
from casecnn.go.board.state import MAX_SIZE, MIN_SIZE


def check_board(size: int, source: str) -> None:
    """Raises `InputError`, naming `source`, for a board that is not from 5x5 to 25x25."""
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise InputError(
            f"{source}: the board (={size}x{size}) must be from {MIN_SIZE}x{MIN_SIZE} to {MAX_SIZE}x{MAX_SIZE}"
        )


def oblong(columns: int, rows: int) -> str:
    """What every reader of boards says of one that is not square; empty for one that is."""
    return "" if columns == rows else f"a board of {columns}x{rows}; only square boards are read"
