"""`casecnn vision find-rate`: which learning rate to train with."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, seed_option
from casecnn.cli.results import show
from casecnn.vision.cli import options as vision
from casecnn.vision.cli.train import RECIPES


@command("find-rate")
@click.argument("net", metavar="NET")
@click.argument("data", metavar="DATA")
@options.output(" the loss over the rate: .png, .svg or .pdf", metavar="FILE")
@options.recipe(type=click.Choice(RECIPES), otherwise="the one of the net's paper")
@options.steps(", while the rate rises", default=100)
@options.batch(": images a step", otherwise="the recipe's")
@options.optimizer(type=click.Choice(["sgd", "adamw", "muon"]), otherwise="sgd, as the papers")
@options.limit(" to train on")
@vision.channels(otherwise="the net's")
@options.input_size(": height and width, which are the same", type=int, metavar="PIXELS", otherwise="the net's")
@options.threads(otherwise="torch's choice")
@device_option
@seed_option
@format_option
def find_rate(net, data, output, recipe, batch_size, optimizer, threads, output_format, **settings) -> None:
    """Train NET on the images of DATA for some steps while the learning rate rises, and say which to take.

    The rate goes from a hundred-thousandth of the recipe's to ten times it. Nothing of the net is kept.
    """
    from casecnn.files import check_writable
    from casecnn.vision.figure import check_figure
    from casecnn.vision.training.recipes import preset_of

    check_figure("output", output)
    check_writable(output, [data])
    preset = preset_of(net, recipe)
    from casecnn.vision.training.rate_finder import draw_rates, find_rate
    from casecnn.vision.training.run import use_threads

    use_threads(threads)
    found = find_rate(net, data, preset, changes={"batch_size": batch_size, "optimizer": optimizer}, **settings)
    draw_rates(found, output)
    show(output_format, found.as_dict(), f"{found.text()}\n{output}")
