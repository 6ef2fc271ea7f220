"""Reviews of the games in files: one is told move by move, several in a summary, each with its own new files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from casecnn.checks import whole
from casecnn.console import progress, warn, wording
from casecnn.errors import CasecnnError, InputError, UsageError
from casecnn.go.board.record import GameRecord
from casecnn.go.planes.warm_up import warm_up
from casecnn.go.reviews.files import find_games, output_folder, review_games, reviewable
from casecnn.go.reviews.moves import check_numbers, check_range, load_net, review
from casecnn.go.reviews.outputs import check_outputs
from casecnn.go.reviews.page import save_page
from casecnn.go.reviews.sgf import save_reviewed
from casecnn.go.reviews.summary import Summary
from casecnn.go.sgf.game import Game

if TYPE_CHECKING:
    from casecnn.go.net.move_policy import MovePolicy


@dataclass(frozen=True)
class ReviewedFiles:
    """What there is to show: the facts for `json.dumps` and lines for people, and what kept the rest from being done.

    `facts` is None where nothing could be reviewed. `problem` is to be raised once the rest is shown.
    """

    facts: dict[str, Any] | None
    text: str
    problem: BaseException | None = None


@dataclass(frozen=True)
class Wish:
    """How to review, and the files to make: an image, an SGF file, a page, or folders of them for several games."""

    first: int = 1
    last: int | None = None
    top: int = 10
    symmetries: bool = True
    visits: int | None = None
    seed: int = 0
    path: str | None = None
    encoding: str | None = None
    weights: str | None = None
    device: str = "auto"
    image: str | None = None
    sgf: str | None = None
    html: str | None = None

    def options(self) -> dict[str, Any]:
        """What `casecnn.go.reviews.moves.review` takes of it."""
        return {"symmetries": self.symmetries, "first": self.first, "last": self.last, "visits": self.visits or 0,
                "seed": self.seed}  # fmt: skip

    @property
    def with_trees(self) -> bool:
        """Whether the trees of the games are needed."""
        return self.sgf is not None or self.html is not None


def review_files(files: Sequence[str], *, game: int | None = None, **wishes: Any) -> ReviewedFiles:
    """Review the games of files, folders and archives; ``wishes`` are the fields of `Wish`.

    ``game`` chooses one of a collection. Where there are several games, those that cannot be reviewed are left out with
    a warning. Raises UsageError for numbers out of range and files that cannot be written, InputError for one game that
    cannot be read.
    """
    wish = Wish(**wishes)
    whole("top", wish.top, 1)
    if wish.visits is not None:
        whole("visits", wish.visits, 1)
    check_numbers(wish.first, wish.last)
    alone = len(files) == 1 and not os.path.isdir(files[0])
    if game is not None and not alone:
        raise UsageError(f"`game` (={game}) must be left out where several files are reviewed")
    found = find_games(files, game=game, path=wish.path, encoding=wish.encoding, trees=wish.with_trees)
    if alone and len(found) == 1:
        return _review_one(found[0], files[0], wish)
    return _review_several(found, files, wish)


def _review_one(found: Game | CasecnnError, name: str, wish: Wish) -> ReviewedFiles:
    """One game, and the files that are made of it."""
    if isinstance(found, CasecnnError):
        raise found
    check_outputs(name, wish.image, wish.sgf, wish.html)
    count = _moves([found.record], wish)
    policy = _net(wish)
    for warning in found.record.warnings:
        warn(f"{found.record.source}: {warning}")
    with progress(count, " moves") as bar:
        reviewed = review(found.record, policy=policy, progress=bar.update, **wish.options())
    if reviewed.note:
        warn(reviewed.note)
    if wish.image:
        reviewed.save_picture(wish.image, wish.top)
    if wish.sgf:
        save_reviewed(wish.sgf, found, reviewed, top=wish.top)
    if wish.html:
        save_page(wish.html, reviewed, found, top=wish.top)
    return ReviewedFiles(reviewed.as_dict(name, wish.top), reviewed.table(wish.top))


def _review_several(found: Sequence[Game | CasecnnError], files: Sequence[str], wish: Wish) -> ReviewedFiles:
    """A summary of the games that can be reviewed; of those that are done when Ctrl-C is pressed."""
    sgfs = output_folder("sgf", wish.sgf, files) if wish.sgf else None
    images = output_folder("image", wish.image, files) if wish.image else None
    pages = output_folder("html", wish.html, files) if wish.html else None
    policy = _net(wish)
    games, problems = reviewable(found, policy, wish.first, wish.last)
    left_out = [wording(line) for line in problems]
    for line in left_out:
        warn(f"left out: {line}")
    for game in games:
        if game.record.cut:
            warn(f"{game.record.source}: {game.record.cut}")
    problem: BaseException | None = None
    if left_out:
        problem = InputError(f"{len(left_out)} of {len(found)} games were not reviewed; the warnings say why")
    done = []
    with progress(_moves([game.record for game in games], wish), " moves") as bar:
        try:
            for reviewed in review_games(
                games, policy, top=wish.top, sgfs=sgfs, images=images, pages=pages, progress=bar.update,
                **wish.options(),
            ):  # fmt: skip
                done.append(reviewed)
        except KeyboardInterrupt as interrupt:
            warn(f"stopped after {len(done)} of {len(games)} games")
            problem = interrupt
    for note in sorted({reviewed.note for reviewed in done} - {""}):
        warn(note)
    if not done:
        return ReviewedFiles(None, "", problem)
    summary = Summary(tuple(done), tuple(left_out))
    return ReviewedFiles(summary.as_dict([game.file for game in games], wish.top), summary.table(wish.top), problem)


def _net(wish: Wish) -> MovePolicy:
    """The net, with the planes ready."""
    policy = load_net(wish.weights, wish.device, value=bool(wish.visits))
    warm_up()
    return policy


def _moves(records: Sequence[GameRecord], wish: Wish) -> int:
    """How many moves will be reviewed, and positions searched."""
    ranges = [check_range(record, wish.first, wish.last) for record in records]
    once = sum(last - first + 1 for first, last in ranges)
    return 2 * once + len(records) if wish.visits else once
