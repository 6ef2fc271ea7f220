"""Game records to SGF text that any program opens.

Source: SGF FF[4], root and game-info properties. Written with sgfmill.
"""

from __future__ import annotations

from sgfmill.sgf import Sgf_game

from casecnn import __version__
from casecnn.go.board.coordinates import to_sgf
from casecnn.go.board.record import SETUP, TO_PLAY, GameRecord, unpack

_LETTERS = {1: "B", 2: "W"}


def record_sgf(record: GameRecord, *, name: str = "", comment: str = "") -> bytes:
    """The SGF text, in UTF-8, of one game: size, komi, rules, result, players, set-up stones and moves.

    `name` becomes the game's name and `comment` its root comment. Set-up stones before the first move stand in the
    root, later ones in nodes of their own. Says nothing of the date, so that the same game gives the same text.
    """
    game = Sgf_game(record.size, encoding="UTF-8")
    root = game.get_root()
    root.set("AP", ("casecnn", __version__))
    root.set_raw("KM", f"{record.komi:g}".encode())
    for key, text in (
        ("GN", name), ("PB", record.black), ("PW", record.white), ("RE", record.result), ("RU", record.rules),
        ("C", comment),
    ):  # fmt: skip
        if text:
            root.set(key, text)
    if record.handicap:
        root.set("HA", record.handicap)
    node = root
    for event in record.events:
        kind, colour, point = unpack(int(event))
        follows_move = node.has_property("B") or node.has_property("W")
        if kind not in (SETUP, TO_PLAY):
            node = node.new_child()
            node.set_raw(_LETTERS[colour], to_sgf(point, record.size).encode())
            continue
        if follows_move:  # set-up and moves do not go into one node
            node = node.new_child()
        if kind == TO_PLAY:
            node.set_raw("PL", _LETTERS[colour].encode())
        else:
            key = ("AE", "AB", "AW")[colour]
            points = node.get_raw_list(key) if node.has_property(key) else []
            node.set_raw_list(key, [*points, to_sgf(point, record.size).encode()])
    return game.serialise()
