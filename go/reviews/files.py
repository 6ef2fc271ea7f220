"""Games to review from files and folders, broken ones told apart, and names for the files that come of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from casecnn.errors import CasecnnError, InputError, UsageError
from casecnn.files import write_error
from casecnn.go.net.board_sizes import check_fits
from casecnn.go.net.move_policy import MovePolicy
from casecnn.go.reviews.moves import Review, check_range, review
from casecnn.go.reviews.page import save_page
from casecnn.go.reviews.sgf import save_reviewed
from casecnn.go.sgf.failure import Failure
from casecnn.go.sgf.game import Game, games


def find_games(
    files: Sequence[str],
    *,
    game: int | None = None,
    path: str | None = None,
    encoding: str | None = None,
    trees: bool = False,
) -> list[Game | CasecnnError]:
    """All games of some files, folders and archives, as `casecnn.go.sgf.game.games` reads them.

    In the place of a game that cannot be read, or a file that cannot be opened, stands the error. `game` chooses one of
    them, counted from 0, and `path` a variation of each; `encoding` overrides what the files declare. `trees` keeps the
    trees, about 0.1 MB a game. Raises UsageError for a malformed `path`, an unknown `encoding`, a `game` below 0 or
    beyond the last one.
    """
    if game is not None and game < 0:
        raise UsageError(f"`game` (={game}) must be at least 0")
    found: list[Game | CasecnnError] = []
    for file in files:
        try:
            for each in games(file, path_spec=path, encoding=encoding):
                if isinstance(each, Failure):
                    found.append(each.error())
                else:
                    found.append(each if trees else replace(each, tree=None))
        except InputError as problem:
            found.append(problem)
    if game is None:
        return found
    if game >= len(found):
        raise UsageError(f"`game` (={game}) must be below {len(found)}, the number of games in {', '.join(files)}")
    return [found[game]]


def reviewable(
    found: Sequence[Game | CasecnnError], policy: MovePolicy, first: int = 1, last: int | None = None
) -> tuple[list[Game], list[str]]:
    """The games that can be reviewed from the move `first` to `last`, and for each other row a line that says why not.

    It cannot be read, has no such moves, or a board that is not from 5x5 to 25x25.
    """
    good: list[Game] = []
    problems: list[str] = []
    for row in found:
        try:
            if isinstance(row, CasecnnError):
                raise row
            check_fits(policy, row.record.size, row.record.source or "the game")
            check_range(row.record, first, last)
            good.append(row)
        except CasecnnError as problem:
            problems.append(str(problem))
    return good, problems


def review_games(
    chosen: Sequence[Game],
    policy: MovePolicy,
    *,
    top: int = 10,
    sgfs: Path | None = None,
    images: Path | None = None,
    pages: Path | None = None,
    **options: Any,
) -> Iterator[Review]:
    """The reviews of some games one after the other; `options` go to `casecnn.go.reviews.moves.review`.

    With a folder for `sgfs`, `images` or `pages` each game is also written there with its review, drawn as PNG, or made
    a page, before its review is given out; the file is named after the game's.
    """
    names = output_names([game.record.source for game in chosen], "")
    for game, name in zip(chosen, names, strict=True):
        reviewed = review(game.record, policy=policy, **options)
        if sgfs is not None:
            save_reviewed(sgfs / f"{name}.sgf", game, reviewed, top=top)
        if images is not None:
            reviewed.save_picture(images / f"{name}.png", top)
        if pages is not None:
            save_page(pages / f"{name}.html", reviewed, game, top=top)
        yield reviewed


def output_names(sources: Sequence[str], ending: str) -> list[str]:
    """A file name for each game, after the file that it is in, no two alike even where case does not count.

    >>> output_names(["a/x.sgf", "b/x.sgf", "b/all.sgf game 2", "c.zip:d/y.sgf.gz"], ".png")
    ['x.png', 'x-2.png', 'all-game-2.png', 'y.png']
    """
    names: list[str] = []
    taken: set[str] = set()
    for source in sources:
        stem, number = re.fullmatch(r"(.*?)( game \d+)?", re.split(r"[/\\]", source)[-1], re.DOTALL).groups()  # type: ignore[union-attr]
        stem = re.sub(r"(?i)(\.(sgf|gib|ngf|ugf|ugi))?(\.(gz|bz2|xz))?$", "", stem) + (number or "").replace(" ", "-")
        stem = re.sub(r"[^\w.()\- ]", "_", stem)[-80:].strip() or "game"
        name, count = f"{stem}{ending}", 1
        while name.casefold() in taken:
            count += 1
            name = f"{stem}-{count}{ending}"
        taken.add(name.casefold())
        names.append(name)
    return names


def output_folder(name: str, folder: str, inputs: Sequence[str]) -> Path:
    """The folder for a file per game, made if need be.

    Raises UsageError for a file in its place, and for a folder that is or lies in one where the games come from: the
    games would be overwritten, or the new files be taken for games the next time. InputError if it cannot be made.
    """
    target = Path(folder)
    if target.suffix.lower() in (".sgf", ".png", ".svg", ".html") or (target.exists() and not target.is_dir()):
        raise UsageError(f"`{name}` (={folder}) must be a folder, for a file each, where several games are reviewed")
    place = Path(os.path.realpath(target))
    for given in inputs:
        source = Path(os.path.realpath(given))
        if given != "-" and (place.is_relative_to(source) if source.is_dir() else place == source.parent):
            raise UsageError(f"`{name}` (={folder}) must lie outside the folder that the games come from")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(target, error) from error
    return target
