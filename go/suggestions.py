"""Move suggestions for a position: what the policy net would play, among the moves that make sense."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from casecnn.checks import one_of, whole
from casecnn.errors import InputError, UsageError
from casecnn.go.board.coordinates import to_vertex
from casecnn.go.board.record import GameRecord
from casecnn.go.board.sizes import check_board
from casecnn.go.net.board_sizes import note, policy_for
from casecnn.go.position import Position
from casecnn.go.suggested_moves import Suggestion, Suggestions

if TYPE_CHECKING:
    from casecnn.go.net.policy import Policy
    from casecnn.go.net.policy_value import PolicyValue
    from casecnn.go.net.quick_policy import QuickPolicy
    from casecnn.go.search.results import PositionNet, SearchResult

RANKS = ("win-rate", "prior")


def suggest(
    game_or_position: str | os.PathLike[str] | bytes | GameRecord | Position,
    *,
    move: int | None = None,
    top: int = 10,
    symmetries: bool = True,
    policy: Policy | QuickPolicy | PolicyValue | str | os.PathLike[str] | None = None,
    device: str = "auto",
    game: int | None = None,
    path: str | None = None,
    rollouts: int = 0,
    visits: int = 0,
    ownership: bool = False,
    rank_by: str = "win-rate",
    seed: int = 0,
    progress: Callable[[int, int, int], None] | None = None,
) -> Suggestions:
    """The `top` moves that the policy net finds most probable, among the legal ones that do not fill an own true eye.

    >>> from casecnn.go import Position, suggest
    >>> position = Position()
    >>> position.play(3 * 19 + 15)
    >>> suggestions = suggest(position, top=3)
    >>> [s.rank for s in suggestions], suggestions[0].probability > suggestions[2].probability
    ([1, 2, 3], True)
    >>> round(float(suggestions.probabilities.sum()), 6)
    1.0
    >>> suggestions.headline()
    'White to play after move 1 (Q16)'

    The game is an SGF file (`game` is its number in a collection, `path` a variation: see
    `casecnn.go.sgf.game.read_game`), a `GameRecord` or a `Position`; of a game, the position after `move` moves is
    taken, by default after the last one. `policy` is a loaded net, or the name or file of weights; None is the packaged
    net. A net that is loaded here for one position, without rollouts, is computed by NumPy on the CPU where `device` is
    "auto" or "cpu". With `symmetries` the probabilities are the mean over the eight symmetries of the board.

    The net's probabilities of the moves left are scaled to add up to 1. Where no move is left, the one suggestion is to
    pass. The net has no pass of its own, so a pass is never suggested otherwise; where both have passed, `over` and the
    headline say that the game is over. A position is not changed.

    With `rollouts` the net plays that number of games against itself after each of the `top` moves (see
    `casecnn.go.search.rollouts.roll_out`, to which `seed` and `progress` go), and the moves are ranked by their win
    rate, or by probability where `rank_by` is "prior". A few games prove little: as in `casecnn go gtp`, the first move
    is the most probable of those within two standard errors of the best win rate. On Ctrl-C the playouts that are
    finished count.

    With `visits` the position is searched until it has as many (see `casecnn.go.search.reading`), by a net with a value
    branch: `policy` is one, or the name or file of its weights; None is the packaged one. The moves are those that were
    visited, the most visited first, or the most probable where `rank_by` is "prior"; the pass may be among them. Each
    has `searched`, and the whole a `search`, of which `ownership` is shown. `progress` gets 0, the visits so far and
    those asked for. On Ctrl-C what is known counts.

    Raises UsageError for `top`, `move`, `rollouts`, `visits` or `rank_by` out of range, for both kinds of games looked
    ahead, and InputError for a file that is no game,
    weights that cannot be loaded, and a board that is not from 5x5 to 25x25. On boards of another size than the net was
    trained on it plays weaker, as `note` says.
    """
    whole("top", top, 1)
    whole("rollouts", rollouts, 0)
    whole("visits", visits, 0)
    one_of("rank_by", rank_by, RANKS)
    if rollouts and visits:
        raise UsageError(f"`rollouts` (={rollouts}) must be left out where `visits` are given")
    if ownership and not visits:
        raise UsageError("`ownership` needs `visits`")
    if isinstance(game_or_position, (str, os.PathLike, bytes)):
        from casecnn.go.sgf.game import read_game

        game_or_position = read_game(game_or_position, game=game, path_spec=path)
    source = game_or_position.source if isinstance(game_or_position, GameRecord) else ""
    if isinstance(game_or_position, GameRecord):
        check_board(game_or_position.size, source or "the game")
    position, last_move = _position(game_or_position, move)
    if policy is None or isinstance(policy, (str, os.PathLike)):
        policy = _load(policy, device, alone=not rollouts, value=visits > 0)
    if visits and not hasattr(policy, "estimate"):
        raise UsageError(f"`visits` (={visits}) needs a net with a value branch; '{policy.name}' has none")
    policy = policy_for(policy, position.size, source)
    start = time.perf_counter()
    sensible = position.sensible_moves()
    raw = np.asarray(policy.probabilities(position.features()[None], symmetries=symmetries)[0], dtype=np.float64)
    probabilities = share_out(raw, sensible, policy.name)
    moves = rank(probabilities, sensible, position.size, top)
    if rollouts:
        from casecnn.go.search.rollouts import roll_out

        found = roll_out(position, [s.move for s in moves], policy, rollouts, seed=seed, progress=progress)
        moves = tuple(replace(s, rollouts=found.get(s.move)) for s in moves)
        if rank_by == "win-rate":
            moves = rank_by_rollouts(moves)
    result = None
    if visits:
        result = _search(position, policy, visits, seed, progress)  # type: ignore[arg-type]
        moves = rank_by_search(result, probabilities, position.size, top, rank_by)
    elapsed_ms = 1000 * (time.perf_counter() - start)
    return Suggestions(
        moves,
        probabilities,
        position.board,
        position.to_play,
        position.move_number,
        last_move,
        policy.name,
        symmetries,
        elapsed_ms,
        rollouts,
        position.passes >= 2,
        note(policy, position.size),
        result,
        visits,
        ownership,
    )


def _search(
    position: Position,
    net: PositionNet,
    visits: int,
    seed: int,
    progress: Callable[[int, int, int], None] | None,
) -> SearchResult:
    """What a search finds, on Ctrl-C what it has found."""
    from casecnn.go.search.reading import Search

    def report(found: SearchResult) -> None:
        if progress is not None:
            progress(0, found.visits, visits)

    search = Search(net, seed=seed)
    try:
        return search.run(position, visits=visits, on_progress=report)
    except KeyboardInterrupt:
        found = search.result(position)
        if found is None or not found.visits:
            raise
        return found


def rank_by_search(
    result: SearchResult, probabilities: np.ndarray, size: int, top: int, rank_by: str = "win-rate"
) -> tuple[Suggestion, ...]:
    """The `top` moves that a search has visited, the most visited first, or the most probable ("prior")."""
    visited = [searched for searched in result.moves if searched.visits] or [result.best]
    if rank_by == "prior":
        visited.sort(key=lambda searched: -searched.prior)
    suggestions = []
    for number, searched in enumerate(visited[:top], start=1):
        passes = searched.move == size * size
        row, column = (None, None) if passes else divmod(searched.move, size)
        chance = searched.prior if passes else float(probabilities[searched.move])
        vertex = to_vertex(searched.move, size)
        suggestions.append(Suggestion(number, searched.move, vertex, row, column, chance, searched=searched))
    return tuple(suggestions)


def _load(
    which: str | os.PathLike[str] | None, device: str, *, alone: bool, value: bool
) -> Policy | QuickPolicy | PolicyValue:
    """The net of a name or a file. For a position `alone` the one without torch, unless a device is asked for."""
    if value:
        from casecnn.go.net.policy_value import load_policy_value

        return load_policy_value(which, device)
    if alone and device in ("auto", "cpu"):
        from casecnn.go.net.quick_policy import load_quick_policy

        if quick := load_quick_policy(which):
            return quick
    from casecnn.go.net.policy import load_policy

    return load_policy(which, device)


def share_out(raw: np.ndarray, sensible: np.ndarray, weights: str) -> np.ndarray:
    """The probabilities scaled so that those of the sensible moves add up to 1 and the others are 0.

    Where the net gives the sensible moves nothing at all, they share equally. Raises InputError, naming the weights,
    for numbers that are no probabilities.
    """
    if not np.isfinite(raw).all():
        raise InputError(f"the weights '{weights}' give probabilities that are not numbers; are they damaged?")
    kept = np.where(sensible, raw, 0.0)
    total = kept.sum()
    if total > 0:
        return kept / total
    return sensible / max(1, np.count_nonzero(sensible))


def rank(probabilities: np.ndarray, sensible: np.ndarray, size: int, top: int) -> tuple[Suggestion, ...]:
    """The `top` most probable sensible moves; of equals the upper left first. A pass where there is none."""
    order = [int(move) for move in np.argsort(-probabilities, kind="stable") if sensible[move]][:top]
    if not order:
        return (Suggestion(1, size * size, to_vertex(size * size, size), None, None, 1.0),)
    return tuple(
        Suggestion(number, move, to_vertex(move, size), *divmod(move, size), float(probabilities[move]))
        for number, move in enumerate(order, start=1)
    )


def rank_by_rollouts(moves: tuple[Suggestion, ...]) -> tuple[Suggestion, ...]:
    """The same moves in the order of `casecnn.go.search.look_ahead.by_win_rate`; those without playouts come last."""
    from casecnn.go.search.look_ahead import Candidate, by_win_rate

    by_move = {suggestion.move: suggestion for suggestion in moves}
    order = by_win_rate([Candidate(s.move, s.probability, s.rollouts) for s in moves])
    return tuple(replace(by_move[candidate.move], rank=number) for number, candidate in enumerate(order, start=1))


def _position(game: GameRecord | Position, move: int | None) -> tuple[Position, int | None]:
    """The position to look at and the move that led to it."""
    if isinstance(game, Position):
        if move is not None:
            raise UsageError(f"`move` (={move}) must be left out for a Position, which stands where it is")
        return game, game.moves[-1][1] if game.moves else None
    number = len(game) if move is None else move
    if not 0 <= number <= len(game):
        raise UsageError(f"`move` (={move}) must be from 0 to {len(game)}, the number of moves in {game.source}")
    return Position.from_record(game, number), int(game.moves[number - 1]) if number else None
