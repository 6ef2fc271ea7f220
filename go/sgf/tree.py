"""Game trees that are changed and written again: nodes with raw values, so that what is not touched stays as it was.

Source: SGF FF[4]. Values keep their escapes and, where their encoding is not known, their bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sgfmill.sgf_grammar import Coarse_game_tree, block_format, escape_text

from casecnn.go.sgf.failure import NotRead
from casecnn.go.sgf.game import Game

MOVES = ("B", "W")


@dataclass(eq=False)
class Node:
    """The properties of a node, raw values by name, and the nodes that follow, the first on the main line."""

    properties: dict[str, list[bytes]] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    @property
    def is_move(self) -> bool:
        """Whether a move stands in the node."""
        return "B" in self.properties or "W" in self.properties

    def moves(self) -> int:
        """How many moves stand in the node: one, or none; odd files have two."""
        return ("B" in self.properties) + ("W" in self.properties)


def to_write(game: Game) -> Node:
    """The root of a copy of a game's tree, whose header says how it is written: SGF FF[4] in UTF-8.

    A game whose encoding is not known keeps its CA, or goes without. Raises `ValueError` for a game without its tree.
    """
    if game.tree is None:
        raise ValueError(f"{game.record.source}: the tree of the game was not kept")
    root = _copied(game.tree)
    header = root.properties
    root.properties = header = {"FF": [b"4"], "GM": [b"1"]} | header | {"FF": [b"4"], "GM": [b"1"]}
    if not header.get("SZ") or not header["SZ"][0].strip().isdigit():
        header["SZ"] = [str(game.record.size).encode()]
    if game.encoding == "utf-8":
        header["CA"] = [b"UTF-8"]
    return root


def written(root: Node) -> bytes:
    """The text of a game, its properties in the order that they have."""
    pieces = [b"("]
    waiting: list[Node | bytes] = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, bytes):
            pieces.append(part)
            continue
        pieces.append(b";")
        pieces += [
            name.encode() + b"".join(b"[" + v + b"]" for v in values) for name, values in part.properties.items()
        ]
        if len(part.children) == 1:
            waiting += part.children
        else:
            for child in reversed(part.children):
                waiting += [b")", child, b"("]
    pieces.append(b")")
    return block_format(pieces) + b"\n"


def line(root: Node, path: Sequence[int] = ()) -> list[Node]:
    """The nodes of the line that ``path`` chooses, as `casecnn.go.sgf.line.line_of` counts; raises `NotRead`."""
    nodes, node, branching = [root], root, 0
    while node.children:
        choice = 0
        if len(node.children) > 1:
            choice = path[branching] if branching < len(path) else 0
            branching += 1
        if choice >= len(node.children):
            raise NotRead("no such variation", f"has no variation {choice} at branching {branching}")
        node = node.children[choice]
        nodes.append(node)
    return nodes


def add_comment(node: Node, text: str, encoding: str = "utf-8", *, before: bool = False) -> None:
    """Adds a paragraph to a node's comment, at its end or ``before`` what is there."""
    paragraph = escape_text(text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "replace"))
    there = b"\n\n".join(node.properties.get("C", ()))  # a comment that stands there in parts is one
    parts = [paragraph, there] if before else [there, paragraph]
    node.properties["C"] = [b"\n\n".join(filter(None, parts))]


def visit(root: Node, change: Callable[[Node], None]) -> None:
    """Calls ``change`` with every node, children before their parents."""
    order, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.children
    for node in reversed(order):
        change(node)


def _copied(tree: Coarse_game_tree) -> Node:
    """The nodes of a tree, with properties of their own."""
    top = Node()
    waiting = [(tree, top)]
    while waiting:
        part, above = waiting.pop()
        for properties in part.sequence:
            node = Node({name: list(values) for name, values in properties.items() if name})
            above.children.append(node)
            above = node
        # Children are appended when their turn comes; the last one waiting is taken first.
        waiting += [(child, above) for child in reversed(part.children)]
    return top.children[0]
