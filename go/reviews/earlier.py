"""What casecnn wrote into a game before: found by its wording, and taken out before it is written anew.

The paragraphs are those of `casecnn.go.reviews.text` and `casecnn.go.reviews.annotate`. Whatever somebody has changed
in one no longer looks like it, and stays.
"""

from __future__ import annotations

import re

from casecnn.errors import InputError
from casecnn.go.board.coordinates import from_vertex, to_sgf
from casecnn.go.sgf.tree import Node, visit

_START, _END = rb"(?:\A|\n\n|\r\n\r\n)", rb"(?=\n|\r|\Z)"
_MOVE = re.compile(
    _START
    + rb"Move \d+, (?:Black|White)(?: passes;| [A-Z]\d{1,2}: (?:rank|the net's own move|fills))[^\r\n]*\r?\n"
    + rb"Net: (?P<vertex>\w+)[^\r\n]*(?P<search>\r?\nSearch: [^\r\n]*)?"
    + _END
)
_BETTER = re.compile(rb"; the search plays (\w+)")
_SUMMARY = re.compile(
    _START
    + rb"[^\r\n]*(?:Black|White)[^\r\n]*, (?:moves \d+-\d+|no moves)\r?\n[^\r\n]+\r?\n\r?\n"
    + rb"agreement +phase [^\r\n]*(?:\r?\n(?:both|Black|White) [^\r\n]*)*"
    + rb"(?:\r?\n\r?\npoints lost +phase [^\r\n]*(?:\r?\n(?:both|Black|White) [^\r\n]*)*)?"
    + rb"(?:\r?\n\r?\n(?:[Ll]argest surprises|Costliest moves)[^\r\n]*\r?\nmove +player [^\r\n]*"
    + rb"(?P<rows>(?:\r?\n *\d+  (?:Black|White) [^\r\n]*)*))?"
    + _END
)
_ROW = re.compile(rb"(\d+)  (?:Black|White)")
_OWN_MOVE = re.compile(rb"\AThe (?:net's own move|search's own line) \d+: (?:Net|Search): [^\r\n]*\Z")
_SUGGESTIONS = re.compile(
    _START
    + rb"(?:Black|White) to play(?:,| after move \d+)[^\r\n]*\r?\n\r?\nrank +move +probability[^\r\n]*"
    + rb"(?P<rows>(?:\r?\n\d+ [^\r\n]*%[^\r\n]*)*)"
    + _END
)
_SUGGESTED = re.compile(rb"^(\d+)(?: \S)? +(\w+) ", re.MULTILINE)
_SUGGESTION = re.compile(rb"\A\w+: (?:[^\r\n]*, )?\d+\.\d\d %[^\r\n]*, suggestion \d+\Z")
_HOTSPOT = [b"1"]


def take_out_review(root: Node, size: int) -> None:
    """Takes an earlier review out of a game: comments, labels, hotspots and the net's own moves as variations."""
    listed: set[int] = set()
    for found in _SUMMARY.finditer(_comment(root)):
        listed |= {int(number) for number in _ROW.findall(found["rows"] or b"")}
    _replace_comment(root, _SUMMARY.sub(b"", _comment(root)))

    def clean(node: Node) -> None:
        node.children = [child for child in node.children if not _is_ours(child, _OWN_MOVE)]
        found = _MOVE.search(_comment(node))
        if found is None:
            return
        _replace_comment(node, _MOVE.sub(b"", _comment(node)))
        better = _BETTER.search(found["search"] or b"")
        _drop_label(node, _point(better[1] if better else found["vertex"], size), b"1")
        number = re.search(rb"Move (\d+)", found[0])
        if number and int(number[1]) in listed and node.properties.get("HO") == _HOTSPOT:
            del node.properties["HO"]

    visit(root, clean)


def take_out_suggestions(root: Node, size: int) -> None:
    """Takes earlier suggestions out of a game: comments, labels and variations."""

    def clean(node: Node) -> None:
        kept = [child for child in node.children if not _is_ours(child, _SUGGESTION)]
        if len(kept) == 1 < len(node.children) and not kept[0].properties and not kept[0].children:
            kept = []  # the empty node that kept the end of the game before them
        node.children = kept
        found = _SUGGESTIONS.search(_comment(node))
        if found is None:
            return
        for rank, vertex in _SUGGESTED.findall(found["rows"].replace(b"\r", b"")):
            _drop_label(node, _point(vertex, size), rank)
        _replace_comment(node, _SUGGESTIONS.sub(b"", _comment(node)))

    visit(root, clean)


def _comment(node: Node) -> bytes:
    return b"\n\n".join(node.properties.get("C", ()))


def _replace_comment(node: Node, text: bytes) -> None:
    if text == _comment(node):
        return
    text = text.lstrip(b"\r\n")
    if text:
        node.properties["C"] = [text]
    else:
        node.properties.pop("C", None)


def _is_ours(node: Node, comment: re.Pattern[bytes]) -> bool:
    """Whether a variation begins with a move and a comment of ours, and holds nothing but moves after it."""
    if not (node.properties.keys() <= {"B", "W", "C"} and comment.match(_comment(node))):
        return False
    while len(node.children) == 1:
        node = node.children[0]
        if not node.properties.keys() <= {"B", "W"}:
            return False
    return not node.children


def _drop_label(node: Node, point: bytes, text: bytes) -> None:
    labels = node.properties.get("LB")
    if labels and point + b":" + text in labels:
        labels.remove(point + b":" + text)
        if not labels:
            del node.properties["LB"]


def _point(vertex: bytes, size: int) -> bytes:
    try:
        return to_sgf(from_vertex(vertex.decode("ascii", "replace"), size), size).encode()
    except InputError:
        return b""
