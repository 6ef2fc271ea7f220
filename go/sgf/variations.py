"""What is in a file: its games, and the lines of a game with the `--path` that reaches each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sgfmill.sgf_grammar import Coarse_game_tree

from casecnn.errors import InputError
from casecnn.go.board import rulesets
from casecnn.go.board.coordinates import from_sgf, to_vertex
from casecnn.go.sgf.failure import printable
from casecnn.go.sgf.game import Game

SHOWN = 6  # moves of a variation


@dataclass(frozen=True)
class Variation:
    """A line that ends somewhere in the tree.

    ``path`` is what `--path` takes (empty for the main line); ``first`` is the number of the first move that the line
    does not share with the lines before it, ``moves`` are the moves from there on, as people write them, and
    ``length`` is the number of moves from the start.
    """

    path: str
    first: int
    moves: tuple[str, ...]
    length: int

    def as_dict(self) -> dict[str, Any]:
        """The line for `json.dumps`."""
        return {"path": self.path, "first": self.first, "moves": list(self.moves), "length": self.length}


def variations(tree: Coarse_game_tree, size: int) -> Iterator[Variation]:
    """Every line of a game, the main line first, in the order of the file.

    A line takes the first variation wherever its path ends; so each line is listed once, with the shortest path.

    >>> from casecnn.go.sgf.game import open_game
    >>> game = open_game(b"(;SZ[9];B[aa](;W[bb];B[cc])(;W[dd](;B[ee])(;B[ff])))")
    >>> [(line.path, line.first, line.moves) for line in variations(game.tree, 9)]
    [('', 1, ('A9', 'B8', 'C7')), ('1', 2, ('D6', 'E5')), ('1.1', 3, ('F4',))]
    """
    waiting: list[tuple[Coarse_game_tree, tuple[int, ...], int]] = [(tree, (), 0)]
    while waiting:
        part, path, before = waiting.pop()
        moves: list[str] = []
        chosen = path
        while True:
            for node in part.sequence:
                moves += [_vertex(node[name][0], size) for name in ("B", "W") if name in node]
            if not part.children:
                break
            if len(part.children) > 1:
                here = before + len(moves)
                others = [(child, (*chosen, n), here) for n, child in enumerate(part.children) if n]
                waiting += reversed(others)  # the deepest branching is the next one in the file
                chosen = (*chosen, 0)
            part = part.children[0]
        yield Variation(".".join(map(str, path)), before + 1, tuple(moves), before + len(moves))


def _vertex(value: bytes, size: int) -> str:
    try:
        return to_vertex(from_sgf(value.decode("ascii", "replace").strip(), size), size)
    except InputError:
        return printable(value.decode("utf-8", "replace")[:8]) or "?"


def game_as_dict(game: Game, number: int) -> dict[str, Any]:
    """A game for `json.dumps`: what its header says, how many moves and lines it has, and what was odd about it."""
    record = game.record
    return {
        "game": number,
        "source": record.source,
        "board_size": record.size,
        "black": record.black,
        "white": record.white,
        "result": record.result,
        "komi": record.komi,
        "handicap": record.handicap,
        "rules": record.rules,
        "moves": len(record),
        "cut": record.cut,
        "warnings": list(record.warnings),
    }


def game_lines(game: Game) -> list[str]:
    """What the header of a game says, in lines for people."""
    record = game.record
    by = rulesets.ruleset(record.rules) or rulesets.DEFAULT
    players = f"{record.black or 'Black'} (Black) - {record.white or 'White'} (White)"
    handicap = f", handicap {record.handicap}" if record.handicap else ""
    return [
        f"{players}{', ' + record.result if record.result else ''}",
        f"{record.size}x{record.size}, komi {record.komi:g}{handicap}, {len(record)} moves",
        f"rules: {record.rules or 'not said'} ({by})",
    ]
