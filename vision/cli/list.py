"""`casecnn vision list`: the nets by name."""

from __future__ import annotations

from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show


@command("list")
@format_option
def list_nets(output_format: str) -> None:
    """List every net with its input, parameters and multiply-adds.

    A net can also be written as a pattern: see `casecnn vision table --help`.
    """
    from casecnn.vision.tables.listing import listing, listing_text

    rows = listing()
    show(output_format, rows, listing_text(rows))
