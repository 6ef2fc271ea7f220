"""Games of a search against itself or another net, and the file that keeps one for training: visits, values, the end.

As AlphaGo Zero's self-play (Silver et al., Nature 550 (2017), Methods, "Self-play"): each move is searched for with
Dirichlet noise in the root's priors, the first moves are drawn in proportion to the visits, the others are the most
visited ones, and what is learned from is how the visits were shared out and who won.

The file of a game, game-00001.npz, holds with n moves on a board of p points:

    events     uint16 [n]         the moves, as in `casecnn.go.board.record`
    visits     int32 [n, p + 1]   the visits of each move before the move was made; the last column is the pass
    win, lead  float32 [n]        what the search said of the position, as the side to move saw it
    ownership  int8 [p]           the end: 1 Black's, -1 White's, 0 nobody's
    score      float32            Black's points less White's, komi counted
    winner     int8               0 draw, 1 Black, 2 White
    size, komi                    of the game
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from casecnn.checks import whole
from casecnn.errors import InputError
from casecnn.files import atomic_write, read_error
from casecnn.go.board.record import PLAY, pack
from casecnn.go.board.regions import regions
from casecnn.go.board.state import BLACK, WHITE
from casecnn.go.play.game import PlayedGame, Rules
from casecnn.go.position import Position
from casecnn.go.search.reading import Search
from casecnn.go.search.results import PositionNet, SearchResult
from casecnn.seeds import derive_seed

NOISE = 0.25
"""The share of Dirichlet noise in the root's priors."""

_FIELDS = ("events", "visits", "win", "lead", "ownership", "score", "winner", "size", "komi")


@dataclass(frozen=True, eq=False)
class SearchedGame(PlayedGame):
    """A game whose moves were searched for; see the module's text for the arrays."""

    visits: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    win: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    lead: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    ownership: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int8))
    komi: float = 7.5

    def save(self, path: Path) -> None:
        """Write the file of the game, whole or not at all."""
        with atomic_write(path) as stream:
            arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in _FIELDS}
            np.savez_compressed(stream, **arrays)


def read_searched_game(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of a game's file by name. Raises `InputError` for a file that is missing or no such file."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in _FIELDS}
    except OSError as error:
        raise read_error(path, error) from error
    except (ValueError, KeyError, EOFError) as error:
        raise InputError(f"'{os.fspath(path)}' is no game that a search has played") from error


def play_searched_game(
    net: PositionNet,
    number: int,
    visits: int,
    rules: Rules,
    opponent: PositionNet | None = None,
    opponent_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> SearchedGame:
    """Play one game; `options` are those of the search. The same seed and number give the same game.

    An `opponent` searches as much in a tree of its own, and has black in odd numbers (`swapped`); there is no noise
    then, and the trees live from move to move. `opponent_options` are what its search has otherwise.
    """
    size = net.size
    points = size * size
    key = derive_seed(rules.seed, number)
    options = {"noise": 0.0 if opponent else NOISE, "threads": 1, "max_nodes": 4 * visits + 200, **options}
    swapped = opponent is not None and number % 2 == 1
    own = Search(net, seed=key, **options)
    other = Search(opponent, seed=key, **{**options, **(opponent_options or {})}) if opponent else own
    searches = {BLACK: other, WHITE: own} if swapped else {BLACK: own, WHITE: other}
    generator = np.random.default_rng(key)
    position = Position(size, rules.komi)
    events: list[int] = []
    rows: list[np.ndarray] = []
    values: list[tuple[float, float]] = []
    limit = rules.max_moves or 2 * points
    behind = {BLACK: 0, WHITE: 0}
    winner = None
    while position.passes < 2 and len(events) < limit:
        colour = position.to_play
        search = searches[colour]
        if options["noise"]:
            search.clear()  # noise is for a fresh root
        result = search.run(position, visits=visits)
        if rules.resign is not None:
            behind[colour] = behind[colour] + 1 if result.lead <= -rules.resign else 0
            if behind[colour] >= 5 and 2 * len(events) >= points:
                winner = 3 - colour
                break
        row = np.zeros(points + 1, np.int32)
        for found in result.moves:
            row[found.move] = found.visits
        drawn = rules.opening_moves is None or len(events) < rules.opening_moves
        move = _draw(result, rules.temperature if drawn else 0.0, generator)
        rows.append(row)
        values.append((result.win, result.lead))
        position.play(move)
        events.append(pack(PLAY, colour, move))
    ended = "resignation" if winner is not None else "passes" if position.passes >= 2 else "move limit"
    score = position.score()
    if winner is None:
        winner = BLACK if score > 0 else WHITE if score < 0 else 0
    return SearchedGame(
        number,
        size,
        np.array(events, np.uint16),
        score,
        winner,
        ended,
        swapped=swapped,
        visits=np.array(rows, np.int32).reshape(-1, points + 1),
        win=np.array([win for win, _ in values], np.float32),
        lead=np.array([lead for _, lead in values], np.float32),
        ownership=owners(position),
        komi=position.komi,
    )


def play_searched_games(
    net: PositionNet,
    numbers: Iterable[int],
    visits: int,
    rules: Rules,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    opponent: PositionNet | None = None,
    opponent_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[SearchedGame]:
    """Play the games with these numbers, `threads` of them at a time, and yield each when it ends.

    `opponent`, `opponent_options` and `options` are those of `play_searched_game`. `progress(moves)` is called as games
    end, with their moves, and a few times a second between, with 0.
    """
    whole("visits", visits, 2)
    workers = threads or min(16, os.cpu_count() or 1)
    waiting = iter(numbers)
    play = partial(
        play_searched_game, net, visits=visits, rules=rules, opponent=opponent, opponent_options=opponent_options,
        **options,
    )  # fmt: skip
    with ThreadPoolExecutor(workers, "searched games") as pool:
        running: set[Future[SearchedGame]] = set()
        try:
            while True:
                while len(running) < workers and (number := next(waiting, None)) is not None:
                    running.add(pool.submit(play, number=number))
                if not running:
                    return
                done, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                if progress:
                    progress(sum(len(future.result().events) for future in done))
                for future in done:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()


def _draw(result: SearchResult, temperature: float, generator: np.random.Generator) -> int:
    """The most visited move, or one drawn in proportion to visits ** (1 / temperature)."""
    if temperature == 0:
        return result.best.move
    visited = [move for move in result.moves if move.visits]
    logs = np.log([move.visits for move in visited]) / temperature
    return visited[int((logs + generator.gumbel(size=len(logs))).argmax())].move


def owners(position: Position) -> np.ndarray:
    """int8 [points]: 1 where a point is Black's as the board stands, -1 White's, 0 nobody's."""
    board = position.board.reshape(-1)
    owner = board.copy()
    for region, border in regions(board, position.size):
        if border in (BLACK, WHITE):
            owner[region] = border
    return (owner == BLACK).astype(np.int8) - (owner == WHITE)
