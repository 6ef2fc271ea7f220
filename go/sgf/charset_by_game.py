"""Collections whose games were written in different encodings: each game is decoded by itself.

People join the files of many programs into one. Where a text is not UTF-8 as a whole, it is cut at the places where
games visibly start (``(;`` and a property that only a root has), which no encoding of several bytes a letter can hide.
A game that is too short to tell takes the encoding of the others, where those agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import NamedTuple

from casecnn.go.sgf.charset import Decoded, decode
from casecnn.go.sgf.collection import starts_of_games


class DecodedGames(NamedTuple):
    """The text of a file, and how its parts were decoded; ``starts`` are their places in the text, in order."""

    text: bytes
    starts: list[int]
    parts: list[Decoded]

    def at(self, place: int) -> Decoded:
        """How the game that starts at a place of the text was decoded."""
        return self.parts[max(0, bisect_right(self.starts, place) - 1)]


def decode_games(data: bytes, encoding: str | None = None) -> DecodedGames:
    """Makes the bytes of a file readable for the grammar, game by game where they differ; never fails.

    ``encoding`` is that of all of it, and overrides what games declare; `UsageError` for a name that Python lacks.
    """
    whole = decode(data, encoding)
    alone = DecodedGames(whole.text, [0], [whole])
    if encoding is not None or not (whole.read_as or whole.encoding == "latin-1" or whole.warnings):
        return alone
    starts = starts_of_games(data)
    if len(starts) < 2:
        return alone
    pieces = [data[start:stop] for start, stop in zip([0, *starts[1:]], [*starts[1:], len(data)], strict=True)]
    parts = [decode(piece) for piece in pieces]
    known = Counter(part.read_as or part.encoding for part in parts if part.encoding == "utf-8")
    if len(known) == 1 and (codec := next(iter(known))) != "utf-8":
        parts = [
            _in_codec_of_others(piece, codec) if part.encoding == "latin-1" else part
            for piece, part in zip(pieces, parts, strict=True)
        ]
    places, length = [], 0
    for part in parts:
        places.append(length)
        length += len(part.text)
    return DecodedGames(b"".join(part.text for part in parts), places, parts)


def _in_codec_of_others(piece: bytes, codec: str) -> Decoded:
    """A game in the encoding of the others, with a warning that says so."""
    part = decode(piece, codec)
    return part._replace(warnings=(f"no charset can be told; read as {codec}, like the other games", *part.warnings))
