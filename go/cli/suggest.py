"""`casecnn go suggest`: the position, the best moves marked, and their probabilities."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.console import warn
from casecnn.errors import UsageError
from casecnn.files import check_writable
from casecnn.go.cli import options as go
from casecnn.interruption import Interrupted


@command()
@click.argument("game_file", metavar="GAME.sgf")
@go.game(default=0)
@option("--move", type=int, meaning="The position after so many moves, 0 for the start", otherwise="after the last")
@go.path()
@options.top(": moves", default=10)
@go.symmetries()
@go.weights
@go.rollouts()
@option(
    "--rank",
    "rank_by",
    type=click.Choice(["win-rate", "prior"]),
    default="win-rate",
    meaning="The order of the moves, with --rollouts",
)
@seed_option
@device_option
@format_option
@options.image(" the board with a heat map of the probabilities")
@go.sgf(" with the moves as labels and variations")
def suggest(
    game_file,
    game,
    move,
    path,
    top,
    symmetries,
    weights,
    rollouts,
    rank_by,
    seed,
    device,
    output_format,
    image,
    sgf,
) -> None:
    """Suggest moves for a position of GAME.sgf ("-" for standard input): the best moves and their probabilities.

    The position is the one after the last move of the main line, unless --move or --path say otherwise. Only legal
    moves that do not fill an own true eye are suggested; the probabilities of all of them add up to 1.

    With --rollouts the net plays against itself so many times from each of the moves to the end, which gives a win rate
    with its standard error and a mean score, both for the player to move. Ctrl-C shows what is known so far.
    """
    if top < 1:
        raise UsageError(f"`--top` (={top}) must be at least 1")
    check_outputs(game_file, image, sgf)
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.sgf.game import read_game
    from casecnn.go.suggestions import suggest as suggest_moves

    if rollouts > 0:
        from casecnn.go.play.selfplay import rehearse

        warm_up(rehearse)
    else:
        warm_up()
    source = sys.stdin.buffer.read() if game_file == "-" and sgf else game_file  # read twice below
    record = read_game(source, game=game, path_spec=path)
    for warning in record.warnings:
        warn(f"{record.source}: {warning}")
    with playout_bar(rollouts) as progress:
        suggestions = suggest_moves(
            record, move=move, top=top, symmetries=symmetries, policy=weights, device=device,
            rollouts=rollouts, rank_by=rank_by, seed=seed, progress=progress,
        )  # fmt: skip
    if image:
        suggestions.save_picture(image)
    if sgf:
        from casecnn.go.reviews.annotate import read_nodes, save_annotated

        save_annotated(sgf, read_nodes(source, game=game, path_spec=path), suggestions)
    if output_format == "json":
        click.echo(json.dumps(suggestions.as_dict(game_file)))
    else:
        click.echo(suggestions.text_board(colour=colour_wanted()))
        click.echo(f"\n{suggestions.headline()}\n{suggestions.origin()}\n\n{suggestions.table()}")
    if suggestions.unfinished:
        raise Interrupted(f"stopped: {suggestions.unfinished} of {rollouts * len(suggestions)} playouts are missing")


@contextlib.contextmanager
def playout_bar(rollouts: int) -> Iterator[Callable[[int, int, int], None] | None]:
    """A progress bar on stderr, and what to call it with; nothing without playouts."""
    if rollouts <= 0:
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=rollouts, unit="game", disable=None, desc="playouts", leave=False) as bar:
        moves = 0

        def progress(played: int, finished: int, total: int) -> None:
            nonlocal moves
            moves += played
            bar.total = total
            bar.set_postfix(moves=moves, refresh=False)
            if not bar.update(finished - bar.n):
                bar.refresh()

        yield progress


def check_outputs(game_file: str, image: str | None, sgf: str | None) -> None:
    """Refuse outputs that cannot be written, before any work is done.

    Among them are pictures of an unknown format and outputs over another file.
    """
    if image is not None:
        from casecnn.go.picture.draw import picture_format

        picture_format(image)
    for name, output in (("--image", image), ("--sgf", sgf)):
        if output is not None and game_file != "-" and os.path.realpath(output) == os.path.realpath(game_file):
            raise UsageError(f"`{name}` (={output}) must be another file than the game, which is never overwritten")
    if image is not None and sgf is not None and os.path.realpath(image) == os.path.realpath(sgf):
        raise UsageError(f"`--sgf` (={sgf}) must be another file than `--image`")
    for output in (image, sgf):
        if output is not None:
            check_writable(output)


def colour_wanted() -> bool:
    """Whether the board may be coloured: on a terminal that shows Unicode, unless NO_COLOR (no-color.org) is set."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return sys.stdout.isatty() and unicode and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
