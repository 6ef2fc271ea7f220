"""A picture of a game that a search has looked at: who is ahead, and what each move cost.

Above stands Black's chance to win with the lead beside it, below the points that each move lost, Black's upwards and
White's downwards, in the colours of `casecnn.go.picture.points_lost`. At the bottom stands what each player lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casecnn.go.net.evaluation import PHASES
from casecnn.go.picture.points_lost import COLOURS, NAMES, loss_class
from casecnn.go.reviews.judgement import Judgement, Losses
from casecnn.go.reviews.opinion import Opinions, ReviewedMove, select
from casecnn.go.reviews.text import PLAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GREY, FAINT, BLUE = "#1d1d1f", "#6b6b70", "#e2e2e6", "#0072b2"
PLACES = (0.235, 0.345, 0.405, 0.465, 0.525, 0.585, 0.645, 0.75, 0.85, 0.95)
MOST = 20.0
"""Points at which a bar ends."""


def draw_values(figure: Figure, review: Opinions, top: int) -> tuple[Axes, Axes]:
    """Fills a figure below its heading; gives both axes, whose phases the caller draws."""
    upper = figure.add_axes((0.075, 0.5, 0.855, 0.335))
    lower = figure.add_axes((0.075, 0.27, 0.855, 0.2), sharex=upper)
    judged = [(move, move.judgement) for move in review if move.judgement is not None]
    _win_and_lead(upper, judged)
    _losses(lower, judged, review.mistakes(min(top, 10)))
    _table(figure, review)
    return upper, lower


def _win_and_lead(axes: Axes, judged: list[tuple[ReviewedMove, Judgement]]) -> None:
    numbers = [move.number for move, _ in judged]
    wins = np.array([100 * j.black_win(move.colour) for move, j in judged])
    leads = np.array([j.black_lead(move.colour) for move, j in judged])
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.axhline(50, color=GREY, lw=1)
    axes.fill_between(numbers, wins, 50, color=INK, alpha=0.12, lw=0)
    axes.plot(numbers, wins, color=INK, lw=2.2, label="Black's chance to win")
    beside = axes.twinx()
    reach = next((n for n in (5, 10, 20, 40, 80, 160) if not len(leads) or np.abs(leads).max() <= n), 400)
    beside.set_ylim(-reach, reach)
    ticks = [-reach, -reach / 2, 0, reach / 2, reach]
    beside.set_yticks(ticks, [f"W+{-n:g}" if n < 0 else f"B+{n:g}" if n else "0" for n in ticks])
    beside.plot(numbers, leads, color=BLUE, lw=1.6, ls=(0, (5, 1.6)), label="lead (B: Black's, W: White's)")
    beside.tick_params(length=0, colors=BLUE, labelsize=12, pad=6)
    for each in (axes, beside):
        for spine in each.spines.values():
            spine.set_visible(False)
    lines = [*axes.lines[1:], *beside.lines]
    axes.legend(handles=lines, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False, fontsize=12,
                borderaxespad=0.25, columnspacing=2.2)  # fmt: skip
    axes.tick_params(labelbottom=False)


def _losses(axes: Axes, judged: list[tuple[ReviewedMove, Judgement]], mistakes: list[ReviewedMove]) -> None:
    heights = [(1 if move.colour == 1 else -1) * min(MOST, j.points_lost) for move, j in judged]
    colours = [COLOURS[loss_class(j.points_lost)] for _, j in judged]
    reach = max(6.0, *(abs(height) for height in heights), 0.0) * 1.45
    axes.bar([move.number for move, _ in judged], heights, width=1.0, color=colours, lw=0)
    axes.axhline(0, color=GREY, lw=1)
    axes.set_ylim(-reach, reach)
    step = 5 if reach > 8 else 3
    ticks = [n * step for n in range(-int(reach // step), int(reach // step) + 1)]
    axes.set_yticks(ticks, [f"{abs(tick)}" for tick in ticks])
    axes.set_ylabel("points lost\nWhite   Black", color=GREY, fontsize=11)
    axes.set_xlabel("move", color=GREY, fontsize=12, labelpad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)
    taken: list[tuple[int, bool]] = []
    span = max(1, judged[-1][0].number - judged[0][0].number) if judged else 1
    for move in mistakes:
        above = move.colour == 1
        if move.judgement is None or any(above == up and abs(move.number - n) < 0.055 * span for n, up in taken):
            continue  # a label would cross a costlier move's
        taken.append((move.number, above))
        height = min(MOST, move.judgement.points_lost) * (1 if above else -1)
        axes.annotate(f"{move.number} {move.vertex}", (move.number, height), xytext=(0, 3 if above else -3),
                      textcoords="offset points", fontsize=10.5, weight="bold", color=INK, ha="center",
                      va="bottom" if above else "top", annotation_clip=False)  # fmt: skip


def _table(figure: Figure, review: Opinions) -> None:
    """What each player lost: the mean of a move, the moves of each size, and the mean by phase."""
    figure.text(0.495, 0.178, "moves by the points that they lost", fontsize=12, color=GREY, ha="center", va="center")
    figure.text(0.85, 0.178, "points a move, by phase", fontsize=12, color=GREY, ha="center", va="center")
    heads = ["points a move", *NAMES, *(name for name, _, _ in PHASES)]
    for text, x in zip(heads, PLACES, strict=True):
        figure.text(x, 0.138, text, fontsize=12, color=GREY, ha="center", va="center")
    for number, shade in enumerate(COLOURS):
        figure.text(PLACES[1 + number], 0.112, "■", fontsize=10, color=shade, ha="center", va="center")
    for y, (colour, name) in zip((0.08, 0.035), PLAYERS.items(), strict=True):
        shade = INK if colour == 1 else BLUE
        losses = _of(review, colour)
        figure.text(0.075, y, name, fontsize=14, weight="bold", color=shade, va="center")
        values = [_mean(losses), *(str(count) for count in losses.counts)]
        values += [_mean(_of(review, colour, phase)) for phase, _, _ in PHASES]
        for n, (value, x) in enumerate(zip(values, PLACES, strict=True)):
            figure.text(x, y, value, fontsize=14, weight="bold" if n == 0 else "normal", color=shade, ha="center",
                        va="center")  # fmt: skip


def _of(review: Opinions, colour: int, phase: str | None = None) -> Losses:
    return Losses.of(move.judgement for move in select(review.moves, colour, phase))


def _mean(losses: Losses) -> str:
    return "-" if losses.mean is None else f"{losses.mean:.2f}"
