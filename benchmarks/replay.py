"""Replays the games of a folder on sgfmill's board, as a judge that shares no code with casecnn.

    casecnn go selfplay --games 1000 --seed 1 -o games && python benchmarks/replay.py games

Counts games and moves, and stops with an error at a move on a stone, out of turn, into suicide, into an arrangement of
the stones that was there before, or into an own true eye; and where the result in the file is not sgfmill's area score.
A true eye is a point with own stones on all sides and at most one bad diagonal, at the edge none; bad is an opponent's
stone, or an empty point that is no true eye itself.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from sgfmill import boards, sgf

Point = tuple[int, int]


def around(board: boards.Board, point: Point, steps: tuple[Point, ...]) -> list[Point]:
    """The points of the board that are these steps away."""
    found = [(point[0] + rows, point[1] + columns) for rows, columns in steps]
    return [(row, column) for row, column in found if 0 <= row < board.side and 0 <= column < board.side]


def sides(board: boards.Board, point: Point) -> list[Point]:
    """The points beside a point."""
    return around(board, point, ((0, 1), (0, -1), (1, 0), (-1, 0)))


def corners(board: boards.Board, point: Point) -> list[Point]:
    """The points across from a point."""
    return around(board, point, ((1, 1), (1, -1), (-1, 1), (-1, -1)))


def surrounded(board: boards.Board, point: Point, colour: str) -> bool:
    """Whether a point is empty, with stones of a colour on all sides."""
    return board.get(*point) is None and all(board.get(*near) == colour for near in sides(board, point))


def is_true_eye(board: boards.Board, point: Point, colour: str) -> bool:
    """Whether a point is in the largest set of points that satisfies the definition."""
    if not surrounded(board, point, colour):
        return False
    every = [(row, column) for row in range(board.side) for column in range(board.side)]
    eyes = {other for other in every if surrounded(board, other, colour)}
    while True:
        failed = set()
        for eye in eyes:
            bad = [p for p in corners(board, eye) if p not in eyes and board.get(*p) != colour]
            if len(bad) > (len(sides(board, eye)) == 4):
                failed.add(eye)
        if not failed:
            return point in eyes
        eyes -= failed


def replay(text: bytes) -> tuple[int, str]:
    """The number of moves of a game and how it ended; `SystemExit` for a game that breaks a rule."""
    game = sgf.Sgf_game.from_bytes(text)
    board = boards.Board(game.get_size())
    seen = {tuple(map(tuple, board.board))}
    nodes = game.get_main_sequence()[1:]
    passes = 0
    for number, node in enumerate(nodes, 1):
        colour, move = node.get_move()
        if colour != "wb"[number % 2]:
            raise SystemExit(f"move {number} is out of turn")
        if move is None:
            passes += 1
            continue
        passes = 0
        if is_true_eye(board, move, colour):
            raise SystemExit(f"move {number} fills an own true eye")
        try:
            board.play(*move, colour)
        except ValueError:
            raise SystemExit(f"move {number} is on a stone") from None
        if board.get(*move) != colour:
            raise SystemExit(f"move {number} is suicide")
        arrangement = tuple(map(tuple, board.board))
        if arrangement in seen:
            raise SystemExit(f"move {number} repeats a position")
        seen.add(arrangement)
    score = board.area_score() - game.get_komi()
    result = game.get_root().get("RE")
    if "R" not in result[2:] and result != (f"B+{score:g}" if score > 0 else f"W+{-score:g}" if score else "0"):
        raise SystemExit(f"the result is {result}, but sgfmill counts {score:+g} for black")
    return len(nodes), "resignation" if "R" in result[2:] else "two passes" if passes >= 2 else "another way"


def main() -> None:
    """Replay all games and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    ended: Counter[str] = Counter()
    moves = 0
    for path in sorted(parser.parse_args().folder.glob("*.sgf")):
        try:
            played, how = replay(path.read_bytes())
        except SystemExit as error:
            raise SystemExit(f"{path}: {error}") from None
        moves += played
        ended[how] += 1
    endings = ", ".join(f"{count} ended by {how}" for how, count in ended.items())
    print(f"{sum(ended.values())} games, {moves} moves, all legal, none into an own true eye; {endings}")


if __name__ == "__main__":
    main()
