"""`casecnn vision eval`: the error of a net on labelled images; without data, what can be checked without."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.console import warn
from casecnn.vision.cli import options as vision


@command("eval")
@click.argument("net", metavar="NET")
@options.weights(", or none: random ones", metavar="NAME|FILE|none", otherwise="the usual ones of the net")
@vision.data(
    ": class folders, an archive of them, IDX files, a flat folder, or mnist, cifar10, imagenette; without it the net "
    "itself is checked"
)
@option("--split", metavar="NAME", meaning="The part of the data", otherwise="test, else validation, else all")
@option("--truth", metavar="FILE", meaning="Which class each image of a flat folder has", otherwise="found beside it")
@vision.labels()
@vision.crops()
@vision.ensemble()
@option(
    "--top-k",
    "top",
    type=int,
    metavar="K",
    meaning="The second error: not among the first K",
    otherwise="5, or all but one",
    renamed=["--top"],
)
@options.limit(", drawn at random", otherwise="all")
@options.image(" the confusion matrix", parameter="confusion", renamed=["--confusion"])
@option(
    "--calibration",
    metavar="OUT.png|OUT.svg",
    meaning="Also draw how often the net is right where it says so-and-so probable",
)
@options.batch(": images that the net takes at a time", parameter="batch", default=32)
@options.workers(": threads that decode images", otherwise="one for each core")
@options.precision()
@device_option
@seed_option
@format_option
def evaluate(net, weights, data, output_format, **settings) -> None:
    """Measure NET on labelled images: top-1 and top-5 error with a 95 % interval, by class, beside what is published.

    Images that cannot be read are skipped, each with a warning. Weights and data that are asked for by name are
    downloaded once and compared with their SHA-256.
    """
    if data is None:
        from casecnn.vision.evaluation.selfcheck import self_check

        if weights not in (None, "none"):
            warn(f"without `data` the net is checked with random weights; {weights} is not used")
        checked = self_check(net, device=settings["device"])
        show(output_format, checked.as_dict(), checked.table())
    else:
        from casecnn.vision.evaluation.run import run
        from casecnn.vision.evaluation.text import published, table

        found, notes = run(net, weights, data, warn=warn, **settings)
        show(
            output_format,
            found.as_dict() | {"published": published(found.nets, found.known), "notes": notes},
            table(found),
        )
