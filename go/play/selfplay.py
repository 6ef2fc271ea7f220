"""Whole games of a policy net against itself or another, hundreds at once, one forward pass a move for all.

A game that ends makes room for the next, so the batch stays full. Game number i is the same, bit for bit, whatever the
batch, the number of threads and the other games, on one device and with one version of torch: its random numbers are
its own, and the net always sees blocks of one fixed size, filled up with empty planes where needed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from casecnn.errors import InputError, UsageError
from casecnn.go.board.record import GameRecord
from casecnn.go.board.rules import apply_event
from casecnn.go.board.state import BLACK, COLOUR, MIN_SIZE, WHITE, State, copy_state
from casecnn.go.board.symmetry import targets
from casecnn.go.planes.fast import Scratch
from casecnn.go.play import games_batch
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

MAX_MOVES = 10_000


class Player(Protocol):
    """What a net must offer to play: `casecnn.go.net.policy.Policy` does."""

    name: str
    size: int

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray: ...


def on_cpu(player: Player) -> bool:
    """Whether a player computes on the CPU, as one without a net does."""
    module = getattr(player, "module", None)
    return module is None or next(module.parameters()).device.type == "cpu"


def for_games(player: Player) -> Player:
    """A player in the form that is fastest for games whose moves are drawn, where it has one of its own."""
    return getattr(player, "for_games", player)


class Even:
    """A player without a net for small boards: every point is as likely as any other."""

    name, size = "even chances", MIN_SIZE

    def probabilities(self, planes: np.ndarray, symmetries: bool = True) -> np.ndarray:
        """float32 [N, size * size] for planes [N, 48, size, size]."""
        return np.full((len(planes), self.size**2), 1 / self.size**2, np.float32)


@dataclass(frozen=True)
class Rules:
    """How the games are played.

    Raises `UsageError` for values that make no sense.
    """

    temperature: float = 1.0  # moves are drawn by p ** (1 / temperature); 0: always the best
    opening_moves: int | None = None  # only so many moves of a game are drawn, then the best is played; None: all
    komi: float = 7.5
    max_moves: int | None = None  # passes included; None: twice the points of the board
    resign: float | None = None  # points: see `casecnn.go.play.games_batch.move_batch`; None: nobody resigns
    symmetries: bool = False  # average the net over the board's eight symmetries: eight times the work
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 100:
            raise UsageError(f"`temperature` (={self.temperature:g}) must be from 0 to 100")
        if self.opening_moves is not None and self.opening_moves < 0:
            raise UsageError(f"`opening_moves` (={self.opening_moves}) must be at least 0")
        if not abs(self.komi) <= 1000:
            raise UsageError(f"`komi` (={self.komi:g}) must be from -1000 to 1000")
        if self.max_moves is not None and not 1 <= self.max_moves <= MAX_MOVES:
            raise UsageError(f"`max_moves` (={self.max_moves}) must be from 1 to {MAX_MOVES}")
        if self.resign is not None and not 0 < self.resign <= 1000:
            raise UsageError(f"`resign` (={self.resign:g}) must be above 0 and at most 1000")


@dataclass(frozen=True, eq=False)
class PlayedGame:
    """One finished game.

    `events` uint16 [n] are its moves as in `casecnn.go.board.record`, without those before the start position. `score`
    is black minus white minus komi as the board stands, whoever won. `swapped`: the opponent has black.
    """

    number: int
    size: int
    events: np.ndarray
    score: float
    winner: int  # 0 draw, 1 black, 2 white
    ended: str  # "passes", "resignation", "move limit", "cut off"
    swapped: bool

    @property
    def result(self) -> str:
        """As in SGF: "B+3.5", "W+R", "0" for a draw."""
        if not self.winner:
            return "0"
        return ("B+" if self.winner == BLACK else "W+") + (
            "R" if self.ended == "resignation" else f"{abs(self.score):g}"
        )

    def final(self, start: Position) -> State:
        """The board at the end of a game that began at `start`."""
        state = copy_state(start.state)
        for event in self.events:
            apply_event(state, event)
        return state

    def record(self, rules: Rules, black: str, white: str) -> GameRecord:
        """The game as a record, with the players' names."""
        return GameRecord(
            self.size, self.events, rules.komi, 0, self.result, self.winner, "Chinese", black, white,
            source=f"game {self.number}",
        )  # fmt: skip


def play_games(
    policy: Player,
    numbers: Iterable[int],
    rules: Rules | None = None,
    *,
    opponent: Player | None = None,
    start: Callable[[int], Position] | None = None,
    batch: int = 256,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    enough: Callable[[], bool] | None = None,
) -> Iterator[PlayedGame]:
    """Play the games with these numbers and yield each when it ends, which is not the order in which they began.

    With an `opponent`, `policy` has black in the games with even numbers and white in the others. A game starts from an
    empty board, or from the position that `start(number)` gives (its ko and turn count; superko knows only what happens
    from there on). `batch` games are played at once; `threads` make the planes, and on a CPU run the net, each on a
    block of games (None: one for each core, at most 16). `progress(moves)` is called after each move of the batch, with
    the moves played; then `enough()`: where it returns true, the games in progress end where they are, and no others
    begin.

    >>> from casecnn.go.net.policy import load_policy
    >>> games = list(play_games(load_policy(), range(2), Rules(max_moves=3)))
    >>> sorted(game.number for game in games), games[0].ended
    ([0, 1], 'move limit')

    Raises `InputError` where nets know other sizes than the boards or give no numbers, `UsageError` for `batch` < 1.
    """
    rules = rules or Rules()
    if batch < 1:
        raise UsageError(f"`batch` (={batch}) must be at least 1")
    if opponent is not None and opponent.size != policy.size:
        raise InputError(
            f"the weights '{opponent.name}' know boards of {opponent.size}x{opponent.size}, but '{policy.name}' of"
            f" {policy.size}x{policy.size}: both must know the same"
        )
    threads = threads or min(16, os.cpu_count() or 1)
    with _pool(threads, blocks=-(-batch // CPU_BLOCK)) as pool:
        yield from _Batch(policy, opponent, rules, start, batch, threads, pool).play(iter(numbers), progress, enough)


def rehearse() -> None:
    """Play and replay the first move of a game on a small board: what games need is then compiled."""
    for game in play_games(Even(), range(1), Rules(max_moves=1), batch=1, threads=1):
        game.final(Position(MIN_SIZE))


@contextmanager
def _pool(threads: int, blocks: int) -> Iterator[ThreadPoolExecutor]:
    """Threads among which torch's own are divided, as far as there are blocks for them."""
    import torch

    cores = torch.get_num_threads()
    share = max(1, cores // min(threads, blocks))
    try:
        with ThreadPoolExecutor(threads, "games", torch.set_num_threads, (share,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(cores)  # the last call is also what threads begin with later


class _Batch:
    """The slots, which game is in which, and the nets."""

    def __init__(
        self,
        policy: Player,
        opponent: Player | None,
        rules: Rules,
        start: Callable[[int], Position] | None,
        slots: int,
        threads: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        size = policy.size
        self.players = [policy] if opponent is None else [policy, opponent]
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
        size = self.players[0].size
        for slot in np.flatnonzero(self.numbers < 0).tolist():
            number = next(numbers, None)
            if number is None:
                return
            position = self.start(number)
            if position.size != size:
                raise InputError(
                    f"the board (={position.size}x{position.size}) must be {size}x{size}, the size that the weights"
                    f" '{self.players[0].name}' know"
                )
            games_batch.reset(self.games, slot, position.state, derive_seed(self.rules.seed, number))
            self.numbers[slot] = number

    def _move(self, slots: np.ndarray) -> None:
        """One move in every game."""
        whose = self._whose(slots)
        for number, player in enumerate(self.players):
            own = slots[whose == number]
            blocks = _blocks(own, CPU_BLOCK)
            if on_cpu(player):
                self._each(partial(self._write_forward_play, player), blocks)
            else:
                self._each(self._write, blocks)
                for block in _blocks(own, GPU_BLOCK):
                    self._forward(player, block)
                self._each(self._play, blocks)

    def _each(self, work: Callable[[np.ndarray], None], blocks: list[np.ndarray]) -> None:
        """Run `work` on all blocks of slots, each in one of the threads."""
        for _ in self.pool.map(work, blocks):
            pass

    def _write_forward_play(self, player: Player, slots: np.ndarray) -> None:
        self._write(slots)
        self._forward(player, slots)
        self._play(slots)

    def _write(self, slots: np.ndarray) -> None:
        scratch = self.scratch.get()
        try:
            games_batch.write_batch(self.games, slots, scratch, self.target)
        finally:
            self.scratch.put(scratch)

    def _forward(self, player: Player, slots: np.ndarray) -> None:
        """The net, on a block of one size, so that a row never depends on how many rows there are."""
        size, block = player.size, CPU_BLOCK if on_cpu(player) else GPU_BLOCK
        planes = np.zeros((block, 48, size, size), np.uint8)
        planes.reshape(block, 48, -1)[: len(slots)] = self.games.planes[slots]
        raw = player.probabilities(planes, symmetries=self.rules.symmetries)[: len(slots)]
        if not np.isfinite(raw).all():
            raise InputError(f"the weights '{player.name}' give probabilities that are not numbers; are they damaged?")
        self.raw[slots] = raw

    def _play(self, slots: np.ndarray) -> None:
        rules = self.rules
        opening = min(rules.opening_moves, MAX_MOVES) if rules.opening_moves is not None else MAX_MOVES
        resign = float(rules.resign) if rules.resign is not None else math.inf
        heat, komi = float(rules.temperature), float(rules.komi)
        games_batch.move_batch(self.games, slots, self.raw[slots], heat, opening, komi, resign)

    def _whose(self, slots: np.ndarray) -> np.ndarray:
        """Which player is to move in each game: 0 the policy, 1 the opponent."""
        if len(self.players) == 1:
            return np.zeros(len(slots), np.int64)
        white = self.games.info[slots, COLOUR] == WHITE
        return white ^ (self.numbers[slots] % 2 == 1)

    def _take(self, slot: int) -> PlayedGame:
        """The finished game of a slot, which is free afterwards."""
        games = self.games
        score = games_batch.score(games, slot, self.rules.komi)
        ended = int(games.ended[slot])
        winner = BLACK if score > 0 else WHITE if score < 0 else 0
        if ended == games_batch.BY_RESIGNATION:
            winner = 3 - int(games.info[slot, COLOUR])
        number = int(self.numbers[slot])
        self.numbers[slot] = -1
        return PlayedGame(
            number,
            self.players[0].size,
            games.events[slot, : games.counts[slot]].copy(),
            score,
            winner,
            ENDINGS[ended],
            swapped=len(self.players) == 2 and number % 2 == 1,
        )


def _blocks(slots: np.ndarray, most: int) -> list[np.ndarray]:
    """The slots in parts of `most` and a rest."""
    return [slots[begin : begin + most] for begin in range(0, len(slots), most)]
