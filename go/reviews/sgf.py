"""A whole game as SGF with the net's opinion of every move in it; its own comments and variations stay.

Source: SGF FF[4], properties C, LB, HO, B and W. HO (hotspot) says that a node is of interest and nothing about who
profits; Sabaki can jump from one to the next.
"""

from __future__ import annotations

import os

from casecnn.files import atomic_write
from casecnn.go.board.coordinates import to_sgf
from casecnn.go.reviews.earlier import take_out_review
from casecnn.go.reviews.opinion import HOT, Opinions, ReviewedMove
from casecnn.go.reviews.text import NOTE, agreement_table, headline, move_comment, moves_table, origin
from casecnn.go.sgf.game import Game
from casecnn.go.sgf.tree import Node, add_comment, line, to_write, written

LABEL = b"1"  # on the net's own move, as `suggest` labels it
_MARKS = ("LB", "TR", "CR", "SQ", "MA", "SL")


def reviewed_sgf(game: Game, review: Opinions, *, top: int = 10) -> bytes:
    """The SGF text, in UTF-8, of a game with a review of the line that its record follows.

    Every property and all variations of the file stay; only an earlier review is taken out first. Added are, below the
    comment that was there: to the root, the agreement and the surprises; to each move, its rank and probability and the
    net's own moves. Where the net would have played elsewhere, a label stands on its move, unless that point has a mark
    already. Of the `top` surprises each of `HOT` or more is a hotspot (HO), with the net's own move as a variation
    after those of the file, so that the main line stays what it was (the `path` of other lines may have to count a
    branching more). Values whose encoding is not known stay byte for byte.
    """
    root = to_write(game)
    take_out_review(root, review.record.size)
    reviewed = {move.number: move for move in review}
    surprises = review.surprises(top)
    hot = {move.number for move in surprises if (move.surprise or 0.0) >= HOT}
    number = 0
    nodes = line(root, game.path)
    for parent, node in zip([None, *nodes], nodes, strict=False):
        for _ in range(node.moves()):
            number += 1
            if number in reviewed:
                _annotate(node, parent, reviewed[number], review.record.size, number in hot)
    summary = [f"{headline(review)}\n{origin(review)}", agreement_table(review)]
    if surprises:
        summary.append(f"Largest surprises ({NOTE})\n{moves_table(surprises)}")
    add_comment(root, "\n\n".join(summary), game.encoding, before=root.is_move)
    return written(root)


def save_reviewed(output: str | os.PathLike[str], game: Game, review: Opinions, *, top: int = 10) -> None:
    """Writes `reviewed_sgf` to a file, whole or not at all; InputError where it cannot be written."""
    text = reviewed_sgf(game, review, top=top)
    with atomic_write(output) as stream:
        stream.write(text)


def _annotate(node: Node, parent: Node | None, move: ReviewedMove, size: int, surprise: bool) -> None:
    add_comment(node, move_comment(move))
    point = to_sgf(move.choice.move, size).encode()
    if move.choice.move != move.move and point and not _marked(node, point):
        node.properties.setdefault("LB", []).append(point + b":" + LABEL)
    if surprise:
        node.properties.setdefault("HO", [b"1"])
        colour = "B" if move.colour == 1 else "W"
        if parent is not None and not any(child.properties.get(colour) == [point] for child in parent.children):
            variation = Node({colour: [point]})
            add_comment(variation, f"The net's own move {move.number}: {move_comment(move).splitlines()[-1]}")
            parent.children.append(variation)


def _marked(node: Node, point: bytes) -> bool:
    """Whether the node has a label or a mark on a point; rectangles of marks are not looked into."""
    return any(value[:2] == point for name in _MARKS for value in node.properties.get(name, ()))
