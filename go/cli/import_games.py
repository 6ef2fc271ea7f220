"""`casecnn go import`: SGF files, folders and archives packed into one file for training."""

from __future__ import annotations

import os

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.cli.results import show
from casecnn.go.cli import options as go


@command("import")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@options.output(metavar="MOVES.npz")
@go.game_range(", of those that are kept")
@go.size(" of the games to keep", metavar="N|any", default="any")
@option("--min-moves", type=int, default=1, meaning="Only games with so many moves, passes too")
@go.encoding
@options.workers(": processes", default=os.cpu_count() or 1, otherwise="one for each core")
@format_option
def import_games(data, output, output_format, **settings) -> None:
    """Pack the games of DATA (.sgf, .sgf.gz and .zip files, folders) into MOVES.npz for `casecnn go train`.

    Every move is checked. Games that cannot be read are skipped, counted by reason and never stop the import.
    """
    from casecnn.go.data.import_files import import_files

    found = import_files(data, output, **settings)
    show(output_format, found.as_dict(), found.table())
