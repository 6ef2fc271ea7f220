"""Options that several vision commands have."""

from __future__ import annotations

import click

from casecnn.cli.options import shared

data = shared("--data", metavar="DIR|ARCHIVE|NAME", meaning="Labelled images")
test = shared(
    "--test", metavar="DATA", meaning="Images to measure on in the end", otherwise="DATA's own part test or val"
)
labels = shared("--labels", metavar="FILE", meaning="The names of the net's outputs, one a line in turn")
crops = shared("--crops", type=click.Choice(["1", "10"]), default="1", meaning="Crops of each image")
ensemble = shared(
    "--ensemble",
    metavar="NET[=WEIGHTS]",
    multiple=True,
    meaning="Another net to average with; may be repeated",
)
channels = shared("--channels", type=int, meaning="Channels of the input: 1 grey, 3 colour")
augment = shared("--augment", metavar="NAMES", meaning="Such as mirror,crop=4,rotation=10; none for none")
