"""`casecnn vision curves`: the curves of training runs, from their logs."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show


@command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@options.output(": .png, .svg or .pdf", metavar="FILE")
@format_option
def curves(runs, output, output_format) -> None:
    """Draw the errors of one RUN or several over the epochs, with loss and learning rate.

    A RUN is the folder that a training writes into, or its log.jsonl, finished or not.
    """
    from casecnn.files import check_writable
    from casecnn.vision.training.curves import draw_curves, read_curves

    check_writable(output, runs)
    found = [read_curves(run) for run in runs]
    draw_curves(found, output)
    show(output_format, [run.as_dict() for run in found], "\n".join([*(run.line() for run in found), output]))
