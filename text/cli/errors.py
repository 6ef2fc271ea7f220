"""`casecnn text errors`: the worst mistakes of a model on labelled texts."""

from __future__ import annotations

import click

from casecnn.checks import whole
from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.cli.results import show
from casecnn.console import colour_wanted
from casecnn.text.cli import options as text
from casecnn.text.cli.options import new_names, reading


@command()
@click.argument("model", metavar="WEIGHTS")
@click.argument("data", metavar="DATA")
@text.table_options
@option("--rename", metavar="OLD=NEW", multiple=True, meaning="A label of DATA that the net calls NEW; may be repeated")
@options.top(": mistakes", default=10)
@format_option
def errors(model, data, rename, top, output_format, **fields) -> None:
    """Show the texts of DATA that WEIGHTS (a name or a file) gets wrong with the highest probability.

    Each comes with the words that led astray in [brackets] (in colour on a terminal), and with the n-grams that spoke
    most for the wrong label.
    """
    whole("top", top, 1)
    names = new_names(rename)
    from casecnn.text.data.examples import read_examples
    from casecnn.text.model.classify import Classifier
    from casecnn.text.report.evaluation import renamed
    from casecnn.text.report.mistakes import mistakes_text, worst_mistakes

    examples = read_examples(data, **reading(fields))
    labels = renamed(examples.labels or [], names)
    found = worst_mistakes(Classifier(model), examples.texts, labels, top=top, source=f"'{data}'")
    show(output_format, [mistake.as_dict() for mistake in found], mistakes_text(found, colour=colour_wanted()))
