"""Whole games of a policy net against itself or another, hundreds at once, one forward pass a move for all.

A game that ends makes room for the next, so the batch stays full. Game number i is the same, bit for bit, whatever the
batch, the number of threads and the other games, on one device and with one version of torch: its random numbers are
its own, and the net always sees blocks of one fixed size, filled up with empty planes where needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.go.board.state import MIN_SIZE
from casecnn.go.net.move_policy import MovePolicy, UniformPolicy
from casecnn.go.play.batch import CPU_BLOCK, GameBatch
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.position import Position


def play_games(
    policy: MovePolicy,
    numbers: Iterable[int],
    rules: Rules | None = None,
    *,
    opponent: MovePolicy | None = None,
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
    whole("batch", batch, 1)
    if opponent is not None and opponent.size != policy.size:
        raise InputError(
            f"the weights '{opponent.name}' know boards of {opponent.size}x{opponent.size}, but '{policy.name}' of"
            f" {policy.size}x{policy.size}: both must know the same"
        )
    threads = threads or min(16, os.cpu_count() or 1)
    with _pool(threads, blocks=-(-batch // CPU_BLOCK)) as pool:
        yield from GameBatch(policy, opponent, rules, start, batch, threads, pool).play(iter(numbers), progress, enough)


def rehearse() -> None:
    """Play and replay the first move of a game on a small board: what games need is then compiled."""
    for game in play_games(UniformPolicy(), range(1), Rules(max_moves=1), batch=1, threads=1):
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
