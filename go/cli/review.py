"""`casecnn go review`: what the policy net thinks of the moves of whole games."""

from __future__ import annotations

import json
import os
import sys

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option
from casecnn.console import warn
from casecnn.errors import CasecnnError, InputError, UsageError
from casecnn.go.cli import options as go
from casecnn.go.cli.suggest import check_outputs


@command()
@click.argument("games", metavar="GAME...", nargs=-1, required=True)
@go.game(otherwise="all")
@go.path()
@option("--from", "first", type=int, default=1, meaning="The first move to review")
@option("--to", "last", type=int, meaning="The last move to review", otherwise="the end")
@options.top(": surprises", default=10)
@go.symmetries()
@go.weights
@device_option
@format_option
@options.image(" the probabilities over the game; DIR for several")
@go.sgf(" with comments and labels; DIR for several")
def review(games, game, path, first, last, top, symmetries, weights, device, output_format, image, sgf) -> None:
    """Review games: the rank and probability that the policy net gives to each move, and its own choice.

    One game is shown move by move, with the agreement by player and phase and the largest surprises. Of several (more
    than one GAME, a folder, a zip or a collection) a summary by game and player is shown; what cannot be read is left
    out with a warning, and the exit code is 1 in the end. With --sgf or --image each of them gets a file in a folder.

    A surprise is a move that strong players seldom make in such a position, good or bad: the net reads no variations.
    """
    from casecnn.go.reviews.files import find_games
    from casecnn.go.reviews.moves import check_numbers

    if top < 1:
        raise UsageError(f"`--top` (={top}) must be at least 1")
    check_numbers(first, last)
    alone = len(games) == 1 and not os.path.isdir(games[0])
    if game is not None and not alone:
        raise UsageError(f"`--game` (={game}) must be left out where several files are reviewed")
    found = find_games(games, game=game, path=path, trees=sgf is not None)
    settings = {"symmetries": symmetries, "first": first, "last": last}
    if alone and len(found) == 1:
        reviewed = _review_one(found[0], games[0], weights, device, settings, path, top, sgf, image)
        click.echo(json.dumps(reviewed.as_dict(games[0], top)) if output_format == "json" else reviewed.table(top))
    else:
        _review_several(found, games, weights, device, settings, path, top, sgf, image, output_format)


def _review_one(found, name, weights, device, settings, path, top, sgf, image):
    """One game, and the files that are made of it."""
    from casecnn.go.reviews.moves import check_range, review
    from casecnn.go.reviews.sgf import save_reviewed

    if isinstance(found, CasecnnError):
        raise found
    check_outputs(name, image, sgf)
    check_range(found.record, settings["first"], settings["last"])
    policy = _policy(weights, device)
    for warning in found.record.warnings:
        warn(f"{found.record.source}: {warning}")
    with _bar([found.record], settings) as bar:
        reviewed = review(found.record, policy=policy, progress=bar.update, **settings)
    if image:
        reviewed.save_picture(image, top)
    if sgf:
        save_reviewed(sgf, found.tree, reviewed, path=path, top=top)
    return reviewed


def _review_several(found, names, weights, device, settings, path, top, sgf, image, output_format):
    """Prints a summary of the games that can be reviewed; of those that are done when Ctrl-C is pressed."""
    from casecnn.go.reviews.files import output_folder, review_games, reviewable
    from casecnn.go.reviews.summary import Summary

    sgfs = output_folder("--sgf", sgf, names) if sgf else None
    images = output_folder("--image", image, names) if image else None
    policy = _policy(weights, device)
    games, left_out = reviewable(found, policy, settings["first"], settings["last"])
    for problem in left_out:
        warn(f"left out: {problem}")
    done = []
    interrupted = False
    with _bar([game.record for game in games], settings) as bar:
        try:
            for reviewed in review_games(
                games, policy, path=path, top=top, sgfs=sgfs, images=images, progress=bar.update, **settings
            ):
                done.append(reviewed)
        except KeyboardInterrupt:
            interrupted = True
    if done:
        summary = Summary(tuple(done), tuple(left_out))
        data = summary.as_dict([game.file for game in games], top)
        click.echo(json.dumps(data) if output_format == "json" else summary.table(top))
    if interrupted:
        warn(f"stopped after {len(done)} of {len(games)} games")
        raise KeyboardInterrupt
    if left_out:
        raise InputError(f"{len(left_out)} of {len(found)} games were not reviewed; the warnings say why")


def _policy(weights, device):
    from casecnn.go.net.policy import load_policy
    from casecnn.go.planes.warm_up import warm_up

    policy = load_policy(weights, device)
    warm_up()
    return policy


def _bar(records, settings):
    """A progress bar over all moves to review, on a terminal."""
    from tqdm import tqdm

    from casecnn.go.reviews.moves import check_range

    ranges = [check_range(record, settings["first"], settings["last"]) for record in records]
    total = sum(last - first + 1 for first, last in ranges)
    return tqdm(total=total, unit=" moves", disable=not sys.stderr.isatty(), leave=False)
