"""Which move to play in a game that matters: the rule of `casecnn.go.play.ending`, with random games to look ahead.

Self-play has no time to look ahead; an engine has. It plays the most probable of the moves that the rule allows, but

1. never repeats an arrangement of the stones (positional superko), so that no game is endless;
2. tests some moves by random games before it plays them: those within a small empty region of its own (the rule plays
   them if the net wants them), and those that put two or more own stones into atari and take fewer than that. The games
   from the position after the move must end at least `GAIN` points better than those after a pass. That allows the
   stone that makes the second eye and the sacrifice that pays; it refuses to fill the eye space of a living group and
   to give up a seki. But random games do not see that a peep must be answered: where the net is sure of a stone in its
   own region, it is played on a board that is still open, and later unless it loses more than `LOSS` points;
3. thinks less of moves that leave stones at stake (`casecnn.go.search.tactics`), because the net reads nothing;
4. compares moves by rollouts, if it is asked to (`casecnn.go.search.look_ahead`);
5. searches instead of all that where visits or a time are asked for and the net has a value branch
   (`casecnn.go.players.searcher`);
6. answers a pass: with a pass where the game is won both as the board stands and with the dead stones taken off, and
   not more than a quarter of the board is open; else with a move where something is open, or where dead stones stand
   that the win depends on; with a pass if there is no such move.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.state import BLACK, EMPTY, MIN_SIZE
from casecnn.go.net.move_policy import MovePolicy, UniformPolicy
from casecnn.go.planes.table import OFFSETS
from casecnn.go.play import selfplay
from casecnn.go.play.ending import classify_moves
from casecnn.go.players.move_check import MoveCheck, beside_dead
from casecnn.go.players.searcher import Searcher
from casecnn.go.players.settings import Settings
from casecnn.go.position import Position
from casecnn.go.search.capture import read_capture
from casecnn.go.search.dead_stones import estimate_ending
from casecnn.go.search.look_ahead import Candidate, likely, look_ahead
from casecnn.go.search.tactics import weigh
from casecnn.go.suggestions import share_out


class PolicyPlayer:
    """Chooses moves with a policy net.

    Keeps no position. Its state is the generator of random numbers, and what it found when it chose last: `considered`,
    the best move first, empty without rollouts.
    """

    def __init__(self, policy: MovePolicy, settings: Settings | None = None) -> None:
        self.policy = policy
        self.settings = settings or Settings()
        self.considered: list[Candidate] = []
        self.searcher = Searcher()
        self._generator = np.random.default_rng(self.settings.seed)

    @property
    def can_search(self) -> bool:
        """Whether the net says who is ahead, and no rollouts are wanted."""
        return hasattr(self.policy, "estimate") and not self.settings.rollouts

    def will_search(self, seconds: float | None) -> bool:
        """Whether a move that may take `seconds` is searched for: visits or a time are set, or a clock runs."""
        return self.can_search and (self.settings.searches or (seconds is not None and seconds < math.inf))

    def raw(self, position: Position) -> np.ndarray:
        """What the net says of every point, float32 [size * size], illegal moves included; 1 in sum."""
        return self._probabilities(position.features())

    def assess(self, position: Position) -> list[Candidate]:
        """The sensible moves, the best first: legal, not in an own true eye. Priors add up to 1."""
        planes = position.features()
        sensible = planes[OFFSETS["sensibleness"].start].reshape(-1).astype(bool)
        priors = share_out(self._probabilities(planes).astype(np.float64), sensible, self.policy.name)
        order = np.argsort(-priors, kind="stable")
        return [Candidate(int(move), float(priors[move])) for move in order if sensible[move]]

    def look_ahead(
        self,
        position: Position,
        candidates: Sequence[Candidate],
        *,
        seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
        report: Callable[[list[Candidate]], None] | None = None,
    ) -> list[Candidate]:
        """Look ahead (`casecnn.go.search.look_ahead`) with the settings' rollouts, and their time without `seconds`."""
        wanted = self.settings.rollouts
        if not wanted or len(candidates) < 2:
            return list(candidates)
        seconds = self.settings.seconds if seconds is None else seconds
        return look_ahead(
            self.policy, position, candidates, wanted, seconds, seed=self.settings.seed, stop=stop, report=report
        )

    def choose(
        self,
        position: Position,
        *,
        cleanup: bool = False,
        temperature: float | None = None,
        avoid: Collection[int] = (),
        seconds: float | None = None,
    ) -> int:
        """The move to play for the colour to play: `row * size + column`, or the pass `size * size`.

        With `cleanup` no pass while dead stones of the opponent can be taken; none of `avoid`; `seconds` as in
        `look_ahead`. Does not change the position.
        """
        self.considered = []
        self.searcher.last = None
        temperature = self.settings.temperature if temperature is None else temperature
        if not cleanup and self.will_search(seconds):
            if not len(self._stages(position, cleanup)):
                return position.size**2
            limit = math.inf if seconds is None else seconds
            if self.settings.move_time is not None:
                limit = min(limit, self.settings.move_time)
            return self.searcher.choose(
                self.policy, self.settings, position, limit, temperature, avoid, self._generator
            )
        planes = position.features()
        raw = self._probabilities(planes)
        classes = np.empty(raw.shape, np.uint8)
        classify_moves(position.state, planes.reshape(len(planes), -1), classes)
        check = MoveCheck(position, planes, classes, raw, cleanup)
        if self.settings.tactics:
            raw = weigh(position, raw, planes[OFFSETS["sensibleness"].start].reshape(-1).astype(bool))
        order = self._order(raw, temperature)
        stages = self._stages(position, cleanup)
        for wanted in stages:
            found = (move for move in order if wanted[move] and move not in avoid and check.passes(move))
            if self.settings.rollouts and wanted.all():
                best = likely(Candidate(move, float(raw[move])) for move in found)
                self.considered = self.look_ahead(position, best, seconds=seconds)
                found = (candidate.move for candidate in self.considered)
            move = next(found, None)
            if move is not None:
                return move
        return position.size**2

    def _probabilities(self, planes: np.ndarray) -> np.ndarray:
        found = self.policy.probabilities(planes[None], symmetries=self.settings.symmetries)[0]
        if not np.isfinite(found).all():
            raise InputError(f"the weights '{self.policy.name}' give probabilities that are not numbers")
        return found

    def _order(self, priors: np.ndarray, temperature: float) -> list[int]:
        """All moves in the order in which to try them: by probability, or drawn at a temperature one after another."""
        if temperature == 0:
            return [int(move) for move in np.argsort(-priors, kind="stable")]
        with np.errstate(divide="ignore"):
            keys = np.log(priors) / temperature
        return [int(move) for move in np.argsort(-(keys + self._generator.gumbel(size=len(keys))), kind="stable")]

    def _stages(self, position: Position, cleanup: bool) -> Sequence[np.ndarray]:
        """The sets of moves to choose from, one after another; none of them: pass."""
        everywhere = np.ones(position.size**2, bool)
        colour = position.to_play
        passed = bool(position.moves) and position.moves[-1] == (3 - colour, position.size**2)
        if not cleanup and (self.settings.passes != "reply" or not passed):
            return [everywhere]
        ending = estimate_ending(position)
        liberties, around = beside_dead(position, ending)
        if cleanup:
            return [liberties, around, ending.open]
        sign = 1 if colour == BLACK else -1
        won, won_cleaned = sign * position.score() > 0, sign * ending.score > 0
        if won and won_cleaned and 4 * int(ending.open.sum()) <= position.size**2:
            return []
        return [ending.open, liberties, around] if won_cleaned else [ending.open]


def rehearse() -> None:
    """Play a move and a pass on a small board and estimate the ending: what a player needs is then compiled."""
    position = Position(MIN_SIZE)
    position.play(PolicyPlayer(UniformPolicy()).choose(position))
    position.play(position.size**2)
    estimate_ending(position)
    read_capture(position, 12, [0, 1], attacker_first=True)
    position.set_stone(0, EMPTY)  # as dead stones are taken off
    selfplay.rehearse()
