"""A picture of a reviewed game: how probable the net found each move, with the surprises named.

Each move is a point over its number, on a logarithmic scale of probabilities; a line for each player is the running
geometric mean of the player's moves. Below stands how often each player chose the net's own move, by phase. Black's and
White's points differ in shape and fill, not only in colour; the colours are of the palette of Okabe and Ito (2008),
which the colour-blind tell apart. Besides `casecnn.go.reviews.chart` nothing of the application loads matplotlib.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from casecnn.console import printable, warn
from casecnn.files import atomic_write
from casecnn.fonts import REMEDY, families, font_for, quietly
from casecnn.go.net.evaluation import PHASES
from casecnn.go.picture.draw import picture_format
from casecnn.go.reviews.opinion import Opinions, ReviewedMove, select
from casecnn.go.reviews.text import PLAYERS, origin, percent
from casecnn.go.reviews.value_chart import draw_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

INCHES, DPI = (12.8, 7.2), 150  # 1920 x 1080 pixels
INK, GREY, FAINT, BAND = "#1d1d1f", "#6b6b70", "#e2e2e6", "#f6f6f8"
COLOUR = {1: INK, 2: "#0072b2"}
FACE = {1: INK, 2: "white"}
SHAPE = {1: "o", 2: "s"}
STYLE = {1: "-", 2: (0, (5, 1.6))}
SURPRISE = "#d55e00"
LOWEST = 1e-5  # the scale ends there at the latest; a move less probable stands on its edge
WINDOW = 15  # moves of one player in a running mean
NAMED = 10  # surprises with a label, at most
LONGEST_NAME = 30


def save_chart(review: Opinions, path: str | os.PathLike[str], *, top: int = 10) -> None:
    """Writes the picture with `top` surprises as PNG (1920 x 1080 pixels) or SVG, as the file's ending says.

    The file is written whole or not at all, and the same for the same review. Raises UsageError for another ending and
    InputError where the file cannot be written.
    """
    ending = picture_format(path)
    import matplotlib

    if names := unwritable(review):
        warn(f"no font of this machine writes {' and '.join(names)}; the picture leaves them out: {REMEDY}")

    with matplotlib.rc_context({"svg.hashsalt": "casecnn"}), quietly():
        figure = chart(review, top=top)
        with atomic_write(path) as stream:
            metadata = {"Date": None} if ending == ".svg" else None
            figure.savefig(stream, format=ending[1:], dpi=DPI, metadata=metadata)


def chart(review: Opinions, *, top: int = 10) -> Figure:
    """The picture as a matplotlib figure, without pyplot: no window is opened and no state is left behind."""
    import matplotlib
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "font.family": families(_shown(name, LONGEST_NAME) for name in (review.record.black, review.record.white)),
        "font.size": 13,
        "text.parse_math": False,
        "text.color": INK,
    }
    with matplotlib.rc_context(settings), quietly():
        figure = Figure(figsize=INCHES, dpi=DPI, facecolor="white")
        if review.visits:
            _heading(figure, review, "Who is ahead, and what each move cost")
            both = draw_values(figure, review, top)
            for axes in both:
                _frame(axes, review, named=axes is both[0])
            return figure
        axes = figure.add_axes((0.075, 0.285, 0.9, 0.535))
        plays = [move for move in review if move.probability is not None]
        _scales(axes, review, plays)
        for colour in PLAYERS:
            _draw_player(axes, select(plays, colour), colour)
        surprises = review.surprises(top)
        _draw_surprises(axes, surprises, plays)
        _heading(figure, review, "How probable the policy net found each move")
        _legend(axes, bool(surprises))
        _figures(figure, review)
    return figure


def _heading(figure: Figure, review: Opinions, what: str) -> None:
    title = " – ".join(_name(review, colour) for colour in PLAYERS)
    if title == " – ".join(PLAYERS.values()) and review.record.source[:1] not in ("", "<"):
        title = _shown(os.path.basename(review.record.source), LONGEST_NAME * 2) or title
    figure.text(0.075, 0.945, title, fontsize=21, weight="bold", va="center")
    facts = [printable(review.record.result), origin(review)]
    text = f"{what}   ·   " + "   ·   ".join(filter(None, facts))
    figure.text(0.075, 0.892, text, fontsize=12.5, color=GREY, va="center")


def _legend(axes: Axes, surprises: bool) -> None:
    from matplotlib.lines import Line2D

    ring = Line2D([], [], ls="", marker="o", ms=11, mfc="none", mec=SURPRISE, mew=2.2, label="largest surprises")
    handles = [
        Line2D([], [], color=COLOUR[colour], lw=2.6, ls=STYLE[colour], marker=SHAPE[colour], ms=6, mfc=FACE[colour],
               label=f"{name}, each move and running mean")
        for colour, name in PLAYERS.items()
    ]  # fmt: skip
    handles += [ring] if surprises else []
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(handles), frameon=False, fontsize=12,
        handlelength=3.2, handletextpad=0.6, columnspacing=2.2, borderaxespad=0.25,
    )  # fmt: skip


def _scales(axes: Axes, review: Opinions, plays: Sequence[ReviewedMove]) -> None:
    lowest = min((move.probability or 0.0 for move in plays), default=1.0)
    decade = float(np.floor(np.log10(max(min(lowest, 5e-3), LOWEST))))
    axes.set_yscale("log")
    axes.set_ylim(10.0**decade * 0.75, 1.35)
    ticks = [10.0**n for n in range(int(decade), 1)]
    axes.set_yticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("move", color=GREY, fontsize=12, labelpad=3)
    _frame(axes, review)


def _frame(axes: Axes, review: Opinions, named: bool = True) -> None:
    """The scale of the moves, and their phases."""
    from matplotlib.ticker import MaxNLocator

    numbers = [move.number for move in review] or [1]
    axes.set_xlim(numbers[0] - 2, numbers[-1] + 2)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    _phases(axes, numbers[0], numbers[-1], named)
    axes.grid(axis="y", color=FAINT, lw=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=GREY, labelsize=12, pad=6)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GREY)


def _phases(axes: Axes, first: int, last: int, named: bool) -> None:
    """The phases of the table below, each with its name at its foot, every second one on a grey band."""
    for number, (name, low, high) in enumerate(PHASES):
        left, right = max(low + 0.5, first - 2), min(high + 0.5, last + 2)
        if left >= right:
            continue
        if number % 2:
            axes.axvspan(left, right, color=BAND, lw=0, zorder=0)
        if named and right - left > 0.12 * (last - first + 4):
            axes.text((left + right) / 2, 0.04, name, transform=axes.get_xaxis_transform(), fontsize=10.5,
                      color=GREY, ha="center", va="bottom", zorder=2)  # fmt: skip


def _height(move: ReviewedMove, axes: Axes) -> float:
    """Where a move stands: at its probability, or on the lower edge of the scale."""
    return max(move.probability or 0.0, axes.get_ylim()[0])


def _draw_player(axes: Axes, moves: Sequence[ReviewedMove], colour: int) -> None:
    numbers = [move.number for move in moves]
    heights = [_height(move, axes) for move in moves]
    axes.scatter(
        numbers, heights, s=24, marker=SHAPE[colour], facecolor=FACE[colour], edgecolor=COLOUR[colour], lw=1.2,
        alpha=0.7, zorder=3, clip_on=False,
    )  # fmt: skip
    mean = running_mean(np.log(heights)) if heights else np.zeros(0)
    axes.plot(numbers, np.exp(mean), color=COLOUR[colour], lw=2.6, ls=STYLE[colour], zorder=4)


def running_mean(values: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """The mean over `window` values around each one, over fewer at both ends: float [n] to float [n]."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    middle = np.arange(len(values))
    low, high = np.maximum(middle - window // 2, 0), np.minimum(middle + window // 2 + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _draw_surprises(axes: Axes, surprises: Sequence[ReviewedMove], plays: Sequence[ReviewedMove]) -> None:
    if not surprises:
        return
    from matplotlib.patheffects import withStroke

    points = np.array([(move.number, _height(move, axes)) for move in surprises])
    axes.scatter(
        points[:, 0], points[:, 1], s=130, marker="o", facecolor="none", edgecolor=SURPRISE, lw=2.2, zorder=5,
        clip_on=False,
    )  # fmt: skip
    place, fraction = axes.transData.transform, axes.transAxes.inverted().transform
    crowd = place([(move.number, _height(move, axes)) for move in plays])
    rings = place(points)
    taken = [_name_box(name, axes) for name in axes.texts]  # the phases'
    for move, ring in zip(surprises[:NAMED], rings, strict=False):
        text = f"{move.number} {move.vertex}"
        box = _free_place(float(ring[0]), float(ring[1]), len(text), taken, crowd, rings, axes)
        taken.append(box)
        label = axes.annotate(
            text, tuple(fraction(ring)), tuple(fraction((box.x, box.y))), xycoords="axes fraction", fontsize=12,
            weight="bold", color=SURPRISE, ha="center", va="center", zorder=6, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": SURPRISE, "lw": 1, "shrinkA": 1, "shrinkB": 7} if box.far else None,
        )  # fmt: skip
        label.set_path_effects([withStroke(linewidth=3, foreground="white")])


class _Box(NamedTuple):
    """A label in pixels: its centre, half of its width and height, and whether a line should lead to it."""

    x: float
    y: float
    half_width: float
    half_height: float
    far: bool

    def covers(self, points: np.ndarray, margin: float) -> int:
        """How many of the points [n, 2] lie in the box or within the margin around it."""
        apart = np.abs(points - (self.x, self.y)) - (self.half_width + margin, self.half_height + margin)
        return int((apart < 0).all(1).sum())


def _name_box(name: Text, axes: Axes) -> _Box:
    """Where a phase's name stands: centred on a move, its foot a little above the lower edge."""
    x, foot = name.get_position()
    scale = DPI / 72
    left, low = axes.transData.transform((x, axes.get_ylim()[0]))[0], axes.transAxes.transform((0, foot))[1]
    return _Box(float(left), float(low) + 6 * scale, 3.6 * scale * len(name.get_text()), 8 * scale, False)


def _free_place(
    x: float, y: float, letters: int, taken: list[_Box], crowd: np.ndarray, rings: np.ndarray, axes: Axes
) -> _Box:
    """A place for a label of `letters` letters near (x, y): the nearest that covers least."""
    scale = DPI / 72
    width, height, gap, slack = 4.2 * scale * letters, 8.0 * scale, 8.5 * scale, 10 * scale
    area = axes.bbox
    best, least = _Box(x, y, width, height, False), float("inf")
    side, up = width + gap, height + gap
    near = [(0.0, up), (side, 0.0), (-side, 0.0), (side, up / 2), (-side, up / 2), (0.0, -up)]
    near += [(side, -up / 2), (-side, -up / 2)]
    beyond = [(dx, n * up) for n in (1.8, -1.8, 2.6, -2.6, 3.4, 4.2, 5.0) for dx in (0.0, side, -side)]
    for number, (dx, dy) in enumerate([*near, *beyond]):
        box = _Box(x + dx, y + dy, width, height, number >= len(near))
        left, right = box.x - width < area.x0 - slack, box.x + width > area.x1 + slack
        outside = left or right or box.y - height < area.y0 or box.y + height > area.y1 + slack
        clash = sum(abs(box.x - t.x) < width + t.half_width and abs(box.y - t.y) < 2 * height for t in taken)
        cost = 1000 * outside + 100 * clash + 10 * box.covers(rings, 5 * scale) + box.covers(crowd, 2 * scale)
        cost += 0.3 * number
        if cost < least:
            best, least = box, cost
    return best


def _figures(figure: Figure, review: Opinions) -> None:
    """The agreement in a small table at the bottom: all moves, then the net's own move by phase."""
    columns: list[tuple[str, str | None, str]] = [
        ("the net's own move", None, "top1"),
        ("in its best 3", None, "top3"),
        ("in its best 5", None, "top5"),
    ]
    columns += [(name, name, "top1") for name, _, _ in PHASES]
    places = [0.3, 0.425, 0.535, 0.69, 0.81, 0.93]
    top, rows = 0.135, {1: 0.085, 2: 0.04}
    figure.text(0.4175, 0.175, "of all moves, those that are", fontsize=12, color=GREY, ha="center", va="center")
    figure.text(0.81, 0.175, "the net's own move, by phase", fontsize=12, color=GREY, ha="center", va="center")
    for (title, _, _), x in zip(columns, places, strict=True):
        figure.text(x, top, title, fontsize=12, color=GREY, ha="center", va="center")
    for colour, y in rows.items():
        figure.text(0.075, y, PLAYERS[colour], fontsize=13.5, weight="bold", color=COLOUR[colour], va="center")
        agreement = review.agreement(colour)
        figure.text(0.145, y, f"{agreement.moves} moves", fontsize=12, color=GREY, va="center")
        for (_, phase, field), x in zip(columns, places, strict=True):
            value = percent(getattr(review.agreement(colour, phase), field), 0)
            weight = "bold" if field == "top1" and phase is None else "normal"
            figure.text(x, y, value, fontsize=14, weight=weight, color=COLOUR[colour], ha="center", va="center")


def _name(review: Opinions, colour: int) -> str:
    """A player's name with the colour, or the colour alone."""
    name = _shown(review.record.black if colour == 1 else review.record.white, LONGEST_NAME)
    return f"{name} ({PLAYERS[colour]})" if name else PLAYERS[colour]


def _shown(text: str, longest: int) -> str:
    """The text on one line, cut if it is too long; empty if this machine has no font to write it."""
    text = printable(text)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text if font_for(text) is not None else ""


def unwritable(review: Opinions) -> list[str]:
    """The players' names that no font of this machine can write: the picture leaves them out."""
    return [name for name in (review.record.black, review.record.white) if name and not _shown(name, LONGEST_NAME)]
