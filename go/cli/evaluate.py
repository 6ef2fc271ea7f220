"""`casecnn go eval`: how often a policy net finds the move that was played."""

from __future__ import annotations

import json

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.errors import UsageError
from casecnn.go.cli import options as go


@command("eval")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@go.weights
@go.game_range()
@option("--positions", type=int, meaning="Only so many positions, drawn at random", otherwise="all")
@go.symmetries()
@options.precision()
@device_option
@seed_option
@format_option
def evaluate(data, weights, games, positions, symmetries, precision, device, seed, output_format) -> None:
    """Measure a policy net on the moves of games: top-1, top-5, top-10 accuracy, log-loss, accuracy by phase.

    DATA is a file of packed games (.npz, from `casecnn go import`), or SGF files, folders and zips, of which what
    cannot be read is skipped. Passes are left out, as in the paper. All points of the board compete, legal or not.
    """
    if positions is not None and positions < 1:
        raise UsageError(f"`--positions` (={positions}) must be at least 1")
    from tqdm import tqdm

    from casecnn.go.data.packing import load_games, parse_slice
    from casecnn.go.data.positions import choose_plays
    from casecnn.go.net.evaluation import evaluate_policy
    from casecnn.go.net.policy import load_policy
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.torch_net.precision import autocast

    warm_up()
    policy = load_policy(weights, device)
    archive = load_games(data, games=parse_slice(games), size=policy.size)
    indices = choose_plays(archive, policy.size, positions, seed)
    with tqdm(total=len(indices), unit="position", disable=None, desc="eval") as bar, autocast(device, precision):
        figures = evaluate_policy(
            policy.module, archive, indices, size=policy.size, symmetries=symmetries, progress=bar.update
        )
    click.echo(json.dumps(figures.as_dict()) if output_format == "json" else figures.table())
