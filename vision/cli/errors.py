"""`casecnn vision errors`: the error rates that are published, without any data."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option
from casecnn.cli.results import show
from casecnn.vision.cli import options as vision


@command()
@click.argument("nets", metavar="[NET...]", nargs=-1)
@option(
    "--on", "data", metavar="DATA", meaning="Only errors on this data set: imagenet, mnist or cifar", otherwise="all"
)
@option("--by-year", is_flag=True, meaning="The ImageNet challenge by year in place of the nets")
@vision.narrow(": sources stand below the table")
@options.image(' the challenge by year, "revolution of depth"', metavar="OUT.png|OUT.svg|OUT.pdf")
@options.format_as(
    ", for a document or a slide", type=click.Choice(["table", "markdown", "latex", "json"]), default="table"
)
def errors(nets, data, by_year, narrow, image, output_format) -> None:
    """Print the published error rates of NETs, of all where none is named, with how they were tested and the source.

    NET is the beginning of a name: resnet gives all of them.
    """
    from casecnn.vision.tables import challenge
    from casecnn.vision.tables.grid import GRIDS
    from casecnn.vision.tables.table import terminal_width

    rates = challenge.all_rates(nets, "cifar-10" if data == "cifar" else data)
    if image:
        challenge.draw_depth(image)
    columns: tuple[str, ...] = challenge.COLUMNS
    rows = challenge.rows_of(rates)
    if by_year:
        columns, rows = ("year", "entry", "layers", "top-5 %", "note"), challenge.entry_rows()
    grid = GRIDS.get(output_format)
    text = grid(columns, rows, {"net", "entry", "data", "tested", "source", "note"}) if grid else ""
    if output_format == "table" and not by_year and (narrow or (narrow is None and terminal_width(f"\n\n{text}"))):
        text = challenge.narrow_text(rates)
    show(output_format, challenge.as_dicts(rates), text)
