"""`casecnn text`: the table of the text commands; each lives in a module of its own and loads when it runs."""

from __future__ import annotations

import click

from casecnn.cli import LazyGroup, LazyTable

COMMANDS: LazyTable = {
    "classify": ("casecnn.text.cli.classify", "classify", "Label texts, and show the words that decided."),
    "eval": ("casecnn.text.cli.evaluate", "evaluate", "Measure a model on labelled texts: accuracy, F1, calibration."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def text() -> None:
    """Kim's sentence CNN: classify, explain, train, evaluate."""
