"""A search before every move of a game: what each move cost.

Every position is looked at once, as its side to move sees it; after a move that is the opponent, so that the figures of
the next position, turned round, say what the move led to. With one visit a position is not searched: the net's own
estimate counts, of many positions in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from casecnn.checks import whole
from casecnn.go.board.record import PLAY, SETUP, GameRecord, unpack
from casecnn.go.board.state import BLACK
from casecnn.go.position import Position
from casecnn.go.reviews.judgement import Judgement
from casecnn.go.suggestions import share_out

if TYPE_CHECKING:
    from casecnn.go.search.results import PositionNet

BATCH = 32
MAX_VISITS = 1_000_000


class Outlook(NamedTuple):
    """A position as its side to move sees it: chance to win, lead in points, visits, and how it would go on."""

    win: float
    lead: float
    visits: int
    variation: tuple[int, ...]


def judge(
    record: GameRecord,
    net: PositionNet,
    visits: int,
    first: int,
    last: int,
    *,
    symmetries: bool = False,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> list[Judgement]:
    """What a search of `visits` says of the moves `first` to `last`, both counted from 1.

    `symmetries` counts where one visit is asked for. `progress(n)` is called after n more moves. Raises UsageError for
    `visits` out of range.
    """
    whole("visits", visits, 1, MAX_VISITS)
    positions = _positions(record, first, last)
    if visits == 1:
        found = _estimated(positions, net, symmetries, progress)
    else:
        found = _searched(positions, net, visits, seed, progress)
    seen = list(found)
    moves = record.moves[first - 1 : last].tolist()
    colours = record.colours[first - 1 : last + 1].tolist()
    return [
        _judgement(before, after, move, same=len(colours) > n + 1 and colours[n] == colours[n + 1])
        for n, (before, after, move) in enumerate(zip(seen, seen[1:], moves, strict=False))
    ]


def _judgement(before: Outlook, after: Outlook, move: int, *, same: bool) -> Judgement:
    """What a move did; `same` where its player moves again, so that the next position is seen by the same side."""
    win, lead = (after.win, after.lead) if same else (1.0 - after.win, -after.lead)
    best = before.variation[0]
    return Judgement(before.win, before.lead, win, lead, before.visits, best, before.variation, move == best)


def _positions(record: GameRecord, first: int, last: int) -> Iterator[Position]:
    """The positions before the moves `first` to `last` and after the last one, one object that goes on."""
    position = Position(record.size, record.komi, suicide=True)  # the record holds what its rules allow
    number = 0
    for event in record.events:
        kind, colour, move = unpack(event)
        if kind == SETUP:
            position.set_stone(move, colour)
        elif kind == PLAY:
            number += 1
            if first <= number <= last + 1:
                position.set_to_play(colour)
                yield position
            if number > last:
                return
            position.play(move, colour)
        else:
            position.set_to_play(colour)
    yield position


def _estimated(
    positions: Iterator[Position], net: PositionNet, symmetries: bool, progress: Callable[[int], object] | None
) -> Iterator[Outlook]:
    """The net's own estimates, `BATCH` positions at a time."""
    waiting: list[tuple[np.ndarray, np.ndarray, float]] = []

    def flush() -> Iterator[Outlook]:
        planes = np.stack([row[0] for row in waiting])
        found = net.estimate(planes, np.array([row[2] for row in waiting], np.float32), symmetries)
        for n, (_, sensible, _) in enumerate(waiting):
            chances = share_out(np.asarray(found.probabilities[n], np.float64), sensible, net.name)
            best = int(chances.argmax()) if sensible.any() else sensible.size
            yield Outlook(float(found.win[n]), float(found.lead[n]), 1, (best,))
        if progress is not None:
            progress(len(waiting))
        waiting.clear()

    for position in positions:
        komi = -position.komi if position.to_play == BLACK else position.komi
        waiting.append((position.features(), position.sensible_moves(), komi))
        if len(waiting) == BATCH:
            yield from flush()
    if waiting:
        yield from flush()


def _searched(
    positions: Iterator[Position], net: PositionNet, visits: int, seed: int, progress: Callable[[int], object] | None
) -> Iterator[Outlook]:
    """Searches that keep what they know from move to move; a position in which both have passed is only estimated."""
    from casecnn.go.search.reading import Search

    search = Search(net, seed=seed)
    for position in positions:
        if position.passes >= 2:
            yield from _estimated(iter([position]), net, False, progress)
            continue
        found = search.run(position, visits=visits)
        yield Outlook(found.win, found.lead, found.visits, found.best.variation or (found.best.move,))
        if progress is not None:
            progress(1)
