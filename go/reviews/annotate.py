"""A game as SGF with the suggested moves of a position: as labels, as a table in the comment, and as variations.

Source: SGF FF[4], properties LB, C, B and W; Sabaki, KaTrain and CGoban show all three.
"""

from __future__ import annotations

import os

from casecnn.errors import UsageError
from casecnn.files import atomic_write
from casecnn.go.board.coordinates import to_sgf
from casecnn.go.reviews.earlier import take_out_suggestions
from casecnn.go.sgf.game import Game
from casecnn.go.sgf.tree import Node, add_comment, line, to_write, written
from casecnn.go.suggested_moves import COLOURS, Suggestion, Suggestions, lead_text


def annotated_sgf(game: Game, suggestions: Suggestions) -> bytes:
    """The SGF text, in UTF-8, of a whole game with the suggestions for one of its positions.

    Every property and variation of the file stays; only earlier suggestions are taken out first. At the position stand
    a label on each suggested point, with its rank, and the table of the suggestions below the comment that was there.
    Each suggestion that is no variation yet becomes one, the best first, with its probability as comment, behind those
    that the file has. Where the game ends at the position, an empty node stands before them, so that the main line
    still ends there. After a search the variations go on as it expects. Values whose encoding is not known stay byte
    for byte.
    """
    size = suggestions.size
    root = to_write(game)
    take_out_suggestions(root, size)
    node = _at(line(root, game.path), suggestions.move_number)
    points = {to_sgf(suggestion.move, size).encode(): suggestion for suggestion in suggestions}
    labels = [label for label in node.properties.get("LB", ()) if label[:2] not in points]
    labels += [point + f":{suggestion.rank}".encode() for point, suggestion in points.items() if point]
    if labels:
        node.properties["LB"] = labels
    add_comment(node, f"{suggestions.headline()}, {suggestions.origin()}\n\n{suggestions.table()}", game.encoding)
    colour = "B" if suggestions.to_play == 1 else "W"
    if not node.children:
        node.children.append(Node())
    there = {child.properties[colour][0] for child in node.children if colour in child.properties}
    for point, suggestion in points.items():
        if point not in there:
            variation = Node({colour: [point]})
            add_comment(variation, _comment_on(suggestion, suggestions.to_play))
            node.children.append(variation)
            for number, later in enumerate(suggestion.searched.variation[1:] if suggestion.searched else (), start=1):
                after = Node({"BW"[(suggestions.to_play - 1 + number) % 2]: [to_sgf(later, size).encode()]})
                variation.children.append(after)
                variation = after
    return written(root)


def _comment_on(suggestion: Suggestion, to_play: int) -> str:
    """What stands in the variation of a suggestion: its probability, and what a search says."""
    text = f"{suggestion.vertex}: "
    if found := suggestion.searched:
        lead = lead_text(found.lead if to_play == 1 else -found.lead)
        text += f"{COLOURS[to_play].capitalize()} wins {100 * found.win:.1f} %, lead {lead}, {found.visits} visits, "
    return text + f"{100 * suggestion.probability:.2f} %, suggestion {suggestion.rank}"


def save_annotated(
    path: str | os.PathLike[str],
    game: Game,
    suggestions: Suggestions,
    *,
    source: str | os.PathLike[str] | None = None,
) -> None:
    """Writes `annotated_sgf` to a file, whole or not at all.

    Raises UsageError if the file is the `source` that the game was read from, which is never written to, and
    InputError where the file cannot be written.
    """
    if source is not None and os.path.realpath(path) == os.path.realpath(source):
        raise UsageError(f"`sgf` (={os.fspath(path)}) must be another file than the game, which is never overwritten")
    text = annotated_sgf(game, suggestions)
    with atomic_write(path) as stream:
        stream.write(text)


def _at(nodes: list[Node], moves: int) -> Node:
    """The last node of a line before the one that holds the move after `moves` moves; the root if it holds that."""
    played = 0
    for number, node in enumerate(nodes):
        played += node.moves()
        if played > moves:
            return nodes[max(number - 1, 0)]
    return nodes[-1]
