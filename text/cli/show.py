"""`casecnn text show`: a model's card."""

from __future__ import annotations

import click

from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show as printed


@command()
@click.argument("model", metavar="WEIGHTS")
@format_option
def show(model, output_format) -> None:
    """Show what is known about WEIGHTS (sentiment, question, sst2 or a file): labels, training, measured figures."""
    from casecnn.text.report.card import card, card_text

    found = card(model)
    printed(output_format, found, card_text(found))
