"""`casecnn vision transfer`: teach a trained net other classes."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import device_option, format_option, seed_option


@click.command()
@click.argument("net", metavar="NET")
@click.argument("data", metavar="DATA")
@click.option(
    "--weights", metavar="NAME|FILE", help="The trained weights to begin with.  [default: the net's usual ones]"
)
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for weights, features, checkpoint and log.")
@click.option("--mode", type=click.Choice(["head", "features", "partial", "all"]), default="features",
              show_default=True, help="What learns.")  # fmt: skip
@click.option("--blocks", "blocks_count", default=1, show_default=True, metavar="N",
              help="partial: so many blocks before the last layer.")  # fmt: skip
@click.option("--strength", type=float, metavar="C", help="features: C of the logistic regression.  [default: the best "
              "of several]")  # fmt: skip
@click.option("--test", metavar="DATA", help="Pictures to measure on.  [default: DATA's own part test or val]")
@click.option("--validation", type=float, default=0.0, metavar="SHARE", help="Share of the training pictures to hold "
              "out.")  # fmt: skip
@click.option("--limit", type=int, metavar="N", help="Train on N of the pictures only.")
@click.option("--epochs", default=10.0, show_default=True, help="Passes over the pictures.")
@click.option("--batch", "batch_size", type=int, help="Pictures a step.  [default: 32]")
@click.option("--lr", type=float, help="Peak learning rate.  [default: head 0.01, partial and all 0.002]")
@click.option("--weight-decay", type=float, help="L2 decay of the weights.  [default: 0.0001]")
@click.option("--augment", metavar="NAMES", help="Such as mirror,crop=4,rotation=10; none for none.  [default: mirror]")
@click.option("--workers", default=1, show_default=True, help="Threads or processes that decode and distort.")
@click.option("--threads", type=int, help="Threads that the net computes with.  [default: torch's choice]")
@click.option("--resume/--no-resume", default=True, show_default=True,
              help="Go on from DIR's checkpoint if there is one.")  # fmt: skip
@device_option
@seed_option
@format_option
def transfer(net, data, weights, output, mode, blocks_count, strength, test, validation, limit, epochs, augment,
             workers, threads, resume, device, seed, output_format, **recipe) -> None:  # fmt: skip
    r"""Teach NET, trained for other classes, those of DATA; the result is DIR/NET.safetensors.

    \b
    head      a new last layer on the frozen net
    features  the same, but each picture goes through the net once, its features
              are kept in DIR, and logistic regression makes the last layer
    partial   the last layer and the last blocks before it
    all       everything

    What is frozen stays as it is to the last bit, running averages of BatchNorm included.
    """
    from casecnn.vision.pipeline.augment import parse_augmentation

    augmentation = parse_augmentation(augment) if augment is not None else None
    from casecnn.vision.start import load_start
    from casecnn.vision.training.fit import use_threads
    from casecnn.vision.training.transfer import transfer as run

    use_threads(threads)
    options = {} if mode == "features" else {"resume": resume}
    done = run(
        load_start(net, weights), data, output, mode, test=test, validation=validation, limit=limit,
        blocks_count=blocks_count, epochs=epochs, recipe=recipe, augmentation=augmentation, strength=strength,
        workers=workers, seed=seed, device=device, command=" ".join(["casecnn", *sys.argv[1:]]), **options,
    )  # fmt: skip
    if done.result is not None and not done.result.first:
        return
    summary = {
        "weights": str(done.weights),
        "net": net,
        "mode": mode,
        "trained": list(done.trained),
        "trained_parameters": done.parameters,
        "features_reused": done.reused,
        "strength": None if done.shallow is None else done.shallow.strength,
        "test": done.figures,
    }
    if output_format == "json":
        click.echo(json.dumps(summary))
        return
    click.echo(f"{done.weights}: {mode}, {done.parameters:,} parameters trained ({', '.join(done.trained)})")
    if done.figures is not None:
        click.echo(f"test error {done.figures['error']:.2%} of {int(done.figures['pictures']):,} pictures")
