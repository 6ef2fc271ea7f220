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
@option("--min-moves", type=int, default=1, meaning="Only games of at least this many moves, passes counted")
@go.encoding
@option(
    "--ownership",
    is_flag=True,
    meaning="Estimate whose each point was at the end of counted games, for training with --value",
)
@options.workers(": processes", default=os.cpu_count() or 1, otherwise="one for each core")
@format_option
def import_games(data, output, ownership, output_format, **settings) -> None:
    """Pack the games of DATA (.sgf, .sgf.gz and .zip files, folders) into MOVES.npz for `casecnn go train`.

    Every move is checked. Games that cannot be read are skipped, counted by reason and never stop the import.

    --ownership takes some 50 ms for each game that a count ended, and keeps an estimate only where it gives the
    recorded score.
    """
    from casecnn.go.data.import_files import import_files
    from casecnn.go.search.ownership import with_ownership

    found = import_files(data, output, ownership=with_ownership if ownership else None, **settings)
    show(output_format, found.as_dict(), found.table())
