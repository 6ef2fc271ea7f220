"""The ordered table of AlphaGo's 48 feature planes: names, offsets, the paper's words, what is computed.

Source: Silver et al., "Mastering the game of Go with deep neural networks and tree search", Nature 529 (2016),
Extended Data Table 2, in the table's order. Everything that speaks of planes (the two implementations, the names
written beside exported planes, ``docs/planes.md``) reads this table. It needs neither numpy nor numba.

``python -m casecnn.go.planes.table`` prints the table as the Markdown page ``docs/planes.md``.
"""

from __future__ import annotations

from typing import NamedTuple


class Feature(NamedTuple):
    """One row of the paper's table: a feature and the names of its planes, first plane first."""

    name: str
    planes: tuple[str, ...]
    paper: str  # the row's description in the paper
    computed: str  # what exactly is 1, for a board seen by the player to move
    decided: str = ""  # what casecnn decides where the paper is silent


def _one_hot(name: str, first: int) -> tuple[str, ...]:
    """Names of eight planes for the values first, first + 1, ..., the last one open-ended."""
    return tuple(f"{name} {value}" for value in range(first, first + 7)) + (f"{name} >={first + 7}",)


FEATURES: tuple[Feature, ...] = (
    Feature(
        "stone colour",
        ("own stones", "opponent stones", "empty points"),
        "player stone / opponent stone / empty",
        "Each point of the board is 1 in exactly one of the three planes; own is the player to move.",
    ),
    Feature(
        "ones",
        ("ones",),
        "a constant plane filled with 1",
        "1 on the whole board, which tells the board from the zero padding around it.",
    ),
    Feature(
        "turns since",
        _one_hot("turns since", 1),
        "how many turns since a move was played",
        "On every stone, of either colour: 1 for the last move, 2 for the one before it, and so on.",
        "A pass is a turn. Empty points are 0 in all eight planes: a captured stone's age goes with it. Set-up and "
        "handicap stones were never played and lie in the oldest plane; setting them up is no turn.",
    ),
    Feature(
        "liberties",
        _one_hot("liberties", 1),
        "number of liberties (empty adjacent points)",
        "On every stone, of either colour: the number of liberties of its chain.",
    ),
    Feature(
        "capture size",
        _one_hot("capture size", 0),
        "how many opponent stones would be captured",
        "At every legal point: the number of opponent stones that a move there takes off the board.",
        "The first plane means that nothing is captured. Legal means: an empty point, no suicide, no retaking of a "
        "simple ko (the point of a single captured stone, where the capturing chain is a single stone with that "
        "point as its only liberty). With positional superko switched on, the points it forbids are not legal either.",
    ),
    Feature(
        "self-atari size",
        _one_hot("self-atari size", 1),
        "how many of own stones would be captured",
        "At every legal point where the new stone's chain would have exactly one liberty: the size of that chain.",
        "Captures are taken off first. Other own chains that lose a liberty by the move do not count.",
    ),
    Feature(
        "liberties after move",
        _one_hot("liberties after move", 1),
        "number of liberties after this move is played",
        "At every legal point: the number of liberties of the new stone's chain.",
        "Captures are taken off first.",
    ),
    Feature(
        "ladder capture",
        ("ladder capture",),
        "whether a move at this point is a successful ladder capture",
        "At every legal point that is one of the two liberties of an opponent chain, if the move captures such a "
        "chain in a ladder: put in atari, the chain has no escape.",
        "The defender tries the chain's last liberty and every capture of a chain in atari that touches it, but "
        "neither illegal moves nor own true eyes. Every ply follows the same chain, by the rules of a simple ko, for "
        "400 plies; then the capture has failed. A chain that can be taken at once is not a ladder capture.",
    ),
    Feature(
        "ladder escape",
        ("ladder escape",),
        "whether a move at this point is a successful ladder escape",
        "At every point where the player saves an own chain in atari: after the move the chain has three liberties "
        "or more, or it has two and a ladder capture works at neither of them.",
        "The moves tried are those of the defender in a ladder capture. After 400 plies the escape has worked.",
    ),
    Feature(
        "sensibleness",
        ("sensibleness",),
        "whether a move is legal and does not fill its own eyes",
        "At every legal point that is not a true eye of the player.",
        "A true eye is an empty point whose neighbours are all own stones and of whose diagonals at most one is bad, "
        "none at the edge or in the corner. A diagonal is bad if an opponent stone is on it, or if it is empty and "
        "not a true eye itself (points that need only each other are true eyes).",
    ),
    Feature(
        "zeros",
        ("zeros",),
        "a constant plane filled with 0",
        "0 everywhere.",
    ),
)

PLANE_NAMES: tuple[str, ...] = tuple(plane for feature in FEATURES for plane in feature.planes)
PLANES = len(PLANE_NAMES)
assert PLANES == 48, PLANES


def _offsets() -> dict[str, slice]:
    """The planes of each feature, by its name."""
    offsets: dict[str, slice] = {}
    start = 0
    for feature in FEATURES:
        offsets[feature.name] = slice(start, start + len(feature.planes))
        start += len(feature.planes)
    return offsets


OFFSETS: dict[str, slice] = _offsets()


def feature_of(plane: int) -> Feature:
    """The row of the table that a plane (0 to 47) belongs to.

    Raises IndexError for any other number.
    """
    for feature in FEATURES:
        if OFFSETS[feature.name].start <= plane < OFFSETS[feature.name].stop:
            return feature
    raise IndexError(f"plane {plane} is not one of 0 to {PLANES - 1}")


def markdown() -> str:
    """The table as a page of Markdown: the planes with their names, then what casecnn decides, feature by feature."""
    lines = [
        "# The 48 feature planes",
        "",
        "<!-- Written by `python -m casecnn.go.planes.table > docs/planes.md` from `go/planes/table.py`. -->",
        "",
        "The input of AlphaGo's policy network: Silver et al., Nature 529 (2016), Extended Data Table 2, in its order.",
        f"An array of planes is uint8 `[{PLANES}, size, size]`: plane, row from the top, column from the left; every",
        "value is 0 or 1. The board is seen by the player to move. Counts are one-hot, the last plane open-ended.",
        "",
        "| planes | feature | in the paper | what is 1 |",
        "| --- | --- | --- | --- |",
    ]
    for feature in FEATURES:
        first, last = OFFSETS[feature.name].start, OFFSETS[feature.name].stop - 1
        numbers = f"{first}" if first == last else f"{first}-{last}"
        lines.append(f"| {numbers} | {feature.name} | {feature.paper} | {feature.computed} |")
    lines += ["", "## Where the paper is silent", ""]
    lines += [f"- **{feature.name}**: {feature.decided}" for feature in FEATURES if feature.decided]
    lines += ["", "## Names", "", "| plane | name |", "| --- | --- |"]
    lines += [f"| {plane} | {name} |" for plane, name in enumerate(PLANE_NAMES)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
