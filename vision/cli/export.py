"""`casecnn vision export`: a net's weights for other programs."""

from __future__ import annotations

import os

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option
from casecnn.files import check_writable

FORMATS = ["onnx", "torchvision", "safetensors"]


@command()
@click.argument("net", metavar="NET|WEIGHTS")
@options.output(metavar="FILE")
@options.weights(otherwise="the usual ones of the net")
@option("--for", "form", type=click.Choice(FORMATS), default="onnx", meaning="Whom the file is for", renamed=["--to"])
def export(net, output, weights, form) -> None:
    """Write NET with its weights as an ONNX model, as torchvision's state dict (.pth), or as safetensors.

    A file of weights that says which net it is for may stand in the place of NET. `casecnn export` has more options
    for ONNX.
    """
    from casecnn.export.model import check_ending, write
    from casecnn.vision.export import onnx_model, write_safetensors, write_torchvision

    check_writable(output, [name for name in (net, weights) if name and os.path.exists(name)])
    if form == "onnx":
        check_ending(output)
        write(onnx_model(net, weights), output)
        name = net
    else:
        name = {"torchvision": write_torchvision, "safetensors": write_safetensors}[form](output, net, weights)
    click.echo(f"{output}: {name} for {form}")
