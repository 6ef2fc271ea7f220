"""`casecnn go review`: what the policy net thinks of the moves of whole games."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.go.cli import options as go


@command()
@click.argument("games", metavar="GAME...", nargs=-1, required=True)
@go.game(otherwise="all")
@go.path()
@go.encoding
@option("--from", "first", type=int, default=1, meaning="The first move to review")
@option("--to", "last", type=int, meaning="The last move to review", otherwise="the end")
@options.top(": surprises", default=10)
@go.symmetries()
@go.visits(otherwise="none")
@seed_option
@go.weights
@device_option
@format_option
@options.image(" the probabilities over the game; DIR for several")
@go.sgf(" with comments and labels; DIR for several")
@option("--html", metavar="FILE", meaning="Write a page to step through the review; DIR for several")
def review(games, output_format, **wishes) -> None:
    """Review games: the rank and probability that the policy net gives to each move, and its own choice.

    One game is shown move by move, with the agreement by player and phase and the largest surprises. Of several (more
    than one GAME, a folder, a zip or a collection) a summary by game and player is shown; what cannot be read is left
    out with a warning, and the exit code is 1 in the end. With --sgf, --image or --html each gets a file in a folder.

    A surprise is a move that strong players seldom make in such a position, good or bad: the net reads no variations.
    With --visits a net with a value branch searches before each move: who is ahead, the points that each move lost, and
    the better move with its variation. Rates and leads say whose they are. --visits 1 is the net's own estimate.
    """
    from casecnn.go.reviews.review_files import review_files

    done = review_files(games, **wishes)
    if done.facts is not None:
        show(output_format, done.facts, done.text)
    if done.problem is not None:
        raise done.problem
