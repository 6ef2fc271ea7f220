"""`casecnn vision compare`: nets beside each other."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.results import show


@command()
@click.argument("nets", metavar="NET NET...", nargs=-1, required=True)
@options.image(" the nets beside each other, layer by layer", metavar="OUT.png|OUT.svg|OUT.pdf")
@options.format_as(
    ", for a document or a slide", type=click.Choice(["table", "markdown", "latex", "json"]), default="table"
)
def compare(nets, image, output_format) -> None:
    """Compare NETs: depth, parameters, multiply-adds, memory, published error, and how many times more or less."""
    from casecnn.vision.tables import compare as library
    from casecnn.vision.tables.grid import GRIDS

    found = library.compared(nets)
    if image:
        from casecnn.vision.tables.columns import draw_columns

        draw_columns(nets, image)
    grid = GRIDS.get(output_format)
    text = grid(library.COLUMNS, library.cells(found), library.LEFT) if grid else ""
    show(output_format, {"nets": found, "compared": library.sentences(found)},
         "\n".join([text, "", *library.sentences(found)]))  # fmt: skip
