"""`casecnn vision table`: a net's layers with what they cost, and the published totals beside ours."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option
from casecnn.cli.results import show
from casecnn.vision.cli import options as vision
from casecnn.vision.cli.options import height_and_width, whole_numbers


@command()
@click.argument("net", metavar="NET")
@options.input_size(": 224, or height x width", metavar="SIZE", otherwise="the paper's")
@option("--classes", type=int, meaning="How many classes", otherwise="the paper's")
@vision.channels(otherwise="the paper's")
@option("--widths", metavar="N,N,...", meaning="Of a pattern: filters of the CONVs, then units of the FCs")
@options.batch(": count memory for so many inputs", parameter="batch", default=1)
@options.format_as(
    ", for a document or a spreadsheet",
    type=click.Choice(["table", "markdown", "latex", "json", "csv"]),
    default="table",
)
@vision.narrow(": counts in K, M and G")
@options.image(" the net", parameter="diagram", metavar="OUT.png|OUT.svg|OUT.pdf", renamed=["--diagram"])
def table(net, size, classes, channels, widths, batch, output_format, narrow, diagram) -> None:
    """Show NET layer by layer: filter, stride, pad, output, parameters, MACs, FLOPs, memory, receptive field.

    NET is a name of `casecnn vision list`, or a pattern such as "[(CONV-RELU)*2-POOL]*3-(FC-RELU)*1-FC-SOFTMAX". In it
    a CONV is 3x3 and a POOL halves; --widths 32,64,128,256 gives the filters of the CONVs before each POOL, then the
    units of every FC but the last.
    """
    from casecnn.nets.catalogue import declaration
    from casecnn.vision.tables.table import NetTable, terminal_width

    row = declaration(net, whole_numbers("widths", widths))
    made = NetTable(row.net(classes, channels, height_and_width("size", size)), row, batch)
    if diagram:
        from casecnn.vision.tables.diagram import save_diagram

        save_diagram(made.net, diagram)
    width = terminal_width(made.text())
    text = {
        "table": (lambda: made.narrow(width or 100)) if narrow or (narrow is None and width) else made.text,
        "markdown": made.markdown,
        "latex": made.latex,
        "csv": made.comma_separated,
    }.get(output_format)
    show(output_format, made.as_dict(), text() if text else "")
