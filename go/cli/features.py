"""`casecnn go features`: the 48 feature planes of whole games as an .npz file."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.cli.results import show


@command()
@click.argument("games", metavar="GAME...", nargs=-1, required=True)
@options.output(metavar="PLANES.npz")
@format_option
def features(games: tuple[str, ...], output: str, output_format: str) -> None:
    """Write the 48 feature planes of the positions before each move of each GAME, passes included.

    GAME is an SGF file (.sgf, .sgf.gz), a .zip of them, a folder, or "-" for standard input; of each game the main line
    is taken. The file holds `planes` uint8 [N, 48, size, size], `moves` int16 [N] (row * size + column, a pass is size
    * size), `to_play` uint8 [N] (1 black, 2 white) and `names` [48], a row for each position. All games must have the
    same board size, from 5 to 25. Games of a collection that cannot be read are left out with a warning.
    """
    from casecnn.go.planes.planes_of_files import planes_of_files

    found = planes_of_files(games, output)
    show(output_format, found.as_dict(), found.report())
