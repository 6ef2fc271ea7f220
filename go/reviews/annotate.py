"""A game up to a position as SGF, with the suggested moves as labels, as a table in the comment, and as variations.

Source: SGF FF[4], properties LB, C, B and W; Sabaki, KaTrain and CGoban show all three.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from sgfmill.sgf import Sgf_game
from sgfmill.sgf_grammar import Coarse_game_tree, is_valid_property_identifier, is_valid_property_value

from casecnn import __version__
from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write
from casecnn.go.board.coordinates import to_sgf
from casecnn.go.sgf import charset
from casecnn.go.sgf.collection import game_trees
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import Nodes, line_of, parse_path
from casecnn.go.sgf.header import NotRead
from casecnn.go.sgf.sources import texts
from casecnn.go.suggestions import Suggestions

OURS = {"FF", "GM", "SZ", "CA", "AP"}  # what the new file says itself


def annotated_sgf(nodes: Nodes, suggestions: Suggestions) -> bytes:
    """The SGF text, in UTF-8, of a game up to the position that the suggestions are for.

    `nodes` are the game's nodes along one line (see `read_nodes`), with values in UTF-8; those after the
    position are left out, and so are other variations. All their properties are kept, the root's with the names and
    dates too, except values that SGF does not allow. At the position stand a label on each suggested point, with its
    rank, and the table of the suggestions below the comment that was there. Each suggestion is a variation too, the
    best the first, with its probability as comment.
    """
    game = Sgf_game(suggestions.size, encoding="UTF-8")
    node = game.get_root()
    node.set("AP", ("casecnn", __version__))
    for number, properties in enumerate(_until(nodes, suggestions.move_number)):
        if number:
            node = node.new_child()
        for name, values in kept(properties).items():
            node.set_raw_list(name, values)
    points = {to_sgf(suggestion.move, suggestions.size).encode(): suggestion for suggestion in suggestions}
    labels = node.get_raw_list("LB") if node.has_property("LB") else []
    labels = [label for label in labels if label[:2] not in points]
    labels += [point + f":{suggestion.rank}".encode() for point, suggestion in points.items() if point]
    if labels:
        node.set_raw_list("LB", labels)
    node.add_comment_text(f"{suggestions.headline()}, {suggestions.origin()}\n\n{suggestions.table()}")
    for point, suggestion in points.items():
        variation = node.new_child()
        variation.set_raw("B" if suggestions.to_play == 1 else "W", point)
        variation.set("C", f"{suggestion.vertex}: {100 * suggestion.probability:.2f} %, suggestion {suggestion.rank}")
    return game.serialise()


def read_nodes(path: str | os.PathLike[str] | bytes, *, game: int = 0, path_spec: str | None = None) -> Nodes:
    """The nodes of one game along one line, values in UTF-8.

    The arguments are those of `casecnn.go.sgf.game.read_game`. Doesn't look at what the nodes say. Raises InputError
    for a file or game that cannot be read.
    """
    line = parse_path(path_spec)
    for number, found in enumerate(read_trees(path)):
        if number == game:
            if isinstance(found, Failure):
                raise found.error()
            try:
                nodes = line_of(found.tree, line)
            except NotRead as problem:
                raise InputError(f"{found.name} {problem}") from problem
            return [in_utf8(node, found.encoding) for node in nodes]
    raise InputError(f"`game` (={game}) must be below the number of games in the file")


class Tree(NamedTuple):
    """A game with all its variations as the file has it.

    Also its name for messages, the encoding of its values, and what was odd about that, in whole lines.
    """

    name: str
    tree: Coarse_game_tree
    encoding: str
    warnings: tuple[str, ...] = ()


def read_trees(path: str | os.PathLike[str] | bytes) -> Iterator[Tree | Failure]:
    """The games of a file, folder or archive, counted as `casecnn.go.sgf.game.read_games` counts them."""
    for text in texts(path):
        if isinstance(text, Failure):
            yield text
            continue
        decoded = charset.decode(text.data)
        for name, tree in game_trees(decoded.text, text.name):
            yield tree if isinstance(tree, Failure) else Tree(name, tree, decoded.encoding, decoded.warnings)


def in_utf8(node: dict[str, list[bytes]], encoding: str) -> dict[str, list[bytes]]:
    """The properties of a node with their values in UTF-8; what the encoding does not know becomes U+FFFD."""
    return {
        name: [bytes(v).decode(encoding, "replace").encode("utf-8") for v in values] for name, values in node.items()
    }


def save_annotated(
    path: str | os.PathLike[str],
    nodes: Nodes,
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
    text = annotated_sgf(nodes, suggestions)
    with atomic_write(path) as stream:
        stream.write(text)


def _until(nodes: Nodes, moves: int) -> Nodes:
    """The nodes before the one that holds the move after `moves` moves."""
    played = 0
    for number, node in enumerate(nodes):
        played += sum(name in ("B", "W") for name in node)
        if played > moves:
            return nodes[:number] or [{name: values for name, values in node.items() if name not in ("B", "W")}]
    return nodes


def kept(properties: dict[str, list[bytes]]) -> dict[str, list[bytes]]:
    """The properties of a node that go into the new file.

    These are not those that the file writes itself (size, encoding, program), and none that SGF does not allow.
    """
    return {
        name: values
        for name, values in properties.items()
        if name not in OURS and is_valid_property_identifier(name) and all(map(is_valid_property_value, values))
    }
