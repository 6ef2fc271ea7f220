"""`casecnn text report`: answers with their evidence as one HTML page."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option


@command()
@click.argument("model", metavar="WEIGHTS")
@click.argument("file", metavar="FILE")
@options.output(": an HTML page", metavar="OUT.html")
@option("--unsure", type=float, default=0.0, meaning='Answer "unsure" where no label has this probability')
def report(model, file, output, unsure) -> None:
    """Classify the lines of FILE ("-": standard input) by WEIGHTS, and write a page with the words that decided.

    The page is one file that needs no other. A word is the greener the more it speaks for the label that was given, the
    redder the more against it.
    """
    from casecnn.files import atomic_write, check_writable
    from casecnn.text.data.source import open_texts

    check_writable(output, [file] if file != "-" else [])
    with open_texts((), file) as source:
        from casecnn.text.model.classify import Classifier
        from casecnn.text.report.card import card
        from casecnn.text.report.page import page

        classifier = Classifier(model, unsure=unsure)
        answers = (answer for batch in classifier.stream(source.batches(), True) for answer in batch)
        with atomic_write(output, "w") as stream:
            stream.writelines(page(answers, card(model)))
    click.echo(output)
