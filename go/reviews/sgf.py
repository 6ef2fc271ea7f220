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
from casecnn.go.reviews.text import (
    NOTE,
    agreement_table,
    headline,
    losses_table,
    mistakes_table,
    move_comment,
    moves_table,
    origin,
)
from casecnn.go.sgf.game import Game
from casecnn.go.sgf.tree import Node, add_comment, line, to_write, written

COSTLY = 1.5  # points from which a move is a hotspot
LABEL = b"1"  # on the net's own move, as `suggest` labels it
_MARKS = ("LB", "TR", "CR", "SQ", "MA", "SL")


def reviewed_sgf(game: Game, review: Opinions, *, top: int = 10) -> bytes:
    """The SGF text, in UTF-8, of a game with a review of the line that its record follows.

    Every property and all variations of the file stay; only an earlier review is taken out first. Added are, below the
    comment that was there: to the root, the agreement and the surprises; to each move, its rank and probability and the
    net's own moves. Where the net would have played elsewhere, a label stands on its move, unless that point has a mark
    already. Of the `top` surprises each of `HOT` or more is a hotspot (HO), with the net's own move as a variation
    after those of the file, so that the main line stays what it was (the `path` of other lines may have to count a
    branching more). After a search it is the costly moves that are hotspots, from `COSTLY` points on, with the better
    move and how it goes on as a variation; what each move lost stands in its comment. Values whose encoding is not
    known stay byte for byte.
    """
    root = to_write(game)
    take_out_review(root, review.record.size)
    reviewed = {move.number: move for move in review}
    surprises = [] if review.visits else review.surprises(top)
    mistakes = review.mistakes(top) if review.visits else []
    hot = {move.number for move in surprises if (move.surprise or 0.0) >= HOT}
    hot |= {move.number for move in mistakes if move.judgement and move.judgement.points_lost >= COSTLY}
    number = 0
    nodes = line(root, game.path)
    for parent, node in zip([None, *nodes], nodes, strict=False):
        for _ in range(node.moves()):
            number += 1
            if number in reviewed:
                _annotate(node, parent, reviewed[number], review.record.size, number in hot)
    summary = [f"{headline(review)}\n{origin(review)}", agreement_table(review)]
    if review.visits:
        summary.append(losses_table(review))
    if mistakes:
        summary.append(f"Costliest moves\n{mistakes_table(mistakes, review.record.size)}")
    if surprises:
        summary.append(f"Largest surprises ({NOTE})\n{moves_table(surprises)}")
    add_comment(root, "\n\n".join(summary), game.encoding, before=root.is_move)
    return written(root)


def save_reviewed(output: str | os.PathLike[str], game: Game, review: Opinions, *, top: int = 10) -> None:
    """Writes `reviewed_sgf` to a file, whole or not at all; InputError where it cannot be written."""
    text = reviewed_sgf(game, review, top=top)
    with atomic_write(output) as stream:
        stream.write(text)


def _annotate(node: Node, parent: Node | None, move: ReviewedMove, size: int, hot: bool) -> None:
    add_comment(node, move_comment(move, size))
    judged = move.judgement
    line = (move.choice.move,) if judged is None else judged.variation
    point = to_sgf(line[0], size).encode()
    if line[0] != move.move and point and not _marked(node, point):
        node.properties.setdefault("LB", []).append(point + b":" + LABEL)
    if not hot:
        return
    node.properties.setdefault("HO", [b"1"])
    colour = "B" if move.colour == 1 else "W"
    if parent is None or any(child.properties.get(colour) == [point] for child in parent.children):
        return
    what = "net's own move" if judged is None else "search's own line"
    variation = Node({colour: [point]})
    add_comment(variation, f"The {what} {move.number}: {move_comment(move, size).splitlines()[-1]}")
    parent.children.append(variation)
    for number, later in enumerate(line[1:], start=1):
        after = Node({"BW"[(move.colour - 1 + number) % 2]: [to_sgf(later, size).encode()]})
        variation.children.append(after)
        variation = after


def _marked(node: Node, point: bytes) -> bool:
    """Whether the node has a label or a mark on a point; rectangles of marks are not looked into."""
    return any(value[:2] == point for name in _MARKS for value in node.properties.get(name, ()))
