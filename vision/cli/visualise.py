"""`casecnn vision visualise`: draw what a net has learned."""

from __future__ import annotations

import json

import click

from casecnn.cli import format_option, seed_option


@click.command()
@click.argument("what", type=click.Choice(["filters", "top", "deconvnet", "gradcam"]))
@click.argument("net", metavar="NET")
@click.argument("pictures", metavar="[PICTURE...]", nargs=-1)
@click.option("--weights", metavar="NAME|FILE", help="The trained weights.  [default: the net's usual ones]")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to draw: .png, .jpg, .webp or .pdf.")
@click.option("--data", metavar="DATA", help="Labelled pictures, in place of PICTUREs.")
@click.option("--limit", type=int, metavar="N", help="So many of DATA's pictures.  [default: top 2000, others 4]")
@click.option("--layer", metavar="NAME", help="As `casecnn vision table` names it.  [default: the last with maps]")
@click.option("--channels", metavar="LIST", help="Maps such as 0-8,17.  [default: top the first 9 that answer, "
              "deconvnet the strongest]")  # fmt: skip
@click.option("--top", type=int, metavar="N", help="top: pictures a map (9); deconvnet: maps a picture (6); gradcam: "
              "classes a picture (3).")  # fmt: skip
@click.option("--threads", type=int, help="Threads to compute with.  [default: torch's choice]")
@seed_option
@format_option
def visualise(what, net, pictures, weights, output, data, limit, layer, channels, top, threads, seed,
              output_format) -> None:  # fmt: skip
    r"""Draw what NET has learned into FILE.

    \b
    filters    the filters of the first convolution
    top        the pictures that excite feature maps most, with what excites them
               projected back (Zeiler and Fergus)
    deconvnet  for each picture, its strongest features projected back
    gradcam    for each picture, where the evidence for its likeliest classes is
    """
    from casecnn.files import check_writable
    from casecnn.vision.look.contact_sheet import check_ending

    check_ending(output)
    check_writable(output, [file for file in (*pictures, weights, data) if file is not None])
    from casecnn.vision.look.contact_sheet import save_picture
    from casecnn.vision.look.gallery import draw
    from casecnn.vision.training.fit import use_threads

    use_threads(threads)
    drawn = draw(
        what, net, weights, pictures, data=data, limit=limit, layer=layer, channels=channels, top=top, seed=seed
    )
    save_picture(drawn.sheet, output)
    if output_format == "json":
        click.echo(
            json.dumps({"file": output, "width": drawn.sheet.width, "height": drawn.sheet.height, **drawn.facts})
        )
        return
    click.echo(f"{output}: {drawn.sheet.width}x{drawn.sheet.height} pixels")
