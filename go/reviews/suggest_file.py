"""Suggestions for a position of a game in a file, and the files that are made of them."""

from __future__ import annotations

from typing import Any

from casecnn.checks import whole
from casecnn.console import warn
from casecnn.go.planes.warm_up import warm_up
from casecnn.go.play.progress import games_shown
from casecnn.go.reviews.outputs import check_outputs
from casecnn.go.sgf.game import open_game
from casecnn.go.suggestions import Suggestions, suggest


def suggest_file(
    file: str,
    *,
    game: int | None = None,
    path: str | None = None,
    encoding: str | None = None,
    top: int = 10,
    rollouts: int = 0,
    visits: int | None = None,
    image: str | None = None,
    sgf: str | None = None,
    **settings: Any,
) -> Suggestions:
    """Suggest moves for a position of a game in an SGF file ("-": standard input) as `casecnn.go.suggest` does.

    Draws the board into ``image`` and writes the game with the moves into ``sgf``, where they are given. Warns of what
    is odd in the file, and shows a progress bar over rollouts. ``settings`` go to `casecnn.go.suggestions.suggest`.
    Raises what that and `casecnn.go.reviews.outputs.check_outputs` raise.
    """
    whole("top", top, 1)
    if visits is not None:
        whole("visits", visits, 1)
    check_outputs(file, image, sgf)
    _warm_up(rollouts)
    opened = open_game(file, game=game, path_spec=path, encoding=encoding)
    record = opened.record
    for warning in record.warnings:
        warn(f"{record.source}: {warning}")
    with games_shown(rollouts, "playouts") as advance:

        def progress(played: int, finished: int, games: int) -> None:
            if advance is not None:
                advance(finished, played, games)

        found = suggest(record, top=top, rollouts=rollouts, visits=visits or 0, progress=progress, **settings)
    if found.note:
        warn(found.note)
    if image:
        found.save_picture(image)
    if sgf:
        from casecnn.go.reviews.annotate import save_annotated

        save_annotated(sgf, opened, found)
    return found


def _warm_up(rollouts: int) -> None:
    if rollouts > 0:
        from casecnn.go.play.selfplay import rehearse

        warm_up(rehearse)
    else:
        warm_up()
