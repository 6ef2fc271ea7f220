"""Some good moves compared by rollouts, within a time.

The policy plays itself from each candidate (`casecnn.go.search.rollouts`), as many games as wanted and as far as there
is time for. Win rates of a few games are rough, and the policy's opinion counts, too: of the moves whose win rate is
within two standard errors of the best one's, the most probable comes first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.position import Position
from casecnn.go.search.rollouts import Rollouts, rolling_out
from casecnn.statistics import standard_error

CANDIDATES = 8  # moves that are played out, at most
LEAST_SHARE = 0.05  # of the best move's probability: what a move needs to be played out
CHANCE = 2.0  # standard errors: a smaller difference of win rates proves nothing


@dataclass(frozen=True)
class Candidate:
    """A move, the policy's probability, and what rollouts say of it, where there are some."""

    move: int
    prior: float
    rollouts: Rollouts | None = None
    played_out: bool = False  # whether it is to be played out, even where no game has ended yet


def likely(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that are worth rollouts, of candidates with the best one first: takes no more of them than it needs."""
    found: list[Candidate] = []
    for candidate in candidates:
        if found and candidate.prior < LEAST_SHARE * found[0].prior:
            break
        found.append(candidate)
        if len(found) == CANDIDATES:
            break
    return found


def look_ahead(
    policy: MovePolicy,
    position: Position,
    candidates: Sequence[Candidate],
    rollouts: int,
    seconds: float,
    *,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
    report: Callable[[list[Candidate]], None] | None = None,
) -> list[Candidate]:
    """Play each candidate out `rollouts` times, and return them in the order of `by_win_rate`.

    When `seconds` are over, the games in progress are cut off, random games estimate their scores, and no others begin.
    `stop()` is asked after each move of the playouts, and ends them at once. `report` is called with what is known so
    far whenever a game has ended. The same seed gives the same games, as far as the time goes.
    """
    end = time.monotonic() + seconds

    def out_of_time() -> bool:
        return time.monotonic() > end

    def tick(played: int) -> bool:
        return stop is not None and stop()

    found = {candidate.move: candidate for candidate in candidates}
    known = rolling_out(position, list(found), policy, rollouts, seed=seed, tick=tick, enough=out_of_time)
    for move, tally in known:
        found[move] = replace(found[move], rollouts=tally)
        if report:
            report(by_win_rate(found.values()))
    return by_win_rate(found.values())


def by_win_rate(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates by win rate, but first the one to play.

    That is, of those whose win rate is within two standard errors (of the difference) of the best one's, the most
    probable. Equals stand by their mean score, and those without rollouts come last. Rates are compared with a win and
    a loss added to the games, so that a few games prove nothing.
    """
    order = sorted(candidates, key=_worth)
    known = [(c, *_with_a_win_and_a_loss(c.rollouts)) for c in order if c.rollouts]
    if not known:
        return order
    _, best, error = known[0]
    first = max((c for c, rate, own in known if best - rate <= CHANCE * math.hypot(error, own)), key=lambda c: c.prior)
    return [first, *(c for c in order if c is not first)]


def _worth(candidate: Candidate) -> tuple[float, float]:
    """What the candidates are sorted by: the win rate, of equals the mean score."""
    found = candidate.rollouts
    return (-found.win_rate, -found.mean_score) if found else (1.0, 0.0)


def _with_a_win_and_a_loss(found: Rollouts) -> tuple[float, float]:
    """The win rate with these two games added, and its standard error."""
    games = found.games + 2
    rate = (found.win_rate * found.games + 1) / games
    return rate, standard_error(rate, games)
