"""Chains and empty regions of a board without a wall, uint8 [size * size], for Python code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from casecnn.go.board.state import EMPTY


def chains(board: np.ndarray, size: int) -> Iterator[list[int]]:
    """The chains of a board uint8 [size * size], each as the list of its points."""
    for component, _ in _components(board, size):
        if board[component[0]] != EMPTY:
            yield component


def regions(board: np.ndarray, size: int) -> Iterator[tuple[list[int], int]]:
    """The connected regions of empty points, each with the colours that border it: 0 none, 1, 2, or 3 for both."""
    for component, border in _components(board, size):
        if board[component[0]] == EMPTY:
            yield component, border


def _components(board: np.ndarray, size: int) -> Iterator[tuple[list[int], int]]:
    """Connected points of one content, and the colours (1 and 2, added up) of the stones beside them."""
    content = board.tolist()
    seen = [False] * (size * size)
    for start in range(size * size):
        if seen[start]:
            continue
        seen[start] = True
        component = [start]
        border = 0
        for point in component:  # grows while it is walked through
            for near in neighbours(point, size):
                if content[near] != content[start]:
                    border |= content[near]
                elif not seen[near]:
                    seen[near] = True
                    component.append(near)
        yield component, border


def neighbours(point: int, size: int) -> Iterator[int]:
    """The points beside a point."""
    row, column = divmod(point, size)
    if row:
        yield point - size
    if row < size - 1:
        yield point + size
    if column:
        yield point - 1
    if column < size - 1:
        yield point + 1
