"""`casecnn vision quiz`: a worksheet with worked answers."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option, seed_option
from casecnn.cli.results import show


@command()
@option("--questions", "count", type=click.IntRange(1, 200), default=9, metavar="N", meaning="How many questions")
@option("--answers/--no-answers", default=True, meaning="Print the answers with their sums too")
@seed_option
@options.format_as(", for a document or a slide", type=click.Choice(["markdown", "latex", "json"]), default="markdown")
def quiz(count, answers, seed, output_format) -> None:
    """Make a worksheet: volumes, parameters, multiply-adds, receptive fields, nets compared; each answer worked out.

    The same seed gives the same questions, so the answers can be printed on another day.
    """
    from casecnn.vision.tables.quiz import latex, markdown, questions

    found = questions(count, seed)
    text = {"markdown": markdown, "latex": latex}.get(output_format)
    show(output_format, [vars(question) for question in found], text(found, answers) if text else "")
