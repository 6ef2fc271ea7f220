"""`casecnn text eval`: a model's accuracy, F1, confusions and calibration on labelled texts."""

from __future__ import annotations

import click

from casecnn.checks import whole
from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.cli.results import show
from casecnn.text.cli import options as text
from casecnn.text.cli.options import new_names, reading


@command("eval")
@click.argument("model", metavar="WEIGHTS")
@click.argument("data", metavar="DATA")
@text.table_options
@option("--rename", metavar="OLD=NEW", multiple=True, meaning="A label of DATA that the net calls NEW; may be repeated")
@text.set_name(": the test part of MR, SST-1, SST-2, Subj, TREC, CR or MPQA (all of it where there is none)")
@text.vectors("; here those that the net was trained with, for words that it does not know")
@option("--bins", type=int, default=10, meaning="Rows of the reliability table")
@options.image(": calibration, ROC and precision-recall curves", metavar="OUT.png|OUT.svg|OUT.pdf")
@format_option
def evaluate(model, data, rename, set_name, vectors, bins, image, output_format, **fields) -> None:
    """Measure WEIGHTS (sentiment, question or a file) on DATA: a CSV, TSV or JSON-lines file of texts and labels.

    Shows accuracy with its standard error, macro-F1, precision and recall of each label, the confusion matrix, and
    how far probabilities can be believed: the reliability table and the expected calibration error. --image draws
    that, and the ROC and precision-recall curve of each label.
    """
    whole("bins", bins, 1, 1_000_000)
    names = new_names(rename)
    from casecnn.files import check_writable
    from casecnn.text.report.evaluate_file import evaluate_file
    from casecnn.text.report.evaluation_picture import check_picture, save_picture
    from casecnn.text.report.evaluation_table import evaluation_table

    if image is not None:
        check_picture(image)
        check_writable(image, [name for name in (model, data) if name != "-"])
    found = evaluate_file(model, data, set_name=set_name, rename=names, vectors=vectors, bins=bins, **reading(fields))
    if image is not None:
        save_picture(found, image)
    show(output_format, {"model": model, "data": data, **found.as_dict()}, evaluation_table(found))
