"""`casecnn vision draw`: nets, or one module of them, as a drawing from top to bottom."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show


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
