"""`casecnn text train`: train a sentence CNN on texts and labels of the user's."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import device_option, format_option, seed_option
from casecnn.text.cli.training_options import (
    chosen_recipe,
    class_weight,
    data_options,
    read_data,
    recipe_options,
    variant_options,
)


@click.command()
@click.argument("data", metavar="DATA")
@click.option("-o", "--output", required=True, metavar="MODEL", help="The file to write (safetensors).")
@click.option("--validation", metavar="DATA", help="Texts that choose the epoch.  [default: a tenth of DATA]")
@click.option(
    "--set", "set_name", metavar="NAME",
    help="DATA is a folder of the paper's data sets: train on the training part of MR, SST-1, SST-2, Subj, TREC, CR or "
    "MPQA, for SST on the phrases of its trees. The dev part, if there is one, chooses the epoch.",
)  # fmt: skip
@data_options
@variant_options
@recipe_options
@click.option("--extra-words", type=int, help="Know so many words of the vectors besides those of the texts.")
@click.option("--max-length", type=int, help="Words of a text that count.  [default: all]")
@click.option(
    "--precision", type=click.Choice(["full", "half", "int8"]), default="half", show_default=True,
    help="Of the numbers in MODEL.",
)  # fmt: skip
@device_option
@seed_option
@format_option
def train(data, output, validation, set_name, class_weights, extra_words, max_length, precision, device, seed,
          output_format, **fields) -> None:  # fmt: skip
    """Train a sentence CNN on DATA: CSV, TSV, JSON lines, or lines of a label and a text, with any number of labels.

    Word vectors that suit the texts bring more than any other setting: `casecnn text embed` trains some on your own
    texts. An interrupted training goes on when the same command is started again.
    """
    from casecnn.text.training.file import train_file

    recipe = chosen_recipe(fields)
    given = read_data(validation, fields) if validation else None
    if set_name:
        from casecnn.text.data.data_sets import load_data_set

        loaded = load_data_set(data, set_name)
        examples, given = loaded.train, given or loaded.dev
    else:
        examples = read_data(data, fields)
    trained = train_file(
        examples, output, recipe, validation=given,
        extra_words=extra_words, max_length=max_length, precision=precision, vectors=fields["vectors"],
        multi_label=fields["multi_label"], class_weight=class_weight(class_weights), seed=seed, device=device,
        command=" ".join(["casecnn", *sys.argv[1:]]),
    )  # fmt: skip
    summary = {
        "model": output,
        "labels": list(trained.model.labels),
        "texts": trained.texts,
        "held_out": trained.held_out,
        "words": len(trained.model.words),
        "words_in_vectors": trained.found,
        "epoch": trained.epoch,
        "validation": trained.dev,
        "seconds": round(trained.seconds, 1),
    }
    if output_format == "json":
        click.echo(json.dumps(summary))
        return
    click.echo(
        f"{output}: {len(trained.model.labels)} labels, {trained.texts} texts, {len(trained.model.words)} words "
        f"({trained.found} in the vectors), epoch {trained.epoch:g}, {trained.seconds:.0f} s"
    )
    if trained.dev:
        figures = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in trained.dev.items())
        click.echo(f"on {trained.held_out} held-out texts: {figures}")
