"""`casecnn go features`: the 48 feature planes of whole games as an .npz file."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option
from casecnn.console import warn
from casecnn.errors import UsageError


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
    from tqdm import tqdm

    from casecnn.go.planes.file import read_all, write_planes
    from casecnn.go.planes.warm_up import warm_up

    if any(os.path.realpath(game) == os.path.realpath(output) for game in games):
        raise UsageError(f"`--output` (={output}) must be another file than the games, which are never overwritten")
    start = time.perf_counter()
    warm_up()
    records, failures = read_all(games)
    for failure in failures:
        warn(f"left out: {failure}")
    with tqdm(total=len(records), unit=" games", disable=not sys.stderr.isatty(), leave=False) as bar:
        written = write_planes(records, output, progress=lambda _: bar.update())
    seconds = time.perf_counter() - start
    if output_format == "json":
        click.echo(
            json.dumps({"file": output, **asdict(written), "skipped": len(failures), "seconds": round(seconds, 3)})
        )
        return
    noun = "game" if written.games == 1 else "games"
    board = f"{written.board_size}x{written.board_size}"
    click.echo(f"{output}: {written.positions:,} positions of {written.games:,} {noun} on {board} in {seconds:.1f} s")
