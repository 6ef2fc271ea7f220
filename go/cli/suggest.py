"""`casecnn go suggest`: the position, the best moves marked, and their probabilities."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.console import colour_wanted, shows
from casecnn.go.cli import options as go
from casecnn.interruption import Interrupted


@command()
@click.argument("game_file", metavar="GAME.sgf")
@go.game(otherwise="the first")
@option("--move", type=int, meaning="The position after this many moves, 0 for the start", otherwise="after the last")
@go.path()
@go.encoding
@options.top(": moves", default=10)
@go.symmetries()
@go.weights
@go.visits(otherwise="none")
@go.rollouts()
@option(
    "--rank",
    "rank_by",
    type=click.Choice(["win-rate", "prior"]),
    default="win-rate",
    meaning="The order of the moves, with --rollouts or --visits",
)
@option(
    "--show-ownership",
    "ownership",
    is_flag=True,
    meaning="Also whose each point will be, with --visits: in image and JSON",
)
@seed_option
@device_option
@format_option
@options.image(" the board with a heat map of the probabilities")
@go.sgf(" with the moves as labels and variations")
def suggest(game_file, weights, output_format, **settings) -> None:
    """Suggest moves for a position of GAME.sgf ("-" for standard input): the best moves and their probabilities.

    The position is the one after the last move of the main line, unless --move or --path say otherwise. Only legal
    moves that do not fill an own true eye are suggested; the probabilities of all of them add up to 1.

    With --rollouts the net plays each of the moves out against itself that many times. This gives a win rate with its
    standard error and a mean score, both for the player to move. With --visits a net with a value branch
    searches: win rate, lead, points lost and a variation of each move; the image shows the points lost by colour.
    Ctrl-C shows what is known so far.
    """
    from casecnn.go.reviews.suggest_file import suggest_file

    found = suggest_file(game_file, policy=weights, **settings)
    board = found.text_board(colour=colour_wanted() and shows("●"))
    text = f"{board}\n\n{found.headline()}\n{found.origin()}\n\n{found.table()}"
    show(output_format, found.as_dict(game_file), text)
    if found.search is not None and found.search.visits < found.visits:
        raise Interrupted(f"stopped after {found.search.visits:,} of {found.visits:,} visits")
    if found.unfinished:
        raise Interrupted(f"stopped: {found.unfinished} of {found.rollouts * len(found)} playouts are missing")
