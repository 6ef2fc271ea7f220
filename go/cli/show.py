"""`casecnn go show`: what is in a file of games."""

from __future__ import annotations

import click

from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show as show_results
from casecnn.go.cli import options as go


@command()
@click.argument("file", metavar="GAME")
@go.game(otherwise="all of several, in a line each")
@go.encoding
@format_option
def show(file: str, game: int | None, encoding: str | None, output_format: str) -> None:
    """Show what is in GAME, a file, folder or archive of games ("-" for standard input).

    Of one game: players, result, komi and rules, and every variation with the --path that reaches it in other commands.
    Of several games: a line each, with the number that --game takes.
    """
    from casecnn.go.sgf.show import show_file

    found = show_file(file, game=game, encoding=encoding)
    show_results(output_format, found.facts, found.text)
