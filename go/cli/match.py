"""`casecnn go match`: two GTP engines play each other."""

from __future__ import annotations

import json

import click

from casecnn.cli import format_option


@click.command()
@click.option("--black", "first", required=True, metavar="CMD", help="The first engine; it has black in odd games.")
@click.option("--white", "second", required=True, metavar="CMD", help="The second engine; it has white in odd games.")
@click.option("--games", required=True, type=int, help="How many games in all, those already in DIR included.")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the SGF files and the summary.")
@click.option("--komi", default=7.5, show_default=True, help="Points for White.")
@click.option("--size", default=19, show_default=True, help="Lines of the board.")
@click.option("--move-time-limit", default=60.0, show_default=True, help="Seconds for a move; longer loses the game.")
@click.option("--max-moves", type=int, help="Count a game after so many moves.  [default: three times the points]")
@click.option("--judge", metavar="CMD", help="An engine whose final_score decides.  [default: see below]")
@format_option
def match(first, second, games, output, judge, output_format, **terms) -> None:
    """Play a match between two GTP engines, such as 'gnugo --mode gtp --chinese-rules --level 10'.

    The colours alternate. An engine loses a game by crashing, by a move that is illegal (simple ko, no suicide) or too
    slow, and by refusing a legal move. After two passes the area is counted, without the stones that both engines list
    as dead (final_status_list); where they disagree the game is counted as disputed, too. With --judge that engine's
    final_score decides instead.

    Ctrl-C keeps the finished games; the same command goes on.
    """
    from tqdm import tqdm

    from casecnn.go.gtp.match import match as play
    from casecnn.go.gtp.match import table
    from casecnn.go.gtp.match_game import Terms

    checked = Terms(**terms)
    with tqdm(total=max(0, games), unit="game", disable=None, desc="match") as bar:
        won = {"first": 0, "second": 0, "": 0}

        def progress(facts: dict) -> None:
            won[facts["winner"]] += 1
            bar.set_postfix_str(f"{won['first']}:{won['second']}, last {facts['result']}", refresh=False)
            bar.update(facts["game"] - bar.n)

        summary = play(first, second, games, output, checked, judge=judge, progress=progress)
    click.echo(json.dumps(summary) if output_format == "json" else table(summary))
