"""The games that are in progress at once: which game is in which slot, and one pass of the nets for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

import numpy as np

from casecnn.errors import InputError
from casecnn.go.board.state import BLACK, COLOUR, WHITE
from casecnn.go.board.symmetry import targets
from casecnn.go.net.move_policy import MovePolicy, on_cpu
from casecnn.go.planes.fast import Scratch
from casecnn.go.play import games_batch
from casecnn.go.play.game import MAX_MOVES, PlayedGame, Rules
from casecnn.go.position import Position
from casecnn.seeds import derive_seed

ENDINGS = {
    games_batch.BY_PASSES: "passes",
    games_batch.BY_RESIGNATION: "resignation",
    games_batch.BY_LIMIT: "move limit",
    games_batch.GOING: "cut off",
}
CPU_BLOCK, GPU_BLOCK = 32, 256
"""Positions in one forward pass: the CPU gains nothing by more, but by a pass on each core."""


class GameBatch:
    """Games in progress at once: the slots, which game is in which, and the nets."""

    def __init__(
        self,
        policy: MovePolicy,
        opponent: MovePolicy | None,
        rules: Rules,
        start: Callable[[int], Position] | None,
        slots: int,
        threads: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        size = policy.size
        self.policies = [policy] if opponent is None else [policy, opponent]
        self.rules, self.pool = rules, pool
        self.start = start or (lambda number: Position(size))
        self.games = games_batch.new_games(slots, size, rules.max_moves or 2 * size * size)
        self.numbers = np.full(slots, -1, np.int64)
        self.raw = np.zeros((slots, size * size), np.float32)  # probabilities
        self.scratch: SimpleQueue[Scratch] = SimpleQueue()
        for scratch in games_batch.scratch_of(threads):
            self.scratch.put(scratch)
        self.target = targets(size)[0]

    def play(
        self,
        numbers: Iterator[int],
        progress: Callable[[int], None] | None,
        enough: Callable[[], bool] | None,
    ) -> Iterator[PlayedGame]:
        """Play the games with these numbers; see `casecnn.go.play.selfplay.play_games`."""
        self._fill(numbers)
        while len(slots := np.flatnonzero(self.numbers >= 0)):
            self._move(slots)
            if progress:
                progress(len(slots))
            if enough is not None and enough():
                yield from [self._take(int(slot)) for slot in slots]
                return
            over = slots[self.games.ended[slots] != games_batch.GOING]
            finished = [self._take(int(slot)) for slot in over]
            if finished:
                self._fill(numbers)
            yield from finished

    def _fill(self, numbers: Iterator[int]) -> None:
        size = self.policies[0].size
        for slot in np.flatnonzero(self.numbers < 0).tolist():
            number = next(numbers, None)
            if number is None:
                return
            position = self.start(number)
            if position.size != size:
                raise InputError(
                    f"the board (={position.size}x{position.size}) must be {size}x{size}, the size that the weights"
                    f" '{self.policies[0].name}' know"
                )
            games_batch.reset(self.games, slot, position.state, derive_seed(self.rules.seed, number))
            self.numbers[slot] = number

    def _move(self, slots: np.ndarray) -> None:
        """One move in every game."""
        whose = self._whose(slots)
        for number, policy in enumerate(self.policies):
            own = slots[whose == number]
            blocks = _blocks(own, CPU_BLOCK)
            if on_cpu(policy):
                self._each(partial(self._write_forward_play, policy), blocks)
            else:
                self._each(self._write, blocks)
                for block in _blocks(own, GPU_BLOCK):
                    self._forward(policy, block)
                self._each(self._play, blocks)

    def _each(self, work: Callable[[np.ndarray], None], blocks: list[np.ndarray]) -> None:
        """Run `work` on all blocks of slots, each in one of the threads."""
        for _ in self.pool.map(work, blocks):
            pass

    def _write_forward_play(self, policy: MovePolicy, slots: np.ndarray) -> None:
        self._write(slots)
        self._forward(policy, slots)
        self._play(slots)

    def _write(self, slots: np.ndarray) -> None:
        scratch = self.scratch.get()
        try:
            games_batch.write_batch(self.games, slots, scratch, self.target)
        finally:
            self.scratch.put(scratch)

    def _forward(self, policy: MovePolicy, slots: np.ndarray) -> None:
        """The net, on a block of one size, so that a row never depends on how many rows there are."""
        size, block = policy.size, CPU_BLOCK if on_cpu(policy) else GPU_BLOCK
        planes = np.zeros((block, 48, size, size), np.uint8)
        planes.reshape(block, 48, -1)[: len(slots)] = self.games.planes[slots]
        raw = policy.probabilities(planes, symmetries=self.rules.symmetries)[: len(slots)]
        if not np.isfinite(raw).all():
            raise InputError(f"the weights '{policy.name}' give probabilities that are not numbers; are they damaged?")
        self.raw[slots] = raw

    def _play(self, slots: np.ndarray) -> None:
        rules = self.rules
        opening = min(rules.opening_moves, MAX_MOVES) if rules.opening_moves is not None else MAX_MOVES
        resign = float(rules.resign) if rules.resign is not None else math.inf
        heat, komi = float(rules.temperature), float(rules.komi)
        games_batch.move_batch(self.games, slots, self.raw[slots], heat, opening, komi, resign)

    def _whose(self, slots: np.ndarray) -> np.ndarray:
        """Whose turn it is in each game: 0 the policy's, 1 the opponent's."""
        if len(self.policies) == 1:
            return np.zeros(len(slots), np.int64)
        white = self.games.states.info[slots, COLOUR] == WHITE
        return white ^ (self.numbers[slots] % 2 == 1)

    def _take(self, slot: int) -> PlayedGame:
        """The finished game of a slot, which is free afterwards."""
        games = self.games
        score = games_batch.score(games, slot, self.rules.komi)
        ended = int(games.ended[slot])
        winner = BLACK if score > 0 else WHITE if score < 0 else 0
        if ended == games_batch.BY_RESIGNATION:
            winner = 3 - int(games.states.info[slot, COLOUR])
        number = int(self.numbers[slot])
        self.numbers[slot] = -1
        return PlayedGame(
            number,
            self.policies[0].size,
            games.events[slot, : games.counts[slot]].copy(),
            score,
            winner,
            ENDINGS[ended],
            swapped=len(self.policies) == 2 and number % 2 == 1,
        )


def _blocks(slots: np.ndarray, most: int) -> list[np.ndarray]:
    """The slots in parts of `most` and a rest."""
    return [slots[begin : begin + most] for begin in range(0, len(slots), most)]
