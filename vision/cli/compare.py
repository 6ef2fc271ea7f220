"""`casecnn vision compare` and `casecnn vision draw`: nets beside each other, in figures and as a drawing."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
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
    show(
        output_format,
        {"nets": found, "compared": library.sentences(found)},
        "\n".join([text, "", *library.sentences(found)]),
    )


@command()
@click.argument("parts", metavar="NET[:LAYER]...", nargs=-1, required=True)
@options.output(": .png, .svg or .pdf", metavar="FILE")
@format_option
def draw(parts, output, output_format) -> None:
    """Draw nets, or a part of each, beside each other.

    \b
    casecnn vision draw googlenet:inception3a -o inception.svg
    casecnn vision draw resnet34-a:conv3_x.1.block resnet34:conv3_x.1.block resnet34-c:conv3_x.2.block -o abc.pdf
    casecnn vision draw plain34 resnet34-a -o figure3.png
    """  # noqa: D301
    from casecnn.vision.tables.columns import counts, draw_columns

    draw_columns(parts, output)
    found = counts(parts)
    lines = [f"{each['part']}: {each['parameters']:,} parameters, {each['macs']:,} multiply-adds" for each in found]
    show(output_format, {"file": output, "parts": found}, "\n".join([*lines, output]))
