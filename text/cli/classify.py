"""`casecnn text classify`: a label and its probability for each text, with the n-grams that decided if wanted."""

from __future__ import annotations

import click

from casecnn.checks import whole
from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option
from casecnn.console import colour_wanted
from casecnn.text.cli import options as text


@command()
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@option("--file", metavar="FILE", meaning='Classify the lines of a file, "-" for standard input')
@options.weights(
    ": sentiment, question, or what `casecnn text train` wrote",
    parameter="model",
    default="sentiment",
    renamed=["--model"],
)
@text.vectors("; here those that the net was trained with, for words that it does not know")
@option("--unsure", type=float, default=0.0, meaning='Answer "unsure" where no label has this probability')
@option("--explain", is_flag=True, meaning="Show the n-grams that decided, and what each adds to the logits")
@options.top(": the likeliest labels, or with --explain n-grams of a label", otherwise="1 label, 5 n-grams")
@options.format_as(
    ", one JSON document or an object a line", type=click.Choice(["table", "json", "jsonl"]), default="table"
)
def classify(texts, file, model, vectors, unsure, explain, top, output_format) -> None:
    """Classify each TEXT, or each line of a file or of standard input ("-"): one answer a line, in order.

    `known_words` counts the words of a text that the model knows, punctuation aside: an answer with 0 says nothing
    about the text. With --explain the logits are taken apart: every n-gram that max-over-time pooling chose, with what
    it adds to each label's logit; together with the padding and the bias this is the logit.

    --top K shows the K likeliest labels of each text; in JSON they are `likeliest`, the likeliest first.

    --format json prints one object for a single TEXT, else a list. A text that begins with a hyphen goes after "--".
    """
    if top is not None:
        whole("top", top, 1)
    from casecnn.text.data.source import open_texts

    with open_texts(texts, file) as source:
        from casecnn.text.model.classify import Classifier
        from casecnn.text.report.answers import as_json, as_table

        classifier = Classifier(model, unsure=unsure)
        if vectors:
            classifier = classifier.with_vectors(vectors, source.beforehand())
        likeliest = top if top is not None and not explain else 0
        answers = classifier.stream(source.batches(), explain)
        if output_format == "table":
            printed = as_table(
                answers, classifier.model.labels, top=top or 5, colour=colour_wanted(), likeliest=likeliest
            )
        else:
            printed = as_json(
                answers,
                lines=output_format == "jsonl",
                single=len(texts) == 1 and not source.stream,
                likeliest=likeliest,
            )
        for block in printed:
            click.echo(block, nl=False)
