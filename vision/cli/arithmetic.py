"""`casecnn vision arithmetic`: output volume, parameters, multiply-adds and memory of layers, with the sums."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option, seed_option
from casecnn.cli.results import show


@command()
@click.argument("layers", metavar="LAYER...", nargs=-1, required=True)
@options.input_size(": height x width x channels", parameter="input", metavar="HxWxC", required=True, renamed=["--in"])
@option(
    "--work-out", is_flag=True, meaning="Work one conv or pool out with numbers, its gradients too", renamed=["--steps"]
)
@options.image(" the steps", metavar="OUT.png|OUT.svg|OUT.pdf")
@seed_option
@options.format_as(", for a worksheet", type=click.Choice(["table", "latex", "json"]), default="table")
def arithmetic(layers, input, work_out, image, seed, output_format) -> None:
    """Answer the lecturer's questions about one LAYER or several in a row, and show the sums.

    \b
    casecnn vision arithmetic --input 227x227x3 conv 11x11x96 /4
    casecnn vision arithmetic --input 28x28x192 conv 1x1x16 conv 5x5x32 pad same
    casecnn vision arithmetic --input 55x55x96 pool 3x3 /2
    casecnn vision arithmetic --input 7x7x512 fc 4096 fc 1000
    casecnn vision arithmetic --input 5x5x1 conv 3x3x1 /2 pad same --work-out --image steps.png

    conv takes height x width x filters, pool (max) and meanpool height x width, fc units. After a conv or a pool, /4 is
    the stride (/2x1: vertical, horizontal), "pad 2", "pad same" or "pad valid" the padding, "groups 2" splits a conv. A
    sum that is not whole is an error, unless "floor" or "ceil" say what becomes of the remainder.
    """  # noqa: D301
    from casecnn.vision.tables.arithmetic import answer, parse, volume

    if work_out or image:
        from casecnn.vision.tables.arithmetic import work_out as worked

        found = worked(volume(input), parse(layers), seed)
        if image:
            from casecnn.vision.tables.steps_drawing import draw_steps

            draw_steps(found, image)
        show(output_format, found.as_dict(), found.latex() if output_format == "latex" else found.text())
        return
    answered = answer(volume(input), parse(layers))
    show(output_format, answered.as_dict(), answered.latex() if output_format == "latex" else answered.text())
