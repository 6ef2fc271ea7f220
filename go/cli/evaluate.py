"""`casecnn go eval`: how often a policy net finds the move that was played, or a value net the winner."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.go.cli import options as go


@command("eval")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@go.weights
@go.game_range()
@go.size(" of the games that count", type=int, otherwise="the net's, or the only one in DATA")
@go.value(": measure what it says of the winner and the score")
@option("--positions", type=int, meaning="Only this many positions, drawn at random", otherwise="all")
@go.symmetries()
@options.precision()
@device_option
@seed_option
@format_option
def evaluate(data, value, output_format, **settings) -> None:
    """Measure a policy net on the moves of games: top-1, top-5, top-10 accuracy, log-loss, accuracy by phase.

    DATA is a file of packed games (.npz, from `casecnn go import`), or SGF files, folders and zips, of which what
    cannot be read is skipped. Passes are left out, as in the paper. All points of the board compete, legal or not.

    With --value: squared error, right winners, calibration and the error of the score, by phase, on games whose result
    is known; weights without a value branch are refused.
    """
    from casecnn.go.net.evaluate_files import evaluate_files, evaluate_value_files

    found = evaluate_value_files(data, **settings) if value else evaluate_files(data, **settings)
    show(output_format, found.as_dict(), found.table())
