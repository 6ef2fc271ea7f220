"""`casecnn go train`: train a policy net on packed games."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import device_option, format_option, seed_option


@click.command()
@click.argument("data", metavar="MOVES.npz")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for weights, checkpoint and log.")
@click.option("--filters", "k", default=64, show_default=True, help="Filters of a layer; the paper's match net: 192.")
@click.option("--layers", default=13, show_default=True, help="Convolution layers; the paper: 13.")
@click.option("--size", default=19, show_default=True, help="Board size, 5 to 25.")
@click.option("--steps", default=40_000, show_default=True, help="Updates of the weights.")
@click.option("--batch", "batch_size", default=64, show_default=True, help="Positions a step and process.")
@click.option(
    "--optimizer", type=click.Choice(["muon", "adamw", "sgd"]), default="muon", show_default=True, help="How to learn."
)
@click.option("--lr", default=0.02, show_default=True, help="Peak rate; about 0.02 for muon, 0.002 adamw, 0.01 sgd.")
@click.option("--adam-lr", default=0.002, show_default=True, help="Muon only: rate of first and last layer and biases.")
@click.option(
    "--schedule", type=click.Choice(["constant", "linear", "cosine"]), default="linear", show_default=True,
    help="How the rate falls over the steps.",
)  # fmt: skip
@click.option("--warmup", "warmup_steps", default=100, show_default=True, help="Steps until the peak rate.")
@click.option("--weight-decay", default=0.0, show_default=True, help="L2 decay of the weights.")
@click.option("--clip-norm", type=float, help="Bound of the gradients' norm.  [default: none]")
@click.option("--ema", "ema_decay", type=float, help="Average the weights with this decay, such as 0.999.")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True,
    help="auto: bfloat16 where the device gains by it.",
)  # fmt: skip
@click.option("--validation", metavar="MOVES.npz", help="Held-out games to measure top-1 accuracy on.")
@click.option("--evaluate-every", default=5_000, show_default=True, help="Steps between two measurements.")
@click.option("--init", "initial", metavar="NAME|FILE", help="Weights to start from.  [default: random ones]")
@click.option("--workers", default=1, show_default=True, help="Threads that make planes, in each process.")
@click.option("--checkpoint-minutes", default=5.0, show_default=True, help="Minutes between two checkpoints.")
@click.option(
    "--resume/--no-resume", default=True, show_default=True, help="Go on from DIR's checkpoint if there is one."
)
@device_option
@seed_option
@format_option
def train(data, output, k, layers, size, validation, evaluate_every, initial, workers, checkpoint_minutes, resume,
          device, output_format, **fields) -> None:  # fmt: skip
    """Train a policy net on MOVES.npz (from `casecnn go import`); the result is DIR/policy.safetensors.

    Positions are drawn at random across all games, each under one of the board's eight symmetries; planes are made on
    the fly. Ctrl-C writes a checkpoint, and the same command goes on from it. For several processes or GPUs start it
    with `torchrun --nproc-per-node N -m casecnn go train ...`.
    """
    from casecnn.go.data.archive import load_archive
    from casecnn.go.net.training import WEIGHTS, train_policy
    from casecnn.training.recipe import Recipe

    recipe = Recipe(**fields)
    archive = load_archive(data)
    result = train_policy(
        archive, recipe, output, k=k, layers=layers, size=size,
        validation=load_archive(validation) if validation else None,
        evaluate_every=evaluate_every if validation else None,
        initial=initial, workers=workers, checkpoint_minutes=checkpoint_minutes, resume=resume, device=device,
        command=" ".join(["casecnn", *sys.argv[1:]]),
    )  # fmt: skip
    if not result.first:
        return
    summary = {
        "weights": f"{output}/{WEIGHTS}",
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "validation": result.best.metrics if result.best else None,
    }
    if output_format == "json":
        click.echo(json.dumps(summary))
        return
    click.echo(f"{summary['weights']}: {result.step} steps in {result.elapsed:.0f} s")
    if result.best:
        click.echo(f"best on validation: {json.dumps(result.best.metrics)} after {result.best.step} steps")
