"""`casecnn vision degradation`: deeper plain nets against deeper residual ones."""

from __future__ import annotations

import json
from pathlib import Path

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show


@command()
@click.argument("data", metavar="DATA")
@options.output(": logs, checkpoints, results and the drawing", metavar="DIR")
@option("--nets", default="plain20,plain56,resnet20,resnet56", metavar="NET,NET,...", meaning="Nets to train alike")
@options.image(" the errors", parameter="figure", otherwise="DIR/degradation.png", renamed=["--figure"])
@options.epochs(type=float, otherwise="64,000 steps, as the paper")
@options.steps(", in place of --epochs")
@options.batch(": images a step", otherwise="128, as the paper")
@options.lr(otherwise="0.1, as the paper")
@options.limit(" to train on")
@option("--evaluations", default=20, meaning="Measurements of the test error on the way")
@options.workers(": threads that distort", default=1)
@options.threads(otherwise="torch's choice")
@options.resume()
@device_option
@seed_option
@format_option
def degradation(data, output, nets, figure, threads, seed, output_format, **settings) -> None:
    """Train plain and residual nets of two depths alike on DATA (CIFAR-10) and draw their errors.

    The whole experiment of the paper takes hours on a GPU and days on a CPU; --epochs 10 shows the order of the nets.
    Ctrl-C keeps everything that is done, and the same command goes on from it.
    """
    from casecnn.vision.training.degradation import draw_degradation, report, run_degradation, save_results
    from casecnn.vision.training.fit import use_threads

    use_threads(threads)
    curves = run_degradation(
        data, output, [name.strip() for name in nets.split(",") if name.strip()], seed=seed, **settings
    )
    steps = curves[0].test[-1][0]
    saved = save_results(curves, output, {"data": data, "steps": steps, "seed": seed, "command": as_typed()})
    drawn = figure or str(Path(output) / "degradation.png")
    draw_degradation(curves, drawn, f"{steps:,} steps each")
    show(output_format, json.loads(saved.read_text(encoding="utf-8")), f"{report(curves)}\n{drawn}, {saved}")
