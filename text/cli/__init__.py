"""`casecnn text`: the table of the text commands; each lives in a module of its own and loads when it runs."""

from __future__ import annotations

import click

from casecnn.cli.lazy import LazyGroup, LazyTable

COMMANDS: LazyTable = {
    "classify": ("casecnn.text.cli.classify", "classify", "Label texts, and show the words that decided."),
    "eval": ("casecnn.text.cli.evaluate", "evaluate", "Measure a model on labelled texts: accuracy, F1, calibration."),
    "errors": ("casecnn.text.cli.errors", "errors", "Show a model's worst mistakes, and what led to them."),
    "report": ("casecnn.text.cli.report", "report", "Classify a file into an HTML page with the evidence."),
    "words": ("casecnn.text.cli.words", "words", "Show the n-grams that speak most for each label."),
    "neighbours": ("casecnn.text.cli.neighbours", "neighbours", "Show the words that are most like a word."),
    "show": ("casecnn.text.cli.show", "show", "Show what is known about a model."),
    "shrink": ("casecnn.text.cli.shrink", "shrink", "Make a smaller file of a model: fewer words, 8 bits."),
    "train": ("casecnn.text.cli.train", "train", "Train a model on labelled texts of your own."),
    "cv": ("casecnn.text.cli.cv", "cv", "Cross-validate a recipe on labelled texts."),
    "embed": ("casecnn.text.cli.embed", "embed", "Train word2vec vectors on texts of your own."),
    "blend": ("casecnn.text.cli.blend", "blend", "Blend several kinds of word vectors into one file."),
    "table": ("casecnn.text.cli.table", "table", "Fill the paper's Table 2 from a folder of its data sets."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def text() -> None:
    """Kim's sentence CNN: classify, explain, train, evaluate."""
