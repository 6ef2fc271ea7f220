"""`casecnn text neighbours`: the words that are most like a word, for a model or for word vectors."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show
from casecnn.text.cli import options as text


@command()
@click.argument("word", metavar="WORD")
@options.weights(
    ": sentiment, question, sst2, or what `casecnn text train` wrote", parameter="model", default="sentiment"
)
@text.vectors("; instead of a net's")
@options.top(": words", default=10)
@format_option
def neighbours(word, model, vectors, top, output_format) -> None:
    """Show the words whose vectors are most like that of WORD, with the cosine of the angle between them."""
    from casecnn.text.model.neighbours import nearest_words

    found = nearest_words(word, model, vectors, top)
    lines = [f"{likeness:.4f}  {name}" for name, likeness in found]
    show(output_format, [{"word": name, "cosine": round(likeness, 6)} for name, likeness in found], "\n".join(lines))
