"""`casecnn text eval`: a model's accuracy, F1, confusions and calibration on labelled texts."""

from __future__ import annotations

import json

import click

from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.errors import UsageError
from casecnn.text.cli import options as text


@command("eval")
@click.argument("model", metavar="WEIGHTS")
@click.argument("data", metavar="DATA")
@text.table_options
@option("--rename", metavar="OLD=NEW", multiple=True, meaning="A label of DATA that the net calls NEW; may be repeated")
@text.set_name(": the test part of MR, SST-1, SST-2, Subj, TREC, CR or MPQA (all of it where there is none)")
@text.vectors("; here those that the net was trained with, for words that it does not know", parameter="vector_files")
@option("--bins", type=int, default=10, meaning="Rows of the reliability table")
@format_option
def evaluate(
    model,
    data,
    text_column,
    label_column,
    data_format,
    no_header,
    encoding,
    separator,
    rename,
    set_name,
    vector_files,
    bins,
    output_format,
) -> None:
    """Measure MODEL (sentiment, question or a file) on DATA: a CSV, TSV or JSON-lines file of texts and labels.

    Shows accuracy with its standard error, macro-F1, precision and recall of each label, the confusion matrix, and
    how far probabilities can be believed: the reliability table and the expected calibration error.
    """
    if not 1 <= bins <= 1_000_000:
        raise UsageError(f"`--bins` (={bins}) must be at least 1 and at most 1000000")
    names = {}
    for entry in rename:
        old, equals, new = entry.partition("=")
        if not equals:
            raise UsageError(f"`--rename` (={entry}) must be OLD=NEW, such as 1=positive")
        names[old] = new
    from casecnn.text.model.classify import Classifier
    from casecnn.text.report import evaluation
    from casecnn.text.report.evaluation_table import evaluation_table

    classifier = Classifier(model)
    if set_name:
        from casecnn.text.data.data_sets import load_data_set

        loaded = load_data_set(data, set_name, phrases=False)
        examples = loaded.test or loaded.train
    else:
        from casecnn.text.data.examples import read_examples

        examples = read_examples(
            data, text_column, label_column, file_format=data_format, header=not no_header, encoding=encoding,
            separator=separator,
        )  # fmt: skip
    if vector_files:
        from casecnn.text.words.outside_words import OutsideWords
        from casecnn.text.words.vectors import load_vectors

        words = classifier.new_words([examples.texts])
        classifier = Classifier(classifier.model, OutsideWords([load_vectors(file, words) for file in vector_files]))
    labels = evaluation.renamed(examples.labels or [], names)
    found = evaluation.evaluate(classifier, examples.texts, labels, bins=bins, source=f"'{data}'")
    if output_format == "json":
        click.echo(json.dumps({"model": model, "data": data, **found.as_dict()}))
    else:
        click.echo(evaluation_table(found))
