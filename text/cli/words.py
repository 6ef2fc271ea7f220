"""`casecnn text words`: the n-grams that speak most for each label over many texts."""

from __future__ import annotations

import click

from casecnn.checks import whole
from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show
from casecnn.text.cli import options as text
from casecnn.text.cli.options import reading


@command()
@click.argument("model", metavar="WEIGHTS")
@click.argument("data", metavar="DATA")
@text.table_options
@options.top(": n-grams of a label", default=10)
@format_option
def words(model, data, top, output_format, **fields) -> None:
    """Add up the explanations of all texts of DATA by WEIGHTS (a name or a file): what speaks most for each label.

    An n-gram's support for a label is what it adds to that label's logit, less the mean over the labels, here for a
    text of DATA on average. With padding and bias, which --format json shows, the contributions of all n-grams add up
    to the logits. Labels of DATA are not read.
    """
    whole("top", top, 1)
    from casecnn.text.data.examples import read_examples
    from casecnn.text.model.classify import Classifier
    from casecnn.text.report.class_words import class_words

    examples = read_examples(data, labelled=False, **reading(fields))
    found = class_words(Classifier(model), examples.texts)
    show(output_format, found.as_dict(top), found.table(top))
