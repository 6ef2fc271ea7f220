"""`casecnn text train`: train a sentence CNN on texts and labels of the user's."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.text.cli import options as text
from casecnn.text.cli.options import chosen_recipe, read_data, weights_of_classes


@command()
@click.argument("data", metavar="DATA")
@options.output(": a safetensors file", metavar="WEIGHTS")
@options.validation("; it chooses the epoch", metavar="DATA", otherwise="a tenth of DATA")
@text.set_name(
    ": MR, SST-1, SST-2, Subj, TREC, CR or MPQA; SST on the phrases of its trees; its dev part chooses the epoch"
)
@text.table_options
@text.label_options
@text.variant_options
@text.recipe_options
@option("--extra-words", type=int, meaning="Know so many words of the vectors besides those of the texts")
@option("--max-length", type=int, meaning="Words of a text that count", otherwise="all")
@option(
    "--store",
    "precision",
    type=click.Choice(["full", "half", "int8"]),
    default="half",
    meaning="Number format of the file: 32, 16 or 8 bits",
    renamed=["--precision"],
)
@device_option
@seed_option
@format_option
def train(data, output, validation, set_name, class_weight, extra_words, max_length, precision, device, seed,
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
        multi_label=fields["multi_label"], class_weight=weights_of_classes(class_weight), seed=seed, device=device,
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
