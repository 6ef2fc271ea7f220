"""Results on stdout: for people or for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from casecnn.console import speaks


def show(output_format: str, facts: Any, text: str) -> None:
    """Print ``facts`` as one JSON document where the format is "json", else ``text``.

    Of the processes that `torchrun` starts only the first one prints.
    """
    if speaks():
        click.echo(json.dumps(facts) if output_format == "json" else text)


def as_typed() -> str:
    """Return the command line that runs, as it goes into logs and into the files that a command writes."""
    return " ".join(["casecnn", *sys.argv[1:]])
