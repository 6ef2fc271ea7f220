"""A whole game as SGF with the net's opinion of every move in it; its own comments and variations stay.

Source: SGF FF[4], properties C, LB, HO, B and W. HO (hotspot) says that a node is of interest and nothing about who
profits; Sabaki can jump from one to the next.
"""

from __future__ import annotations

import os

from sgfmill.sgf import Sgf_game, Tree_node
from sgfmill.sgf_grammar import Coarse_game_tree

from casecnn import __version__
from casecnn.files import atomic_write
from casecnn.go.board.coordinates import to_sgf
from casecnn.go.reviews.annotate import Tree, in_utf8, kept
from casecnn.go.reviews.moves import Review, ReviewedMove
from casecnn.go.reviews.text import NOTE, agreement_table, headline, move_comment, moves_table, origin
from casecnn.go.sgf.game import parse_path

LABEL = b"1"  # on the net's own move, as `suggest` labels it
_MARKS = ("LB", "TR", "CR", "SQ", "MA", "SL")


def reviewed_sgf(tree: Tree, review: Review, *, path: str | None = None, top: int = 10) -> bytes:
    """The SGF text, in UTF-8, of a game with a review of the line that `path` selects (the main line if it is None).

    Every property of the file stays, except values that SGF does not allow, and so do all variations. Added are, below
    the comment that was there: to the root, the agreement and the surprises; to each move, its rank and probability and
    the net's own moves. Where the net would have played elsewhere, a label stands on its move, unless that point has a
    mark already. The `top` surprises are hotspots (HO), each with the net's own move as a variation after those of the
    file, so that the main line stays what it was (the `path` of other lines may have to count a branching more).
    """
    game = Sgf_game.from_coarse_game_tree(_in_utf8(tree, review.record.size), override_encoding="UTF-8")
    node = game.get_root()
    node.set("AP", ("casecnn", __version__))
    reviewed = {move.number: move for move in review}
    surprises = review.surprises(top)
    hot = {move.number for move in surprises}
    choices = list(parse_path(path))
    number = 0
    while True:
        for name in list(node.get_raw_property_map()):
            if name in ("B", "W"):
                number += 1
                if number in reviewed:
                    _annotate(node, reviewed[number], review.record.size, number in hot)
        if not len(node):
            break
        node = node[choices.pop(0) if len(node) > 1 and choices else 0]
    summary = [f"{headline(review)}\n{origin(review)}", agreement_table(review)]
    if surprises:
        summary.append(f"Largest surprises ({NOTE})\n{moves_table(surprises)}")
    _add_comment(game.get_root(), "\n\n".join(summary), before=_is_move(game.get_root()))
    return game.serialise()


def save_reviewed(
    output: str | os.PathLike[str], tree: Tree, review: Review, *, path: str | None = None, top: int = 10
) -> None:
    """Writes `reviewed_sgf` to a file, whole or not at all; InputError where it cannot be written."""
    text = reviewed_sgf(tree, review, path=path, top=top)
    with atomic_write(output) as stream:
        stream.write(text)


def _in_utf8(tree: Tree, size: int) -> Coarse_game_tree:
    """A copy of the game tree that sgfmill takes."""
    copy = Coarse_game_tree()
    waiting = [(tree.tree, copy)]
    while waiting:
        old, new = waiting.pop()
        new.sequence = [kept(in_utf8(node, tree.encoding)) for node in old.sequence]
        new.children = [Coarse_game_tree() for _ in old.children]
        waiting += zip(old.children, new.children, strict=True)
    copy.sequence[0] |= {"FF": [b"4"], "GM": [b"1"], "SZ": [str(size).encode()]}
    return copy


def _annotate(node: Tree_node, move: ReviewedMove, size: int, surprise: bool) -> None:
    _add_comment(node, move_comment(move))
    point = to_sgf(move.choice.move, size).encode()
    if move.choice.move != move.move and point and not _marked(node, point):
        labels = node.get_raw_list("LB") if node.has_property("LB") else []
        node.set_raw_list("LB", [*labels, point + b":" + LABEL])
    if surprise:
        if not node.has_property("HO"):
            node.set_raw("HO", b"1")
        if node.parent is not None:
            variation = node.parent.new_child()
            variation.set_raw("B" if move.colour == 1 else "W", point)
            variation.set("C", f"The net's own move {move.number}: {move_comment(move).splitlines()[-1]}")


def _marked(node: Tree_node, point: bytes) -> bool:
    """Whether the node has a label or a mark on a point; rectangles of marks are not looked into."""
    return any(value[:2] == point for name in _MARKS if node.has_property(name) for value in node.get_raw_list(name))


def _add_comment(node: Tree_node, text: str, *, before: bool = False) -> None:
    """Adds a paragraph to the node's comment, at its end or `before` what is there."""
    if node.has_property("C"):  # a comment that stands there in parts is one
        node.set_raw("C", b"\n\n".join(node.get_raw_list("C")))
    if before and node.has_property("C"):
        node.set("C", f"{text}\n\n{node.get('C')}")
    else:
        node.add_comment_text(text)


def _is_move(node: Tree_node) -> bool:
    return node.has_property("B") or node.has_property("W")
