"""`casecnn export`: a net with its weights as an ONNX file, whichever application it belongs to."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import option
from casecnn.errors import UsageError

EXPORTERS = {
    "policy_net": ("casecnn.go", "casecnn.go.net.export"),
    "sentence_cnn": ("casecnn.text", "casecnn.text.model.export"),
    "": ("casecnn.vision", "casecnn.vision.export"),
}
"""What a file of weights says that its net is, to the application and the module that exports it; "" is any other."""


class BatchSize(click.ParamType):  # type: ignore[type-arg]
    """A whole number of at least 1, or "dynamic"."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or "dynamic"."""
        if value == "dynamic":
            return value
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r} is neither a whole number of at least 1 nor dynamic", param, ctx)
        return int(value)


@command()
@click.argument("net", metavar="NET|WEIGHTS")
@options.output(": a name that ends in .onnx", metavar="FILE")
@options.weights(", for a case-study net given by name", otherwise="the usual ones of the net")
@options.batch(", or dynamic for any", parameter="batch", type=BatchSize(), default="dynamic")
@option("--opset", type=click.IntRange(13, 24), default=17, meaning="Version of the ONNX operators")
def export(net, output, weights, batch, opset) -> None:
    """Write NET|WEIGHTS as an ONNX model: a case-study net, weights that ship with casecnn by name, or a file.

    Layers have the paper's names. Labels, words, preprocessing or planes are in the model's metadata. A policy net
    takes feature planes, a text model the numbers of words, a case-study net images. It needs the package onnx.
    """
    from casecnn.export.model import check_ending, write
    from casecnn.files import check_writable

    check_ending(output)
    check_writable(output, [name for name in (net, weights) if name and Path(name).exists()])
    module = exporter_of(net)
    if weights is not None and module != EXPORTERS[""][1]:
        raise UsageError(f"`weights` go with a case-study net; '{net}' are weights already: leave them out")
    given = {} if weights is None else {"weights": weights}
    model = importlib.import_module(module).onnx_model(net, **given, batch=batch, opset=opset)
    write(model, output)
    click.echo(f"{output}: {model.graph.name}, {len(model.graph.node)} nodes, opset {opset}")


def exporter_of(net: str) -> str:
    """The module that exports weights by name or from a file, or a net by name."""
    from casecnn.weights.record import read_folder
    from casecnn.weights.safetensors_file import read_arrays
    from casecnn.weights.state_dict import packaged

    if Path(net).suffix == ".safetensors" and Path(net).is_file():
        return EXPORTERS.get(str(read_arrays(net).facts.get("net")), EXPORTERS[""])[1]
    for package, module in EXPORTERS.values():
        names = read_folder(packaged(package))
        if net in names or net in {name.partition(".")[0] for name in names}:
            return module
    return EXPORTERS[""][1]
