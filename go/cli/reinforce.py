"""`casecnn go reinforce`: improve a policy net by games against its earlier versions."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import device_option, format_option, seed_option


@click.command()
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for weights, pool, checkpoint and log.")
@click.option("--init", "initial", metavar="NAME|FILE", help="Weights to start from.  [default: see below]")
@click.option("--filters", "k", type=click.IntRange(1), help="Filters of a layer, for random weights.  [default: 64]")
@click.option("--layers", type=int, help="Convolution layers, for random weights.  [default: 13]")
@click.option("--size", type=int, help="Board size, for random weights, 5 to 25.  [default: 19]")
@click.option("--steps", default=1_000, show_default=True, help="Updates of the weights; the paper: 10,000.")
@click.option(
    "--games-per-step", "batch_size", type=click.IntRange(1, 100_000), default=128, show_default=True,
    help="Games for each update; the paper: 128.",
)  # fmt: skip
@click.option("--pool-every", default=50, show_default=True, help="Steps between two opponents; the paper: 500.")
@click.option(
    "--baseline", type=click.Choice(["batch", "moving", "none"]), default="batch", show_default=True,
    help="What the outcomes are compared with: the step's other games, the steps before, 0.",
)  # fmt: skip
@click.option(
    "--optimizer", type=click.Choice(["adamw", "sgd"]), default="adamw", show_default=True, help="The paper: sgd."
)
@click.option("--lr", default=0.0003, show_default=True, help="Rate of the updates; for sgd try 0.01.")
@click.option("--clip-norm", type=float, help="Bound of the gradients' norm.  [default: none]")
@click.option("--temperature", default=1.0, show_default=True, help="Moves are drawn by p^(1/temperature).")
@click.option("--komi", default=7.5, show_default=True, help="Points for White.")
@click.option("--max-moves", type=int, help="End a game after so many moves.  [default: twice the points of the board]")
@click.option("--evaluate-games", default=400, show_default=True, help="Games against the start; 0: never.")
@click.option("--evaluate-every", default=100, show_default=True, help="Steps between two such matches.")
@click.option("--threads", type=click.IntRange(1, 64), help="Threads that make planes.  [default: one for each core]")
@click.option("--checkpoint-minutes", default=5.0, show_default=True, help="Minutes between two checkpoints.")
@click.option(
    "--resume/--no-resume", default=True, show_default=True, help="Go on from DIR's checkpoint if there is one."
)
@device_option
@seed_option
@format_option
def reinforce(
    output, initial, k, layers, size, temperature, komi, max_moves, pool_every, baseline, evaluate_games,
    evaluate_every, threads, checkpoint_minutes, resume, device, output_format, **fields,
) -> None:  # fmt: skip
    """Improve a policy net by games against its earlier versions; the result is DIR/policy.safetensors.

    AlphaGo's second stage: the net plays itself, and the moves of games that it wins become more likely (REINFORCE).
    It starts from the packaged net; where --filters, --layers or --size is given, from random weights instead.
    DIR/pool holds the opponents. Every --evaluate-every steps and at the end the net plays a match against its start;
    DIR/log.jsonl has the figures. Ctrl-C writes a checkpoint, and the same command goes on from it.
    """
    from casecnn.go.net.training import WEIGHTS
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.play.selfplay import Rules, rehearse
    from casecnn.go.reinforce.run import reinforce as run
    from casecnn.training.log import read_log
    from casecnn.training.recipe import Recipe

    momentum = 0.0 if fields["optimizer"] == "sgd" else None  # the paper's steps have none
    recipe = Recipe(precision="float32", momentum=momentum, **fields)
    rules = Rules(temperature=temperature, komi=komi, max_moves=max_moves)
    warm_up(rehearse)
    result = run(
        recipe, output, initial=initial, k=k, layers=layers, size=size, rules=rules, pool_every=pool_every,
        baseline=baseline, evaluate_games=evaluate_games, evaluate_every=evaluate_every, threads=threads,
        checkpoint_minutes=checkpoint_minutes, resume=resume, device=device,
        command=" ".join(["casecnn", *sys.argv[1:]]),
    )  # fmt: skip
    matches = [row["validation"] for row in read_log(result.log) if row.get("event") == "evaluation"]
    summary = {
        "weights": f"{output}/{WEIGHTS}",
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "against_start": matches[-1] if matches else None,
    }
    if output_format == "json":
        click.echo(json.dumps(summary))
        return
    click.echo(f"{summary['weights']}: {result.step} steps in {result.elapsed:.0f} s")
    if matches:
        low, high = matches[-1]["interval"]
        share = f"{100 * matches[-1]['start_win_rate']:.1f} % [{100 * low:.1f}; {100 * high:.1f}]"
        click.echo(f"wins {share} of {matches[-1]['games']} games against its start")
