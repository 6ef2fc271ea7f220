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
4. judges moves by rollouts, if it is asked to (`casecnn.go.search.look_ahead`);
5. answers a pass: with a pass where the game is won both as the board stands and with the dead stones taken off, and
   not more than a quarter of the board is open; else with a move where something is open, or where dead stones stand
   that the win depends on; with a pass if there is no such move.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.go.board import rules
from casecnn.go.board.state import BLACK, EMPTY, MIN_SIZE, copy_state, to_point
from casecnn.go.planes.table import OFFSETS
from casecnn.go.play import selfplay
from casecnn.go.play.ending import OPEN, OTHER, OTHER_TERRITORY, OWN, OWN_TERRITORY, classify_moves
from casecnn.go.play.selfplay import Player as Net
from casecnn.go.position import Position
from casecnn.go.search.dead_stones import Ending, chains, games_for, judge, neighbours, regions
from casecnn.go.search.look_ahead import Candidate, likely, look_ahead
from casecnn.go.search.random_play import play_out
from casecnn.go.search.rollouts import MAX_ROLLOUTS
from casecnn.go.search.tactics import weigh
from casecnn.go.suggestions import share_out

SMALL = 12  # points: in a larger region a defence may be needed that random games do not see
GAIN = 1.0  # points
LOSS = 1.0  # points
SURE = 0.2  # of the net's probability
MOST_CHECKS = 8  # moves that are tested by random games, at one turn

PASSES = ("reply", "end")


@dataclass(frozen=True)
class Settings:
    """How to play. Raises `UsageError` for a value out of range."""

    temperature: float = 0.0  # 0: the most probable move; 1: moves as often as the net gives them
    symmetries: bool = True
    tactics: bool = True  # point 3
    passes: str = "reply"  # "reply": also answer a pass with a pass (point 5); "end": pass only if no move is left
    superko: bool = False  # whether the opponent is held to positional superko, too
    resign: float | None = None  # points behind, by random games, at three own turns in a row; None: never
    seed: int = 0
    rollouts: int = 0  # games played out from each candidate; 0: none, the policy alone decides
    move_time: float = 10.0  # seconds for the rollouts of a move, at most

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise UsageError(f"`temperature` (={self.temperature:g}) must be at least 0")
        if self.passes not in PASSES:
            raise UsageError(f"`passes` (={self.passes}) must be one of {', '.join(PASSES)}")
        if self.resign is not None and not self.resign > 0:
            raise UsageError(f"`resign` (={self.resign:g}) must be more than 0 points")
        if not 0 <= self.rollouts <= MAX_ROLLOUTS:
            raise UsageError(f"`rollouts` (={self.rollouts}) must be from 0 to {MAX_ROLLOUTS}")
        if not 0 < self.move_time <= 86_400:
            raise UsageError(f"`move_time` (={self.move_time:g}) must be above 0 and at most 86400 seconds")


class Player:
    """Chooses moves with a policy net.

    It keeps no position. Its state is the generator of random numbers and what it found out when it chose last:
    `considered`, the best move first, empty without rollouts.
    """

    def __init__(self, policy: Net, settings: Settings | None = None) -> None:
        self.policy = policy
        self.settings = settings or Settings()
        self.considered: list[Candidate] = []
        self._generator = np.random.default_rng(self.settings.seed)

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
        seconds = self.settings.move_time if seconds is None else seconds
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
        planes = position.features()
        raw = self._probabilities(planes)
        classes = np.empty(raw.shape, np.uint8)
        classify_moves(position.state, planes.reshape(len(planes), -1), classes)
        check = _Check(position, planes, classes, raw, cleanup)
        if self.settings.tactics:
            raw = weigh(position, raw, planes[OFFSETS["sensibleness"].start].reshape(-1).astype(bool))
        order = self._order(raw, self.settings.temperature if temperature is None else temperature)
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
        ending = judge(position)
        liberties, around = beside_dead(position, ending)
        if cleanup:
            return [liberties, around, ending.open]
        sign = 1 if colour == BLACK else -1
        won, won_cleaned = sign * position.score() > 0, sign * ending.score > 0
        if won and won_cleaned and 4 * int(ending.open.sum()) <= position.size**2:
            return []
        return [ending.open, liberties, around] if won_cleaned else [ending.open]


def rehearse() -> None:
    """Play a move and a pass on a small board, and judge it: what a player needs, rollouts too, is then compiled."""
    position = Position(MIN_SIZE)
    position.play(Player(selfplay.Even()).choose(position))
    position.play(position.size**2)
    judge(position)
    selfplay.rehearse()


class _Check:
    """The rule and its points 1 and 2, for one position; what random games say of a pass is worked out when needed."""

    def __init__(
        self, position: Position, planes: np.ndarray, classes: np.ndarray, raw: np.ndarray, cleanup: bool
    ) -> None:
        self._position = position
        self._strict: Position | None = None
        self._games = games_for(position.board) // 2
        self._checks = 0
        self._passing: float | None = None
        risked = planes[OFFSETS["self-atari size"]].reshape(8, -1)
        taken = planes[OFFSETS["capture size"]].reshape(8, -1)
        risk = risked.argmax(0) + risked.any(0)  # stones; 8 means 8 or more
        small = np.zeros(raw.shape, bool)
        for region, _ in regions(position.board.reshape(-1), position.size):
            small[region] = len(region) <= SMALL
        wasteful = (risk >= 2) & (taken.argmax(0) < risk)
        self._doubtful = ((classes == OWN) & small) | wasteful
        self._sure = (classes == OWN) & (raw >= SURE) & ~wasteful
        if 8 * int((classes == OPEN).sum()) >= len(classes):
            self._doubtful &= ~self._sure
        self._allowed = classes == OPEN
        self._allowed |= (classes == OWN) & (small | (raw >= OWN_TERRITORY))
        self._allowed |= (classes == OTHER) & (cleanup | (raw >= OTHER_TERRITORY))

    def passes(self, move: int) -> bool:
        """Whether the move may be played."""
        return bool(self._allowed[move]) and self._is_new(move) and (not self._doubtful[move] or self._pays(move))

    def _is_new(self, move: int) -> bool:
        if self._strict is None:
            self._strict = self._position.copy()
            self._strict.superko = True
        return self._strict.is_legal(move)

    def _pays(self, move: int) -> bool:
        if self._checks == MOST_CHECKS:
            return False
        self._checks += 1
        if self._passing is None:
            self._passing = self._outcome(self._position.size**2)
        return self._outcome(move) - self._passing >= (-LOSS if self._sure[move] else GAIN)

    def _outcome(self, move: int) -> float:
        """Mean points of the colour to play less the opponent's in random games after a move."""
        state = copy_state(self._position.state)
        colour = self._position.to_play
        if move == self._position.size**2:
            rules.play_pass(state, colour)
        else:
            rules.play(state, to_point(self._position.size, move), colour)
        score = play_out(state, 3 - colour, self._games).score
        return score if colour == BLACK else -score


def beside_dead(position: Position, ending: Ending) -> tuple[np.ndarray, np.ndarray]:
    """Where dead stones of the opponent of the colour to play are attacked.

    These are their liberties, and the empty regions that these belong to; both bool [size * size].
    """
    size = position.size
    board = position.board.reshape(-1)
    liberties = np.zeros(size * size, bool)
    for chain in chains(board, size):
        if ending.dead[chain[0]] and board[chain[0]] == 3 - position.to_play:
            for point in chain:
                liberties[[near for near in neighbours(point, size) if board[near] == EMPTY]] = True
    around = np.zeros(size * size, bool)
    for region, _ in regions(board, size):
        if liberties[region].any():
            around[region] = True
    return liberties, around
