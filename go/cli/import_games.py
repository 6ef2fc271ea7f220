"""`casecnn go import`: SGF files, folders and archives packed into one file for training."""

from __future__ import annotations

import json
import os

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.errors import InputError, UsageError
from casecnn.go.cli import options as go


@command("import")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@options.output(metavar="MOVES.npz")
@go.game_range(", of those that are kept")
@go.size(" of the games to keep", metavar="N|any", default="19")
@option("--min-moves", type=int, default=1, meaning="Only games with so many moves, passes too")
@options.workers(": processes", default=os.cpu_count() or 1, otherwise="one for each core")
@format_option
def import_games(data, output, games, size, min_moves, workers, output_format) -> None:
    """Pack the games of DATA (.sgf, .sgf.gz and .zip files, folders) into MOVES.npz for `casecnn go train`.

    Every move is checked. Games that cannot be read are skipped, counted by reason and never stop the import.
    """
    from tqdm import tqdm

    from casecnn.go.data.archive import save_archive
    from casecnn.go.data.packing import Filter, check_output, pack_games, parse_slice
    from casecnn.go.data.report import Report
    from casecnn.go.planes.warm_up import warm_up

    keep = Filter(_size(size), min_moves)
    span = parse_slice(games)
    check_output(output, data)
    warm_up()
    with tqdm(unit="B", unit_scale=True, disable=None, desc="import") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        archive, skipped = pack_games(data, keep=keep, games=span, workers=workers, progress=progress)
    if not len(archive):
        raise InputError(f"DATA has no game that can be packed; {skipped.summary()}")
    save_archive(output, archive)
    report = Report(output, archive, skipped)
    click.echo(json.dumps(report.as_dict()) if output_format == "json" else report.table())


def _size(text: str) -> int | None:
    if text == "any":
        return None
    if not (text.isascii() and text.isdigit() and 2 <= int(text[:4]) <= 25):
        raise UsageError(f"`--size` (={text[:20]}) must be a board size from 2 to 25, or any")
    return int(text)
