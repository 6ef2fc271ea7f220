"""`casecnn go selfplay`: whole games of a policy net against itself or another."""

from __future__ import annotations

import json

import click

from casecnn.cli import device_option, format_option, seed_option
from casecnn.console import speaks


@click.command()
@click.option("--games", required=True, type=int, help="How many games in all, those already in DIR included.")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the SGF files and the summary.")
@click.option("--weights", metavar="NAME|FILE", help="The policy net's weights.  [default: the packaged ones]")
@click.option("--opponent", metavar="NAME|FILE", help="Another net to play against, colours alternating.")
@click.option(
    "--temperature", default=1.0, show_default=True, help="Moves are drawn by p^(1/temperature); 0: always the best."
)
@click.option("--opening-moves", type=int, help="Draw only so many first moves, then play the best.  [default: all]")
@click.option("--komi", default=7.5, show_default=True, help="Points for White.")
@click.option("--max-moves", type=int, help="End a game after so many moves.  [default: twice the points of the board]")
@click.option("--resign", type=float, metavar="POINTS", help="Resign when so far behind, see below.  [default: never]")
@click.option("--symmetries/--no-symmetries", default=False, help="Average over the eight symmetries: 8 times slower.")
@click.option("--batch", default=256, show_default=True, help="How many games are played at once.")
@click.option("--threads", type=click.IntRange(1, 64), help="Threads that make planes.  [default: one for each core]")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    show_default=True,
    help="auto: bfloat16 where the device is faster with it.",
)
@device_option
@seed_option
@format_option
def selfplay(games, output, weights, opponent, batch, threads, precision, device, output_format, **rules) -> None:
    """Let a policy net play whole games against itself; SGF files and a summary go to DIR.

    The board has the net's size. All games move at once, with one pass through the net. A player passes where no
    sensible move is left; two passes end a game, which is scored by area as the board stands. No move fills an own
    true eye or repeats a position. With --resign, a player resigns who has been behind by POINTS, as the board stands,
    on five turns of its own in a row, after as many moves as half the board has points.

    The same seed gives the same games, whatever the batch. Ctrl-C keeps the finished games; the same command goes on.
    """
    from tqdm import tqdm

    from casecnn.go.net.policy import load_policy
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.play.selfplay import Rules, rehearse
    from casecnn.go.play.selfplay_run import selfplay as play
    from casecnn.go.play.selfplay_run import table

    checked = Rules(**rules)
    policy = load_policy(weights, device, precision)
    other = load_policy(opponent, device, precision) if opponent else None
    warm_up(rehearse)
    with tqdm(total=max(0, games), unit="game", disable=None, desc="selfplay") as bar:
        moves = 0

        def progress(finished: int, played: int) -> None:
            nonlocal moves
            moves += played
            bar.set_postfix(moves=moves, refresh=False)
            bar.update(finished - bar.n)

        summary = play(policy, games, output, checked, opponent=other, batch=batch, threads=threads, progress=progress)
        bar.update(summary["games"] - bar.n)
    if speaks():
        click.echo(json.dumps(summary) if output_format == "json" else table(summary))
