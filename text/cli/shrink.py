"""`casecnn text shrink`: a smaller file of a trained model."""

from __future__ import annotations

import os

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.cli.results import show
from casecnn.text.cli import options as text


@command()
@click.argument("model", metavar="WEIGHTS")
@options.output(": a safetensors file", metavar="FILE")
@option("--words", type=int, meaning="Keep so many words, those most frequent in the training", otherwise="all")
@text.subwords(default=0)
@text.store(default="int8")
@format_option
def shrink(model, output, words, subwords, precision, output_format) -> None:
    """Make a smaller file of WEIGHTS (sentiment, question or a file): fewer words, fewer bits a number.

    The words that are left out are read by their letters with --subwords, else they are unknown. `casecnn text eval`
    measures what that costs.
    """
    from casecnn.files import check_writable
    from casecnn.text.model.packaged import load_model
    from casecnn.text.model.shrink import shrunk

    check_writable(output, [model])
    loaded = load_model(model)
    smaller = shrunk(loaded, len(loaded.words) if words is None else words, subwords)
    smaller.save(output, precision)
    facts = {"model": output, "words": len(smaller.words), "subwords": subwords, "bytes": os.path.getsize(output)}
    megabytes = f"{facts['bytes'] / 1e6:.1f} MB"
    show(output_format, facts, f"{output}: {len(smaller.words):,} of {len(loaded.words):,} words, {megabytes}")
