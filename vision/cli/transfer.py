"""`casecnn vision transfer`: teach a trained net other classes."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.vision.cli import options as vision


@command()
@click.argument("net", metavar="NET")
@click.argument("data", metavar="DATA")
@options.initial(parameter="weights", otherwise="the usual ones of the net", renamed=["--weights"])
@options.output(": weights, features, checkpoint and log", metavar="DIR")
@option("--mode", type=click.Choice(["head", "features", "partial", "all"]), default="features", meaning="What learns")
@option(
    "--blocks", "blocks_count", default=1, meaning="So many blocks before the last layer learn, with --mode partial"
)
@option(
    "--strength",
    type=float,
    metavar="C",
    meaning="C of the logistic regression, with --mode features",
    otherwise="the best of several",
)
@vision.test()
@options.validation_fraction(parameter="validation", default=0.0, renamed=["--validation"])
@options.limit(" to train on")
@options.epochs(default=10.0)
@options.batch(": images a step", otherwise="32")
@options.lr(otherwise="head 0.01, partial and all 0.002")
@options.weight_decay(otherwise="0.0001")
@vision.augment(otherwise="mirror")
@options.workers(": threads or processes that decode and distort", default=1)
@options.threads(otherwise="torch's choice")
@options.resume()
@device_option
@seed_option
@format_option
def transfer(net, data, weights, output, mode, blocks_count, strength, test, validation, limit, epochs, augment,
             workers, threads, resume, device, seed, output_format, **recipe) -> None:  # fmt: skip
    """Teach NET, trained for other classes, those of DATA; the result is DIR/NET.safetensors.

    \b
    head      a new last layer on the frozen net
    features  the same, but each picture goes through the net once, its features
              are kept in DIR, and logistic regression makes the last layer
    partial   the last layer and the last blocks before it
    all       everything

    What is frozen stays as it is to the last bit, running averages of BatchNorm included.
    """  # noqa: D301
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
