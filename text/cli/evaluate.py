"""`casecnn text eval`: a model's accuracy, F1, confusions and calibration on labelled texts."""

from __future__ import annotations

import json

import click

from casecnn.cli import format_option
from casecnn.errors import UsageError


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@click.option("--text-column", metavar="NAME|N", help="The column of the texts.  [default: the usual names]")
@click.option("--label-column", metavar="NAME|N", help="The column of the labels.  [default: the usual names]")
@click.option(
    "--data-format", type=click.Choice(["csv", "tsv", "jsonl", "lines", "fasttext"]),
    help="What kind of file DATA is.  [default: by its ending or content]",
)  # fmt: skip
@click.option("--no-header", is_flag=True, help="The first line of a table is data; columns are numbers from 1.")
@click.option("--encoding", metavar="NAME", help="DATA's encoding.  [default: UTF-8, else Windows-1252]")
@click.option("--separator", metavar="MARK", help='Between several labels of a text, such as "|".')
@click.option(
    "--rename", metavar="OLD=NEW", multiple=True, help="A label of DATA that the model calls NEW.  May be repeated."
)
@click.option(
    "--set", "set_name", metavar="NAME",
    help="DATA is a folder of the paper's data sets: the test part of MR, SST-1, SST-2, Subj, TREC, CR or MPQA (all of "
    "it where the set has no test part).",
)  # fmt: skip
@click.option(
    "--vectors", "vector_files", metavar="FILE", multiple=True, help="Word vectors for words new to the model."
)
@click.option("--bins", type=int, default=10, show_default=True, help="Rows of the reliability table.")
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
