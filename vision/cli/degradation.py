"""`casecnn vision degradation`: deeper plain nets against deeper residual ones."""

from __future__ import annotations

import sys

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option


@command()
@click.argument("data", metavar="DATA")
@options.output(": logs, checkpoints, results and the drawing", metavar="DIR")
@option("--nets", default="plain20,plain56,resnet20,resnet56", metavar="NET,NET,...", meaning="Nets to train alike")
@options.image(" the errors; .pdf too", metavar="FILE", otherwise="DIR/degradation.png", renamed=["--figure"])
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
def degradation(data, output, nets, image, epochs, steps, batch_size, lr, limit, evaluations, workers, threads, resume,
                device, seed, output_format) -> None:  # fmt: skip
    """Train plain and residual nets of two depths alike on DATA (CIFAR-10) and draw their errors.

    The whole experiment of the paper takes hours on a GPU and days on a CPU; --epochs 10 shows the order of the nets.
    Ctrl-C keeps everything that is done, and the same command goes on from it.
    """
    from pathlib import Path

    from casecnn.vision.training.degradation import PAPER, draw_degradation, findings, run_degradation, save_results
    from casecnn.vision.training.fit import use_threads

    use_threads(threads)
    curves = run_degradation(
        data, output, [name.strip() for name in nets.split(",") if name.strip()], epochs=epochs, steps=steps,
        batch_size=batch_size, lr=lr, limit=limit, evaluations=evaluations, workers=workers, seed=seed, device=device,
        resume=resume,
    )  # fmt: skip
    length = curves[0].test[-1][0]
    about = {"data": data, "steps": length, "seed": seed, "command": " ".join(["casecnn", *sys.argv[1:]])}
    saved = save_results(curves, output, about)
    drawn = image or str(Path(output) / "degradation.png")
    draw_degradation(curves, drawn, f"{length:,} steps each")
    if output_format == "json":
        click.echo(saved.read_text(encoding="utf-8").rstrip())
        return
    click.echo(f"{'net':<12}{'parameters':>12}{'training':>10}{'test':>9}{'paper':>9}")
    for curve in curves:
        trained, tested = curve.final
        paper = f"{PAPER[curve.net]:.2%}" if curve.net in PAPER else "-"
        click.echo(f"{curve.net:<12}{curve.parameters:>12,}{trained:>10.2%}{tested:>9.2%}{paper:>9}")
    for sentence in findings(curves):
        click.echo(sentence)
    click.echo(f"{drawn}, {saved}")
