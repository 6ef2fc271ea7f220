"""`casecnn text cv`: how good a recipe is on texts of the user's, by cross-validation."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, seed_option
from casecnn.text.cli import options as text
from casecnn.text.cli.options import chosen_recipe, read_data, weights_of_classes


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
    from tqdm import tqdm

    from casecnn.text.training.crossval import cross_validate, summarise

    examples = read_data(data, fields)
    with tqdm(total=folds * seeds, unit="fold", disable=None) as bar:

        def done(run) -> None:
            bar.update()
            bar.write(f"seed {run.seed}, fold {run.fold}: {100 * run.accuracy:.2f} % of {run.tested}", file=sys.stderr)

        runs = cross_validate(
            examples.texts, examples.labels, chosen_recipe(fields), folds=folds, seeds=seeds, seed=seed, jobs=jobs,
            vectors=fields["vectors"], multi_label=fields["multi_label"], class_weight=weights_of_classes(class_weight),
            device=device, done=None if bar.disable else done,
        )  # fmt: skip
    summary = summarise(runs)
    if output_format == "json":
        click.echo(json.dumps({"summary": asdict(summary), "runs": [run.as_dict() for run in runs]}))
        return
    click.echo(f"accuracy {summary.text()} % (mean and standard deviation over {folds} folds), macro-F1 "
               f"{summary.macro_f1:.2f} %")  # fmt: skip
    if summary.seed_sd is not None:
        means = ", ".join(f"{mean:.2f}" for mean in summary.means)
        click.echo(f"repetitions: {means}; standard deviation {summary.seed_sd:.2f}")
