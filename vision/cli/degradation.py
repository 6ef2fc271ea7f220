"""`casecnn vision degradation`: deeper plain nets against deeper residual ones."""

from __future__ import annotations

import sys

import click

from casecnn.cli import device_option, format_option, seed_option


@click.command()
@click.argument("data", metavar="DATA")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for logs, checkpoints, results and figure.")
@click.option("--nets", default="plain20,plain56,resnet20,resnet56", show_default=True, help="Nets to train alike.")
@click.option("--figure", metavar="FILE", help="Where to draw: .png, .svg or .pdf.  [default: DIR/degradation.png]")
@click.option("--epochs", type=float, help="Passes over the pictures.  [default: 64,000 steps, as the paper]")
@click.option("--steps", type=int, help="Updates of the weights, in place of --epochs.")
@click.option("--batch", "batch_size", type=int, help="Pictures a step.  [default: 128, as the paper]")
@click.option("--lr", type=float, help="Peak learning rate.  [default: 0.1, as the paper]")
@click.option("--limit", type=int, metavar="N", help="Train on N of the pictures only.")
@click.option("--evaluations", default=20, show_default=True, help="Measurements of the test error on the way.")
@click.option("--workers", default=1, show_default=True, help="Threads that distort.")
@click.option("--threads", type=int, help="Threads that the nets compute with.  [default: torch's choice]")
@click.option("--resume/--no-resume", default=True, show_default=True, help="Go on from what is in DIR.")
@device_option
@seed_option
@format_option
def degradation(data, output, nets, figure, epochs, steps, batch_size, lr, limit, evaluations, workers, threads, resume,
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
    drawn = figure or str(Path(output) / "degradation.png")
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
