"""`casecnn vision classify`: what is on images."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option
from casecnn.cli.results import show
from casecnn.console import warn
from casecnn.vision.cli import options as vision


@command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@option("--net", default="resnet50", meaning="The net")
@options.weights(otherwise="the usual ones of the net")
@vision.labels()
@vision.crops()
@vision.ensemble()
@options.top(": classes, or all where there are fewer", otherwise="5")
@options.precision()
@device_option
@format_option
def classify(images, net, weights, labels, crops, ensemble, top, precision, device, output_format) -> None:
    """Print the most probable classes of each IMAGE: files, folders, archives, or - for standard input.

    What cannot be read is skipped, each with a warning, and counted at the end. JSON is one object a line.
    """
    from casecnn.vision.evaluation.classify import classify_files, count_files, table
    from casecnn.vision.evaluation.run import load_models

    count = count_files(images)
    views = None if count is None else count * int(crops)
    models = load_models(net, weights, ensemble, device=device, precision=precision, labels=labels, images=views)
    for note in dict.fromkeys(note for model in models for note in model.notes):
        warn(note)
    for found in classify_files(models, images, crops=int(crops), top=top):
        show(output_format, found.as_dict(), table(found))
