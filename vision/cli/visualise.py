"""`casecnn vision visualise`: draw what a net has learned."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.vision.cli import options as vision


@command()
@click.argument("what", type=click.Choice(["filters", "top", "deconvnet", "gradcam", "saliency", "guided"]))
@click.argument("net", metavar="NET")
@click.argument("pictures", metavar="[IMAGE...]", nargs=-1)
@options.weights(otherwise="the usual ones of the net")
@options.output(": .png, .jpg, .webp or .pdf", metavar="FILE")
@vision.data(", in place of IMAGEs")
@options.limit(" of --data", otherwise="top 2000, others 4")
@option("--layer", metavar="NAME", meaning="As `casecnn vision table` names it", otherwise="the last with feature maps")
@option(
    "--feature-maps",
    "channels",
    metavar="LIST",
    meaning="Feature maps such as 0-8,17",
    otherwise="top the first 9 that answer, deconvnet the strongest",
    renamed=["--channels"],
)
@options.top(
    otherwise="top: 9 images of a feature map; deconvnet: 6 feature maps of an image; gradcam: 3 classes of an image"
)
@option(
    "--class", "target", metavar="NAME|N", meaning="The class whose evidence is drawn", otherwise="the likeliest ones"
)
@options.threads(otherwise="torch's choice")
@seed_option
@format_option
def visualise(what, net, pictures, weights, output, threads, output_format, **settings) -> None:
    """Draw what NET has learned into FILE.

    \b
    filters    the filters of the first convolution
    top        the pictures that excite feature maps most, with what excites them
               projected back (Zeiler and Fergus)
    deconvnet  for each picture, its strongest features projected back
    gradcam    for each picture, where the evidence for its likeliest classes is
    saliency   for each picture, which pixels change the logits of those classes most
    guided     the same by guided backpropagation, in colour
    """  # noqa: D301
    from casecnn.files import check_writable
    from casecnn.vision.look.contact_sheet import check_ending, save_picture

    check_ending(output)
    check_writable(output, [file for file in (*pictures, weights, settings["data"]) if file is not None])
    from casecnn.vision.look.gallery import draw
    from casecnn.vision.training.fit import use_threads

    use_threads(threads)
    drawn = draw(what, net, weights, pictures, **settings)
    save_picture(drawn.sheet, output)
    size = {"width": drawn.sheet.width, "height": drawn.sheet.height}
    text = f"{output}: {drawn.sheet.width}x{drawn.sheet.height} pixels"
    show(output_format, {"file": output, **size, **drawn.facts}, text)
