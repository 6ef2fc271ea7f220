"""`casecnn vision transfer`: teach a trained net other classes."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show
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
@vision.validation
@vision.validation_fraction
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
def transfer(net, data, weights, output, mode, validation, validation_fraction, augment, threads, resume,
             output_format, batch_size, lr, weight_decay, **settings) -> None:  # fmt: skip
    """Teach NET, trained for other classes, those of DATA; the result is DIR/NET.safetensors.

    \b
    head      a new last layer on the frozen net
    features  the same, but each image goes through the net once, its features
              are kept in DIR, and logistic regression makes the last layer
    partial   the last layer and the last blocks before it
    all       everything

    What is frozen stays as it is to the last bit, running averages of BatchNorm included.
    """  # noqa: D301
    watched, augmentation = vision.held_out(validation, validation_fraction), vision.augmentation(augment)
    from casecnn.vision.start import load_start
    from casecnn.vision.training.fit import use_threads
    from casecnn.vision.training.report import transfer_facts, transfer_text
    from casecnn.vision.training.transfer import transfer as run

    use_threads(threads)
    done = run(
        load_start(net, weights),
        data,
        output,
        mode,
        validation=watched,
        augmentation=augmentation,
        recipe={"batch_size": batch_size, "lr": lr, "weight_decay": weight_decay},
        command=as_typed(),
        **({} if mode == "features" else {"resume": resume}),
        **settings,
    )
    show(output_format, transfer_facts(done, net, mode), transfer_text(done, mode))
