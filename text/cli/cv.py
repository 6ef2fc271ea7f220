"""`casecnn text cv`: how good a recipe is on texts of the user's, by cross-validation."""

from __future__ import annotations

from dataclasses import asdict

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, seed_option
from casecnn.cli.results import show
from casecnn.text.cli import options as text
from casecnn.text.cli.options import chosen_recipe, reading, weights_of_classes


@command()
@click.argument("data", metavar="DATA")
@text.folds()
@text.seeds(default=1)
@options.jobs()
@text.table_options
@text.label_options
@text.variant_options
@text.recipe_options
@device_option
@seed_option
@format_option
def cv(data, folds, seeds, jobs, class_weight, device, seed, output_format, **fields) -> None:
    """Cross-validate a recipe on DATA: mean accuracy, its spread over folds and over repetitions."""
    from casecnn.text.data.examples import read_examples
    from casecnn.text.training.crossval import cross_validate, runs_shown, summarise

    examples = read_examples(data, **reading(fields)).for_labels(fields["multi_label"])
    with runs_shown(folds * seeds) as done:
        runs = cross_validate(
            examples.texts,
            examples.labels or [],
            chosen_recipe(fields),
            folds=folds,
            seeds=seeds,
            seed=seed,
            jobs=jobs,
            vectors=fields["vectors"],
            multi_label=fields["multi_label"],
            class_weight=weights_of_classes(class_weight),
            device=device,
            done=done,
        )
    summary = summarise(runs)
    show(output_format, {"summary": asdict(summary), "runs": [run.as_dict() for run in runs]}, summary.report())
