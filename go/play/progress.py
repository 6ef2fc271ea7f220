"""Progress of games that are played side by side: how many are finished, and how many moves were played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from casecnn.console import progress, reach


class Advance(Protocol):
    """Moves a bar on: to the games finished in all, with the moves just played, and the games to be played if known."""

    def __call__(self, finished: int, played: int, games: int | None = None) -> None:
        """Show where the games are."""
        ...


@contextmanager
def games_shown(total: int, description: str, *, keep: bool = False) -> Iterator[Advance | None]:
    """Show a bar over games; gives what to call with the games finished in all, new moves, and the games to be played.

    Gives None where there are no games.
    """
    if total <= 0:
        yield None
        return
    with progress(total, "game", description, keep=keep) as bar:
        moves = 0

        def advance(finished: int, played: int, games: int | None = None) -> None:
            nonlocal moves
            moves += played
            if games is not None:
                bar.total = games
            bar.set_postfix(moves=moves, refresh=False)
            if not bar.update(finished - bar.n):
                bar.refresh()

        yield advance


@contextmanager
def match_shown(total: int) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show a bar over the games of a match with its state; gives what to call with the facts of each game."""
    with progress(max(0, total), "game", "match", keep=True) as bar:
        won = {"first": 0, "second": 0, "": 0}

        def advance(facts: dict[str, Any]) -> None:
            won[facts["winner"]] += 1
            bar.set_postfix_str(f"{won['first']}:{won['second']}, last {facts['result']}", refresh=False)
            reach(bar, max(bar.n + 1, facts["game"]))

        yield advance
