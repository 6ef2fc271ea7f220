"""`casecnn text train`: train a sentence CNN on texts and labels of the user's."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show
from casecnn.console import tell
from casecnn.errors import UsageError
from casecnn.text.cli import options as text
from casecnn.text.cli.options import changes, chosen_recipe, reading, weights_of_classes


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
@options.initial(", a text model; its words, vectors and filters")
@option("--extra-words", type=int, meaning="Know so many words of the vectors besides those of the texts")
@text.subwords(otherwise="none")
@option("--max-length", type=int, meaning="Words of a text that count", otherwise="all")
@option(
    "--tune",
    type=float,
    metavar="MINUTES",
    meaning="First search for good settings so long; what other options say is not changed",
    otherwise="no search",
)
@text.store(default="half", renamed=["--precision"])
@device_option
@seed_option
@format_option
def train(data, output, validation, set_name, class_weight, initial, extra_words, subwords, max_length, tune, precision,
          device, seed, output_format, **fields) -> None:  # fmt: skip
    """Train a sentence CNN on DATA: CSV, TSV, JSON lines, or lines of a label and a text, with any number of labels.

    Word vectors that suit the texts bring more than any other setting: `casecnn text embed` trains some on your own
    texts. --tune MINUTES searches for windows, feature maps, dropout, rate and batch size, variant and vectors that do
    better on held-out texts, and prints what it tried. An interrupted training goes on when the same command is started
    again.
    """
    from casecnn.text.training.file import read_parts, train_file

    recipe = chosen_recipe(fields, initial)
    how = reading(fields)
    examples, held_out = read_parts(data, validation, set_name=set_name, multi_label=fields["multi_label"], **how)
    weights, vectors, tuned = weights_of_classes(class_weight), fields["vectors"], None
    if tune is not None:
        tuned = searched(
            tune, examples, held_out, recipe, fields, initial, class_weight=weights, seed=seed, device=device
        )
        recipe, vectors = tuned.recipe, [vectors[place] for place in tuned.vectors]
        tell(tuned.report())
    trained = train_file(
        examples, output, recipe, validation=held_out,
        initial=initial, extra_words=extra_words, subwords=subwords, max_length=max_length, precision=precision,
        vectors=vectors, multi_label=fields["multi_label"], class_weight=weights,
        seed=seed, device=device, command=as_typed(),
    )  # fmt: skip
    facts = {"model": output, **trained.as_dict(), **({} if tuned is None else {"tuned": tuned.as_dict()})}
    show(output_format, facts, f"{output}: {trained.report()}")


def searched(minutes, examples, held_out, recipe, fields, initial, **options):
    """Search for settings, and tell of each trial."""
    from casecnn.text.training.tune import tune

    if initial is not None:
        raise UsageError("`tune` and `initial` cannot be given together; the settings of a net are those that it has")
    given = None if held_out is None else (held_out.texts, held_out.labels or [])
    return tune(
        examples.texts, examples.labels or [], recipe, minutes, vectors=fields["vectors"], validation=given,
        keep=changes(fields), multi_label=fields["multi_label"], done=lambda trial: tell(trial.report()), **options,
    )  # fmt: skip
