"""`casecnn vision table`: a net's layers with what they cost, and the published totals beside ours."""

from __future__ import annotations

import json
import re

import click

from casecnn.errors import UsageError


@click.command()
@click.argument("net", metavar="NET")
@click.option("--input", "size", metavar="SIZE", help="The input: 224, or height x width.  [default: the paper's]")
@click.option("--classes", type=int, metavar="N", help="How many classes.  [default: the paper's]")
@click.option("--channels", type=int, metavar="N", help="Channels of the input.  [default: the paper's]")
@click.option("--widths", metavar="N,N,...", help="Of a pattern: filters of the CONVs, then units of the FCs.")
@click.option("--batch", type=int, default=1, show_default=True, metavar="N", help="Count memory for so many inputs.")
@click.option(
    "--format", "output_format", type=click.Choice(["table", "markdown", "json", "csv"]), default="table",
    show_default=True, help="Print for people, for a document, for programs or for a spreadsheet.",
)  # fmt: skip
@click.option("--diagram", metavar="OUT.svg|OUT.png", help="Also draw the net.")
def table(net, size, classes, channels, widths, batch, output_format, diagram) -> None:
    """Show NET layer by layer: filter, stride, pad, output, parameters, MACs, FLOPs, memory, receptive field.

    NET is a name of `casecnn vision list`, or a pattern such as "[(CONV-RELU)*2-POOL]*3-(FC-RELU)*1-FC-SOFTMAX". In it
    a CONV is 3x3 and a POOL halves; --widths 32,64,128,256 gives the filters of the CONVs before each POOL, then the
    units of every FC but the last.
    """
    from casecnn.nets.catalogue import declaration
    from casecnn.vision.tables.table import NetTable

    row = declaration(net, numbers("--widths", widths))
    made = NetTable(row.net(classes, channels, input_size(size)), row, batch)
    if diagram:
        from casecnn.vision.tables.diagram import save_diagram

        save_diagram(made.net, diagram)
    if output_format == "json":
        click.echo(json.dumps(made.as_dict()))
    else:
        click.echo({"table": made.text, "markdown": made.markdown, "csv": made.comma_separated}[output_format]())


def input_size(text: str | None) -> tuple[int, int] | None:
    """224 or 224x192 as (height, width)."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text.strip())
    if not found:
        raise UsageError(f"`--input` (={text}) must be a size such as 224, or height x width such as 224x192")
    return int(found[1]), int(found[2] or found[1])


def numbers(option: str, text: str | None) -> tuple[int, ...]:
    """32,64,128 as numbers."""
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"\d{1,6}", part) for part in parts):
        raise UsageError(f"`{option}` (={text}) must be whole numbers with commas between them, such as 32,64,128")
    return tuple(map(int, parts))
