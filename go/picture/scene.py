"""A board with a heat map of move probabilities, described as shapes.

`casecnn.go.picture.draw` and `casecnn.go.picture.svg` paint it. The picture is `WIDTH` units wide whatever the board's
size; x grows to the right and y downwards. The shapes are listed from the back to the front. Nothing here depends on
how they are painted, so that PNG and SVG show the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.star_points import star_points
from casecnn.go.picture.points_lost import loss_colour

WIDTH = 1000.0
MARGIN = 1.3  # from the outermost line to the board's edge, in cells
CAPTION = 84.0  # height of the strip below the board
FAINTEST = 0.005  # a move less probable than this is not drawn
LONGEST_NOTE = 36  # characters that fit beside the caption
HOT = 0.25  # from this probability on the best move has the warmest colour

PAPER, INK, GREY = "#fbf8f1", "#262019", "#7d7264"
WOOD, GRAIN, LINE = "#e3b873", "#a8712f", "#4a3418"


@dataclass(frozen=True)
class Stop:
    """One colour of a gradient; `offset` runs from 0 at its centre to 1 at its rim."""

    offset: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Gradient:
    """Colours that change from a centre outwards.

    The centre `x`, `y`, seen from the disc's centre, and the `radius` of the gradient are in radii of the disc.
    """

    stops: tuple[Stop, ...]
    x: float = 0.0
    y: float = 0.0
    radius: float = 1.0


@dataclass(frozen=True)
class Box:
    """A filled rectangle; `x`, `y` is its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Line:
    """A straight line with square ends."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Disc:
    """A disc filled with a colour or a gradient."""

    x: float
    y: float
    radius: float
    fill: str | Gradient
    opacity: float = 1.0


@dataclass(frozen=True)
class Ring:
    """A circle that is not filled; `radius` goes to the middle of the stroke."""

    x: float
    y: float
    radius: float
    width: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Text:
    """A line of text, its capitals centred on `y`; `anchor` is the part of it that stands at `x`."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: str = "middle"  # start, middle or end
    bold: bool = False


Shape = Box | Line | Disc | Ring | Text


@dataclass(frozen=True)
class Scene:
    """What to paint, back to front, and the size of the picture."""

    height: float
    shapes: tuple[Shape, ...]
    title: str
    width: float = WIDTH


@dataclass(frozen=True)
class Diagram:
    """What a picture shows.

    `board` is uint8 [size, size] (0 empty, 1 black, 2 white); `heat` float [size * size], a probability for each
    point; `ranked` the moves that carry their probability as a label, the best first; `last_move` is marked if a stone
    lies there. `caption` stands below the board, `note` beside it in grey.

    With `losses`, points lost by move, the moves in them carry these as labels and have the colours of
    `casecnn.go.picture.points_lost`, and the heat is left out. `ownership` float [size * size] is 1 for points that are
    surely Black's and -1 for White's.
    """

    board: np.ndarray
    heat: np.ndarray
    ranked: tuple[int, ...]
    to_play: int
    last_move: int | None = None
    caption: str = ""
    note: str = ""
    losses: Mapping[int, float] | None = None
    ownership: np.ndarray | None = None


BLACK_STONE = Gradient(
    (Stop(0, "#77777b"), Stop(0.35, "#404044"), Stop(0.8, "#18181a"), Stop(1, "#0b0b0c")), x=-0.32, y=-0.36, radius=1.35
)
WHITE_STONE = Gradient(
    (Stop(0, "#ffffff"), Stop(0.5, "#fbfaf7"), Stop(0.82, "#e2dfd8"), Stop(1, "#b9b4aa")), x=-0.3, y=-0.34, radius=1.38
)
SHADOW = Gradient((Stop(0, "#2a1600", 0.55), Stop(0.78, "#2a1600", 0.42), Stop(1, "#2a1600", 0.0)))
HEAT = ((0.0, "#5f83a6"), (0.3, "#3f8fa3"), (0.65, "#2a9d62"), (1.0, "#3bb022"))
RIM = {1: "#000000", 2: "#8d877b"}


def scene(diagram: Diagram) -> Scene:
    """The shapes of a diagram, for boards from 2x2 up."""
    size = len(diagram.board)
    cell = WIDTH / (size - 1 + 2 * MARGIN)
    first = MARGIN * cell
    shapes = [
        *_wood(),
        *_grid(size, cell, first),
        *_coordinates(size, cell, first),
        *(_heat(diagram, cell, first) if diagram.losses is None else ()),
        *_stones(diagram, cell, first),
        *_owners(diagram, cell, first),
        *_losses(diagram, cell, first),
        *_caption(diagram),
    ]
    return Scene(WIDTH + CAPTION, tuple(shapes), " ".join(filter(None, [diagram.caption, diagram.note])))


def _wood() -> Iterator[Shape]:
    yield Box(0, 0, WIDTH, WIDTH, WOOD)
    places = np.random.default_rng(19).uniform(size=(150, 3))
    for x, width, dark in places:  # a straight grain, the same in every picture
        yield Line(
            x * WIDTH, 0, x * WIDTH, WIDTH, 1 + 5 * width**2, GRAIN if dark > 0.35 else "#fff0c8", 0.02 + 0.09 * dark**3
        )


def _grid(size: int, cell: float, first: float) -> Iterator[Shape]:
    last = first + (size - 1) * cell
    thin = max(1.1, 0.026 * min(cell, 60))
    for i in range(size):
        at = first + i * cell
        width = 1.9 * thin if i in (0, size - 1) else thin
        yield Line(first, at, last, at, width, LINE)
        yield Line(at, first, at, last, width, LINE)
    for row, column in sorted(star_points(size)):
        yield Disc(first + column * cell, first + row * cell, 0.09 * min(cell, 70), LINE)


def _coordinates(size: int, cell: float, first: float) -> Iterator[Shape]:
    last = first + (size - 1) * cell
    letter = min(0.38 * cell, 27)
    away = 0.48 * first + 0.26 * cell
    for i in range(size):
        at = first + i * cell
        for beside in (first - away, last + away):
            yield Text(at, beside, to_vertex(i, size)[0], letter, LINE)
            yield Text(beside, at, str(size - i), letter, LINE)


def _heat(diagram: Diagram, cell: float, first: float) -> Iterator[Shape]:
    size = len(diagram.board)
    hottest = max(float(diagram.heat.max()), HOT)
    labelled = set(diagram.ranked)
    for move in np.argsort(diagram.heat, kind="stable"):
        share = float(diagram.heat[move])
        row, column = divmod(int(move), size)
        if share < FAINTEST or diagram.board[row, column]:
            continue
        x, y = first + column * cell, first + row * cell
        warmth = math.sqrt(share / hottest)
        colour = blend(warmth)
        if int(move) in labelled:
            yield Disc(x, y, 0.47 * cell, colour, 0.94)
            if move == diagram.ranked[0]:
                yield Ring(x, y, 0.44 * cell, 0.055 * cell, "#ffffff", 0.95)
            label = percent(share)
            yield Text(x, y, label, cell * (0.4 if len(label) < 3 else 0.36), "#ffffff", bold=True)
        else:
            yield Disc(x, y, cell * (0.1 + 0.35 * warmth), colour, 0.85)


def _stones(diagram: Diagram, cell: float, first: float) -> Iterator[Shape]:
    size = len(diagram.board)
    radius = 0.482 * cell
    places = [(int(r), int(c), first + c * cell, first + r * cell) for r, c in np.argwhere(diagram.board)]
    for _, _, x, y in places:
        yield Disc(x + 0.045 * cell, y + 0.065 * cell, 1.1 * radius, SHADOW)
    for row, column, x, y in places:
        yield from stone(x, y, radius, int(diagram.board[row, column]))
        if row * size + column == diagram.last_move:
            yield Ring(x, y, 0.52 * radius, 0.075 * cell, "#ffffff" if diagram.board[row, column] == 1 else "#1c1c1e")


def _losses(diagram: Diagram, cell: float, first: float) -> Iterator[Shape]:
    """The moves that were searched, by what they lose; the best one in a ring."""
    size = len(diagram.board)
    for move in reversed([move for move in diagram.ranked if move in (diagram.losses or {})]):
        lost = max(0.0, (diagram.losses or {})[move])
        row, column = divmod(move, size)
        x, y = first + column * cell, first + row * cell
        yield Disc(x, y, 0.47 * cell, loss_colour(lost), 0.94)
        if move == diagram.ranked[0]:
            yield Ring(x, y, 0.44 * cell, 0.055 * cell, "#ffffff", 0.95)
        label = f"{lost:.1f}" if lost < 9.95 else f"{lost:.0f}"
        yield Text(x, y, label, 0.38 * cell, "#ffffff", bold=True)


def _owners(diagram: Diagram, cell: float, first: float) -> Iterator[Shape]:
    """A square on each point that is likely to be somebody's: black or white, the surer the larger."""
    if diagram.ownership is None:
        return
    size = len(diagram.board)
    for point, share in enumerate(diagram.ownership):
        row, column = divmod(point, size)
        owner = 1 if share > 0 else 2
        if abs(share) < 0.1 or diagram.board[row, column] == owner:
            continue
        half = cell * (0.06 + 0.14 * abs(float(share)))
        x, y = first + column * cell - half, first + row * cell - half
        yield Box(x, y, 2 * half, 2 * half, "#141416" if owner == 1 else "#ffffff", 0.85)


def stone(x: float, y: float, radius: float, colour: int) -> Iterator[Shape]:
    """A black (1) or white (2) stone without its shadow."""
    yield Disc(x, y, radius, BLACK_STONE if colour == 1 else WHITE_STONE)
    yield Ring(x, y, radius, 0.035 * radius, RIM[colour], 0.7)


def _caption(diagram: Diagram) -> Iterator[Shape]:
    middle = WIDTH + CAPTION / 2
    yield Box(0, WIDTH, WIDTH, CAPTION, PAPER)
    yield Disc(47, middle + 2, 21, SHADOW)
    yield from stone(45, middle, 19, diagram.to_play)
    yield Text(80, middle, diagram.caption, 30, INK, "start")
    note = diagram.note if len(diagram.note) <= LONGEST_NOTE else diagram.note[: LONGEST_NOTE - 3] + "..."
    yield Text(WIDTH - 28, middle, note, 22, GREY, "end")


def percent(share: float) -> str:
    """A probability as a label of at most three characters: whole percent, below 10 % with one decimal.

    >>> percent(0.3849), percent(0.0512), percent(0.004), percent(1.0)
    ('38', '5.1', '0.4', '100')
    """
    return f"{100 * share:.0f}" if share >= 0.0995 else f"{100 * share:.1f}"


def blend(warmth: float) -> str:
    """The colour of the heat map for a value from 0 to 1, as #rrggbb."""
    offsets = [offset for offset, _ in HEAT]
    channels = [[int(colour[i : i + 2], 16) for _, colour in HEAT] for i in (1, 3, 5)]
    return "#" + "".join(f"{round(float(np.interp(warmth, offsets, channel))):02x}" for channel in channels)
