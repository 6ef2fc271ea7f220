"""`casecnn vision`: the table of the vision commands; each lives in a module of its own and loads when it runs."""

from __future__ import annotations

import click

from casecnn.cli import LazyGroup, LazyTable

COMMANDS: LazyTable = {}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def vision() -> None:
    """The case-study nets, LeNet-5 to ResNet: tables, evaluation, training, understanding."""
