"""`casecnn vision visualise`: draw what a net has learned."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.vision.cli import options as vision

KINDS = ["filters", "top", "deconvnet", "gradcam", "saliency", "guided", "maximise", "invert", "embed"]


@command()
@click.argument("what", type=click.Choice(KINDS))
@click.argument("net", metavar="NET")
@click.argument("pictures", metavar="[IMAGE...]", nargs=-1)
@options.weights(otherwise="the usual ones of the net")
@options.output(": .png, .jpg, .webp or .pdf; embed .png, .svg or .pdf", metavar="FILE")
@vision.data(", in place of IMAGEs")
@options.limit(" of --data", otherwise="top and embed 2000, others 4")
@option(
    "--layer",
    metavar="NAME",
    meaning="As `casecnn vision table` names it",
    otherwise="the last with feature maps; invert five of them; embed the last before the classes",
)
@option(
    "--feature-maps",
    "channels",
    metavar="LIST",
    meaning="Feature maps such as 0-8,17",
    otherwise="top the first 9 that answer, deconvnet the strongest, maximise the first 12",
    renamed=["--channels"],
)
@options.top(
    otherwise="top: 9 images of a feature map; deconvnet: 6 feature maps of an image; gradcam: 3 classes of an image"
)
@option(
    "--class",
    "target",
    metavar="NAME|N",
    meaning="The class whose evidence is drawn",
    note=", or that an image is made for",
    otherwise="the likeliest ones; maximise the first 12",
)
@option(
    "--search-steps",
    "steps",
    type=int,
    metavar="N",
    meaning="Steps of the search for an image",
    otherwise="maximise 160, invert 200",
)
@option("--method", type=click.Choice(["tsne", "pca"]), meaning="How features become points", otherwise="tsne")
@options.threads(otherwise="torch's choice")
@seed_option
@format_option
def visualise(what, net, pictures, weights, output, threads, output_format, **settings) -> None:
    """Draw what NET has learned into FILE.

    \b
    filters    the filters of the first convolution
    top        the images that excite feature maps most, with what excites them
               projected back (Zeiler and Fergus)
    deconvnet  for each image, its strongest features projected back
    gradcam    for each image, where the evidence for its likeliest classes is
    saliency   for each image, which pixels change the logits of those classes most
    guided     the same by guided backpropagation, in colour
    maximise   for each class, or each feature map of --layer, an image made to excite it
    invert     for each image, what can be found anew of it from the features of a layer
    embed      the images of --data as points of a plane, by the features of a layer
    """  # noqa: D301
    from casecnn.files import check_writable
    from casecnn.vision.figure import check_figure
    from casecnn.vision.look.contact_sheet import check_ending, save_picture

    check_figure("output", output) if what == "embed" else check_ending(output)
    check_writable(output, [file for file in (*pictures, weights, settings["data"]) if file is not None])
    from casecnn.vision.look.gallery import draw, lay_out
    from casecnn.vision.training.fit import use_threads

    use_threads(threads)
    if what == "embed":
        facts, text = lay_out(net, weights, output, pictures, **settings)
        show(output_format, {"file": output, **facts}, f"{output}: {text}")
        return
    del settings["method"]
    drawn = draw(what, net, weights, pictures, **settings)
    save_picture(drawn.sheet, output)
    size = {"width": drawn.sheet.width, "height": drawn.sheet.height}
    text = f"{output}: {drawn.sheet.width}x{drawn.sheet.height} pixels"
    show(output_format, {"file": output, **size, **drawn.facts}, text)
