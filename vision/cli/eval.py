"""`casecnn vision eval`: the error of a net on labelled pictures; without data, what can be checked without."""

from __future__ import annotations

import json

import click

from casecnn.cli import device_option, format_option, seed_option, warn


@click.command("eval")
@click.argument("net", metavar="NET")
@click.option("--weights", metavar="NAME|FILE|none", help="Trained weights; none: random.  [default: the usual ones]")
@click.option("--data", metavar="DIR|ARCHIVE|NAME", help="Class folders, an archive of them, IDX files, a flat folder, "
              "or mnist, cifar10, imagenette. Without it the net itself is checked.")  # fmt: skip
@click.option("--split", metavar="NAME", help="The part of the data.  [default: test, else validation, else all]")
@click.option(
    "--truth", metavar="FILE", help="Which class each picture of a flat folder has.  [default: found beside it]"
)
@click.option("--labels", metavar="FILE", help="The names of the net's outputs, one a line in turn.")
@click.option("--crops", type=click.Choice(["1", "10"]), default="1", show_default=True, help="Crops of each picture.")
@click.option(
    "--ensemble", metavar="NET[=WEIGHTS]", multiple=True, help="Another net to average with; may be repeated."
)
@click.option("--top", type=int, help="The second error: not among the first so many.  [default: 5, or all but one]")
@click.option("--limit", type=int, help="Only so many pictures, drawn at random.  [default: all]")
@click.option("--confusion", metavar="FILE", help="Draw the confusion matrix (.png or .svg).")
@click.option("--batch", type=int, default=32, show_default=True, help="Pictures that the net takes at a time.")
@click.option("--workers", type=int, help="Threads that decode pictures.  [default: one for each core]")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True,
              help="auto: bfloat16 where the device gains by it.")  # fmt: skip
@device_option
@seed_option
@format_option
def evaluate(net, weights, data, output_format, **options) -> None:
    """Measure NET on labelled pictures: top-1 and top-5 error with a 95 % interval, by class, beside what is published.

    Pictures that cannot be read are skipped, each with a warning. Weights and data that are asked for by name are
    downloaded once and compared with their SHA-256.
    """
    if data is None:
        from casecnn.vision.evaluation.selfcheck import self_check

        if weights not in (None, "none"):
            warn(f"without --data the net is checked with random weights; --weights {weights} is not used")
        checked = self_check(net, device=options["device"])
        click.echo(json.dumps(checked.as_dict()) if output_format == "json" else checked.table())
        return
    from casecnn.vision.evaluation import text as evaluation_text
    from casecnn.vision.evaluation.run import run

    found, notes = run(net, weights, data, warn=warn, **options)
    if output_format == "json":
        answer = found.as_dict() | {"published": evaluation_text.published(found.nets), "notes": notes}
        click.echo(json.dumps(answer))
    else:
        click.echo(evaluation_text.table(found))
